import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/domain/job.ts';
import { WEBHOOK_EVENTS, type WebhookEndpoint } from '../../../src/jobs/webhook-store.ts';
import { deliveryFor, testDelivery } from '../../../src/jobs/webhooks/delivery.ts';
import { aJob, PICTURE } from '../support/a-job.ts';

const NOON = 1_795_608_000_000;
const endpoint: WebhookEndpoint = {
  id: 'wh_1',
  principal: 'key',
  url: 'https://receiver.example/',
  events: WEBHOOK_EVENTS,
  secrets: [{ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', validUntil: undefined }],
  createdAt: NOON,
  disabled: undefined,
};
const completed = { seq: 4, at: NOON, kind: 'job.completed', data: {} } as const;

describe('what an endpoint is told of a job', () => {
  it('is what happened, where to look, what it cost and what was made', () => {
    const job = aJob({ state: 'completed', images: [PICTURE], previews: [PICTURE], traceId: 'req_1' });
    expect(JSON.parse(deliveryFor(endpoint, job, completed)?.body ?? '')).toEqual({
      type: 'job.completed',
      timestamp: '2026-11-25T12:00:00.000Z',
      data: {
        object: 'image.job',
        id: job.id,
        url: `/v1/images/jobs/${job.id}`,
        status: 'completed',
        lineage: job.id,
        model: 'premium',
        created_at: 1_795_607_000,
        ended_at: 1_795_608_000,
        cost_usd: { billed: 0.211, possibly_billed: 0 },
        degraded: null,
        error: null,
        previews: [expect.objectContaining({ url: `/v1/images/jobs/${job.id}/preview/0`, format: 'png', width: 1024 })],
        images: [expect.objectContaining({ url: `/v1/images/jobs/${job.id}/content/0`, sha256: PICTURE.sha256, bytes: 1_600_000 })],
      },
    });
  });

  it('has a link to each preview it names, also where the first of many are left out', () => {
    const job = aJob({ state: 'preview_ready', previews: Array.from({ length: 12 }, () => PICTURE) });
    const { data } = JSON.parse(deliveryFor(endpoint, job, { ...completed, kind: 'job.preview_ready' })?.body ?? '');
    const links = data.previews.map(({ url }: { readonly url: string }) => url);
    expect(links).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((index) => `/v1/images/jobs/${job.id}/preview/${index}`));
  });

  it('is less than 20 kB whatever the job holds, and never the prompt or a blob’s name', () => {
    const worst = [...'\u0001"\u{1f98a}'].map((character) => character.repeat(40_000));
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 2_000, size: 'max' }), fc.constantFrom(...worst));
    const jobs = fc.record({ text, pictures: fc.integer({ min: 0, max: 60 }) }).map(
      ({ text: long, pictures }): Job =>
        aJob({
          request: { prompt: 'the secret prompt' },
          model: long,
          degraded: long,
          error: { code: long, message: long, problems: [] },
          images: Array.from({ length: pictures }, () => PICTURE),
          previews: Array.from({ length: pictures }, () => PICTURE),
        }),
    );
    fc.assert(
      fc.property(jobs, (job) => {
        const body = deliveryFor(endpoint, job, completed)?.body ?? '';
        // With room for the longest public URL before each of its links.
        expect(Buffer.byteLength(body)).toBeLessThan(20_000 - 21 * 200);
        expect(JSON.parse(body).data.status).toBe('failed');
        expect(body).not.toContain('the secret prompt');
        expect(body).not.toContain(PICTURE.blob);
      }),
      { numRuns: 50 },
    );
  });

  it('has the same id for the same event of the same job, and another for any other', () => {
    const job = aJob();
    const ids = [
      deliveryFor(endpoint, job, completed),
      deliveryFor(endpoint, job, { ...completed }),
      deliveryFor(endpoint, job, { ...completed, seq: 5 }),
      deliveryFor({ ...endpoint, id: 'wh_2' }, job, completed),
      deliveryFor(endpoint, aJob({ id: 'job_ff112233445566778899aabbccddeeff' }), completed),
    ].map((delivery) => delivery?.id);
    expect(ids[0]).toMatch(/^msg_[0-9a-f]{32}$/);
    expect([ids[0] === ids[1], new Set(ids).size]).toEqual([true, 4]);
  });

  it('tells which endpoint it tries when it is a test', () => {
    expect(JSON.parse(testDelivery(endpoint, NOON).body)).toMatchObject({ type: 'webhook.test', data: { webhook: 'wh_1' } });
  });
  it('is one test for all who ask within ten seconds', () => {
    const ids = [0, 9_999, 10_000].map((ms) => testDelivery(endpoint, NOON + ms).id);
    expect([ids[0] === ids[1], ids[0] === ids[2]]).toEqual([true, false]);
  });
});
