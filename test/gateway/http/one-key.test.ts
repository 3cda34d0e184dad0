import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpWorld } from '../support/http-world.ts';
import { dataFolder, stateIn } from '../support/state-world.ts';

let world: HttpWorld;
beforeEach(async () => {
  world = await HttpWorld.open({ jobs: 'by-hand' });
  world.idempotency.claim = (await stateIn(await dataFolder())).idempotency.claim;
});
afterEach(() => world.close());

const FOX = { prompt: 'a red fox', model: 'preview', latency_budget_ms: 60_000 };
const ASYNC = { prefer: 'respond-async' };
const picture = sharp({ create: { width: 64, height: 64, channels: 3, background: 'orange' } })
  .png()
  .toBuffer();

async function reply(response: Promise<Response>) {
  const answer = await response;
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}
const keyed = (path: string, body: object | string, headers: Record<string, string> = {}) =>
  reply(world.post(`/v1/images/${path}`, body, { 'idempotency-key': 'order-1', ...headers }));

const DOORS: Readonly<Record<string, () => ReturnType<typeof keyed>>> = {
  generations: () => keyed('generations', FOX),
  edits: async () => keyed('edits', { ...FOX, images: [{ image_url: `data:image/png;base64,${(await picture).toString('base64')}` }] }),
  jobs: () => keyed('jobs', FOX),
  batches: () => keyed('batches', JSON.stringify({ prompt: 'a red fox', model: 'preview' }), { 'content-type': 'application/jsonl' }),
};
const HELD: Readonly<Record<string, string>> = {
  generations: 'belongs to a request to /v1/images/generations',
  edits: 'belongs to a request to /v1/images/edits',
  jobs: 'belongs to a job',
  batches: 'belongs to a batch',
};
const made = () => world.sandbox.ledger().length + world.jobs.kept.size + world.batches.kept.size;

describe('one Idempotency-Key', () => {
  it.each(Object.keys(DOORS))('that came with %s first is made once, whatever other door it comes by', async (door) => {
    const begun = await DOORS[door]?.();
    expect([200, 202]).toContain(begun?.status);
    if (door === 'batches') await world.until(() => world.jobs.kept.size === 1);
    const once = made();
    for (const [other, ask] of Object.entries(DOORS)) {
      if (other === door) continue;
      const { status, body } = await ask();
      expect({ other, status, code: body.error?.code }).toEqual({ other, status: 422, code: 'idempotency_mismatch' });
      expect(body.error.message).toContain(HELD[door]);
    }
    expect(made()).toBe(once);
    expect((await DOORS[door]?.())?.headers.get('idempotent-replayed')).toBe('true');
    expect(made()).toBe(once);
  });

  it('of a call that was given up is no job’s: its caller is sent back to the call, which has the answer', async () => {
    await DOORS.generations?.();
    const sent = world.sandbox.ledger().length;
    for (const [body, headers] of [
      [FOX, ASYNC],
      [{ ...FOX, on_late: 'job' }, {}],
    ] as const) {
      const refused = await keyed('generations', body, headers);
      expect(refused.status).toBe(422);
      expect(refused.body.error.message).toContain('Repeat it without Prefer: respond-async');
      expect(refused.headers.get('x-should-retry')).toBe('false');
    }
    expect((await keyed('generations', { ...FOX, n: 2 }, ASYNC)).body.error.message).toContain('Use a new key');
    expect(world.jobs.kept.size).toBe(0);
    expect(await DOORS.generations?.()).toMatchObject({ status: 200 });
    expect(world.sandbox.ledger()).toHaveLength(sent);
  });

  it('leads to its job by every way that a job is handed in', async () => {
    const { body } = await keyed('generations', FOX, ASYNC);
    const again = [await keyed('generations', FOX, { prefer: 'respond-async, wait=0' }), await DOORS.jobs?.()];
    expect(again.map((answer) => [answer?.status, answer?.body.id])).toEqual(Array(2).fill([202, body.id]));
    expect((await DOORS.generations?.())?.body.error.message).toContain('Repeat it as a job');
  });

  it('of a call that was refused before anything was spent is free for a job', async () => {
    expect((await keyed('generations', { ...FOX, latency_budget_ms: 1 })).body.error.code).toBe('infeasible');
    expect(await keyed('generations', FOX, ASYNC)).toMatchObject({ status: 202 });
  });
});
