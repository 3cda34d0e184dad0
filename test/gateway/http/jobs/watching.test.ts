import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../../src/domain/job.ts';
import type { MicroUsd } from '../../../../src/domain/money.ts';
import { NO_LIMITS } from '../../../../src/gateway/limits/no-limits.ts';
import { HttpWorld } from '../../support/http-world.ts';

let world: HttpWorld;
beforeEach(async () => {
  world = await HttpWorld.open({ jobs: 'by-hand' });
});
afterEach(() => world.close());

const jsonOf = async (response: Promise<Response>) => JSON.parse(await (await response).text());
const handIn = async (more: object = {}): Promise<string> =>
  (await jsonOf(world.post('/v1/images/jobs', { prompt: 'a red fox', model: 'preview', ...more }))).id;
const look = (id: string) => jsonOf(world.get(`/v1/images/jobs/${id}`));
const BYTES = Buffer.from(Array.from({ length: 600_000 }, (_, index) => index % 251));
const picture = (bytes: Uint8Array = BYTES) => world.jobs.store(bytes);
const path = (url: string): string => new URL(url).pathname + new URL(url).search;

describe('a job that is looked at', () => {
  it('says how far it is, that this is an estimate, and when to look again', async () => {
    const id = await handIn();
    expect((await look(id)).progress).toEqual({ share: 0, expected_end: null, estimate: true });
    world.jobs.start(id, 120_000);
    const answer = await world.get(`/v1/images/jobs/${id}`);
    const body = JSON.parse(await answer.text());
    expect(body).toMatchObject({ status: 'running', runs: 1, progress: { estimate: true, expected_end: body.started_at + 120 } });
    expect(body.progress.share).toBeLessThanOrEqual(0.95);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('that has ended has nothing left to wait for', async () => {
    const id = await handIn();
    world.jobs.end(id, 'failed', { error: { code: 'refused', message: 'the latencyBudgetMs is fine, the prompt is not' } });
    const answer = await world.get(`/v1/images/jobs/${id}`);
    expect(answer.headers.get('retry-after')).toBeNull();
    const body = JSON.parse(await answer.text());
    expect(body).toMatchObject({ status: 'failed', progress: null, error: { code: 'moderation_blocked' } });
    expect(body.error.message).toContain('latency_budget_ms');
  });

  it('links to where others reach the gateway, where the operator says so, and the links are good', async () => {
    const other = await HttpWorld.open({ jobs: 'by-hand', publicUrl: 'https://images.example.com' });
    try {
      const { id } = await jsonOf(other.post('/v1/images/jobs', { prompt: 'a red fox', model: 'preview' }));
      other.jobs.end(id, 'completed', { images: [other.jobs.store(BYTES)] });
      const { urls, images } = await jsonOf(other.get(`/v1/images/jobs/${id}`));
      expect(urls.get).toBe(`https://images.example.com/v1/images/jobs/${id}`);
      expect(images[0].url).toMatch(`https://images.example.com/v1/images/jobs/${id}/content/0?`);
      expect((await other.get(path(images[0].url))).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  it('links to its pictures, by links that need no key and say until when', async () => {
    const id = await handIn();
    world.jobs.start(id);
    world.jobs.preview(id, picture());
    world.jobs.end(id, 'completed', { images: [picture()], cost: { billed: 5_900 as MicroUsd, possiblyBilled: 0 as MicroUsd } });
    const body = await look(id);
    expect(body).toMatchObject({ status: 'completed', cost_usd: { billed: 0.0059 } });
    for (const { url, url_expires_at, size, output_format, tier } of [...body.images, ...body.previews]) {
      expect([size, output_format, tier]).toEqual(['1024x1024', 'png', 'preview']);
      expect(url_expires_at).toBeGreaterThan(body.created_at);
      world.gatekeeper.keys.set('some', { id: 'some', scopes: ['images'], limits: NO_LIMITS });
      expect(Buffer.from(await (await world.get(path(url))).arrayBuffer()).equals(BYTES)).toBe(true);
      expect((await world.get(new URL(url).pathname)).status).toBe(401);
      expect((await world.get(`${new URL(url).pathname}?expires=1&signature=forged`)).status).toBe(403);
    }
  });
});

describe('a picture', () => {
  const etag = `"${createHash('sha256').update(BYTES).digest('hex')}"`;
  let url: string;
  beforeEach(async () => {
    const id = await handIn();
    world.jobs.end(id, 'completed', { images: [picture()] });
    url = `/v1/images/jobs/${id}/content/0`;
  });

  it('comes as the file it is: its type and nothing guessed, its name, its tag', async () => {
    const answer = await world.get(url);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(BYTES.length),
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'content-disposition': expect.stringMatching(/^inline; filename="job_[0-9a-f]{32}-0\.png"$/),
      etag,
    });
    expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES)).toBe(true);
  });

  it('that is a preview has a name of its own, so that it never passes for the image', async () => {
    const id = await handIn();
    world.jobs.preview(id, picture());
    const answer = await world.get(`/v1/images/jobs/${id}/preview/0`);
    expect(answer.headers.get('content-disposition')).toBe(`inline; filename="${id}-preview-0.png"`);
  });

  it('is read in pieces, none of them the whole', async () => {
    await (await world.get(url)).arrayBuffer();
    expect(world.jobs.reads.length).toBeGreaterThan(2);
    for (const range of world.jobs.reads) expect((range?.end ?? Number.POSITIVE_INFINITY) - (range?.start ?? 0)).toBeLessThan(300_000);
  });

  it.each([
    ['bytes=0-99', 0, 99],
    ['bytes=599990-', 599_990, 599_999],
    ['bytes=-10', 599_990, 599_999],
    ['bytes=599990-700000', 599_990, 599_999],
    ['bytes=1000-400000', 1_000, 400_000],
  ])('in part: %s', async (range, start, end) => {
    const answer = await world.get(url, { range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end}/600000`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(BYTES.subarray(start, end + 1))).toBe(true);
    expect(world.jobs.reads.every((read) => read !== undefined && read.start >= start && read.end <= end)).toBe(true);
  });

  it.each(['bytes=5-2', 'items=0-1', 'bytes=0-1,5-6', 'bytes=-', 'nonsense'])('whole, where "%s" is no range it knows', async (range) => {
    expect((await world.get(url, { range })).status).toBe(200);
  });

  it.each(['bytes=600000-', 'bytes=-0'])('not at all where %s lies outside of it', async (range) => {
    const answer = await world.get(url, { range });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */600000']);
  });

  it('is not sent again to whoever has it, and a part only of the same picture', async () => {
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await world.get(url, { 'if-none-match': known });
      expect([answer.status, (await answer.arrayBuffer()).byteLength, answer.headers.get('etag')]).toEqual([304, 0, etag]);
    }
    expect((await world.get(url, { 'if-none-match': '"other"' })).status).toBe(200);
    expect((await world.get(url, { range: 'bytes=0-9', 'if-range': etag })).status).toBe(206);
    expect((await world.get(url, { range: 'bytes=0-9', 'if-range': '"other"' })).status).toBe(200);
  });

  it('answers HEAD with its headers alone', async () => {
    const answer = await fetch(`${world.url}${url}`, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(BYTES.length)]);
    expect((await answer.arrayBuffer()).byteLength).toBe(0);
  });

  it('that does not exist is 404, and one that is kept no more is 410', async () => {
    const outside = await world.get(url.replace('content/0', 'content/9'));
    expect([outside.status, JSON.parse(await outside.text()).error.message]).toEqual([404, 'The job has one image: the index must be 0.']);
    expect((await world.get(url.replace('content/0', 'content/x'))).status).toBe(404);
    expect((await world.get(url.replace('content/0', 'preview/0'))).status).toBe(404);
    world.jobs.blobs.clear();
    expect((await world.get(url)).status).toBe(410);
  });

  it('is cut off rather than ended when its store fails in the middle', async () => {
    const content = world.jobs.content.bind(world.jobs);
    world.jobs.content = async (image, range) => ((range?.start ?? 0) > 0 ? undefined : content(image, range));
    await expect((await world.get(url)).arrayBuffer()).rejects.toThrow();
  });
});

type SentEvent = { readonly id: string; readonly event: string; readonly data: Record<string, unknown> & { job?: { status: string } } };

async function eventsIn(response: Response): Promise<readonly SentEvent[]> {
  const blocks = (await response.text()).split('\n\n').filter((block) => block.startsWith('id:'));
  return blocks.map((block) => {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
    return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) };
  });
}

describe('the events of a job', () => {
  it('tell each of the state they announce, also to whoever reads them when all is over', async () => {
    const id = await handIn();
    world.jobs.start(id);
    world.jobs.preview(id, picture());
    world.jobs.end(id, 'completed', { images: [picture()], degraded: 'a smaller picture' });
    const told = (await eventsIn(await world.get(`/v1/images/jobs/${id}/events`))).map(({ data }) => data);
    const open = { ended_at: null, images: [], degraded: null, error: null, progress: { estimate: true } };
    expect(told.map(({ job }) => job)).toMatchObject([
      { status: 'queued', ...open },
      { status: 'running', ...open },
      { status: 'preview_ready', ...open, previews: [{ index: 0 }] },
      { status: 'completed', ended_at: expect.any(Number), images: [{ index: 0 }], degraded: 'a smaller picture', progress: null },
    ]);
  });

  it('come in order with their numbers, and end with the job', async () => {
    const id = await handIn();
    const answer = await world.get(`/v1/images/jobs/${id}/events`);
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    world.jobs.start(id);
    world.jobs.preview(id, picture());
    world.jobs.end(id, 'completed', { images: [picture()] });
    const events = await eventsIn(answer);
    expect(events.map((event) => [event.id, event.event])).toEqual([
      ['1', 'job.queued'],
      ['2', 'job.running'],
      ['3', 'job.preview_ready'],
      ['4', 'job.completed'],
    ]);
    expect(events.at(-1)?.data).toMatchObject({ type: 'job.completed', seq: 4, job_id: id, job: { status: 'completed' } });
  });

  it.each([
    ['the header browsers send', { 'last-event-id': '2' }, ''],
    ['the query', {}, '?after=2'],
  ])('go on after the last one seen, named by %s', async (_, headers, query) => {
    const id = await handIn();
    world.jobs.start(id);
    world.jobs.end(id, 'cancelled', {});
    const events = await eventsIn(await world.get(`/v1/images/jobs/${id}/events${query}`, headers));
    expect(events.map((event) => event.event)).toEqual(['job.cancelled']);
  });

  it('after a number that is none are an error', async () => {
    const id = await handIn();
    expect((await world.get(`/v1/images/jobs/${id}/events?after=-1`)).status).toBe(400);
  });

  it('end when the gateway drains, so that they hold nothing up', async () => {
    const id = await handIn();
    const answer = await world.get(`/v1/images/jobs/${id}/events`);
    world.app.beginDrain();
    expect((await eventsIn(answer)).length).toBeLessThanOrEqual(1);
    expect(world.jobs.kept.get(id)?.job.state).toBe('queued');
  });

  it('stop being watched when their reader leaves', async () => {
    const id = await handIn();
    const leaving = new AbortController();
    const answer = await fetch(`${world.url}/v1/images/jobs/${id}/events`, { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    await world.app.idle();
  });
});

describe('comments on a silent stream', () => {
  it('keep it open', async () => {
    await world.close();
    world = await HttpWorld.open({ jobs: 'by-hand', heartbeatMs: 5 });
    const id = await handIn();
    const answer = await world.get(`/v1/images/jobs/${id}/events`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; !text.includes(': keep-alive'); ) text += (await reader?.read())?.value ?? '';
    await reader?.cancel();
  });
});

describe('a list of jobs', () => {
  it('is newest first, a page at a time, each job once', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.unshift(await handIn());
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const page = await jsonOf(world.get(`/v1/images/jobs?limit=2${after}`));
      seen.push(...page.data.map((job: { id: string }) => job.id));
      if (!page.has_more) break;
      after = `&after=${page.next}`;
    }
    expect([...seen].sort()).toEqual([...ids].sort());
    expect(seen).toHaveLength(5);
  });

  it('takes filters, and tells a misspelt one', async () => {
    const [one, other] = [await handIn(), await handIn()];
    world.jobs.start(one);
    const idsOf = async (query: string) => (await jsonOf(world.get(`/v1/images/jobs${query}`))).data.map(({ id }: { id: string }) => id);
    expect(await idsOf('?status=running')).toEqual([one]);
    expect((await idsOf('?status=running,queued&api-version=1')).length).toBe(2);
    expect(await idsOf(`?lineage=${other}`)).toEqual([other]);
    expect(await idsOf('?batch=none')).toEqual([]);
    for (const query of ['?statsu=queued', '?status=done', '?limit=0', '?limit=101', '?after=x'])
      expect((await world.get(`/v1/images/jobs${query}`)).status, query).toBe(400);
  });

  it('asked with a name twice answers neither', async () => {
    for (const query of ['limit=1&limit=2', 'limit=1&limit=1', 'status=queued&status=running']) {
      const answer = await world.get(`/v1/images/jobs?${query}`);
      const { param, message } = JSON.parse(await answer.text()).error;
      expect([answer.status, message]).toEqual([400, `${param} must be given once in a query.`]);
    }
    expect((await world.get('/v1/images/jobs?api-version=1&api-version=2')).status).toBe(200);
  });
});

describe('cancelling', () => {
  it('ends a job that waits, asks one that runs to stop, and changes nothing about one that has ended', async () => {
    const cancel = (id: string) => jsonOf(world.post(`/v1/images/jobs/${id}/cancel`, {}));
    const [waiting, running, ended] = [await handIn(), await handIn(), await handIn()];
    world.jobs.start(running);
    world.jobs.end(ended, 'completed', {});
    expect(await cancel(waiting)).toMatchObject({ status: 'cancelled' });
    expect(await cancel(running)).toMatchObject({ status: 'running', cancel_requested: true });
    expect(await cancel(ended)).toMatchObject({ status: 'completed' });
    expect((await fetch(`${world.url}/v1/images/jobs/${waiting}/cancel`, { method: 'POST' })).status).toBe(200);
  });
});

describe('a job that continues another', () => {
  const end = (id: string, changes: Partial<Job>): void => world.jobs.end(id, 'completed', changes);
  const goOn = async (id: string, how: 'finalize' | 'upgrade', body?: object, headers: Record<string, string> = {}) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(`${world.url}/v1/images/jobs/${id}/${how}`, { method: 'POST', headers: { ...type, ...headers }, ...sent });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  const cost = (billed: number): Job['cost'] => ({ billed: billed as MicroUsd, possiblyBilled: 0 as MicroUsd });
  const requestOf = (id: string) => world.jobs.kept.get(id)?.request;

  it('finalizes one of its previews as a premium render of the same prompt, in the same family', async () => {
    const id = await handIn({ n: 3 });
    end(id, { images: [picture(), picture(), picture()] });
    const { status, body } = await goOn(id, 'finalize', { preview: 2 });
    expect(status).toBe(202);
    expect(body).toMatchObject({ lineage: id, model: 'premium', n: 1, origin: { kind: 'finalize', parent: id, preview: 2 } });
    expect(requestOf(body.id)).toMatchObject({ prompt: 'a red fox', tier: 'premium', n: 1 });
    expect(requestOf(body.id)?.referenceImages).toBeUndefined();
  });

  it('works from the preview itself where that is asked', async () => {
    const id = await handIn();
    const bytes = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'orange' } })
      .png()
      .toBuffer();
    end(id, { images: [world.jobs.store(bytes)] });
    const { body } = await goOn(id, 'finalize', { use_as_reference: true });
    expect(requestOf(body.id)?.referenceImages?.map((reference) => Buffer.from(reference).equals(bytes))).toEqual([true]);
  });

  it('makes the same again a tier up, from preview to standard to premium and no further', async () => {
    const id = await handIn();
    end(id, { images: [picture()] });
    const better = await goOn(id, 'upgrade');
    expect(better).toMatchObject({ status: 202, body: { lineage: id, model: 'standard', origin: { kind: 'upgrade', parent: id } } });
    end(better.body.id, { images: [world.jobs.store(BYTES, { tier: 'standard' })] });
    const best = await goOn(better.body.id, 'upgrade');
    expect(best).toMatchObject({ status: 202, body: { lineage: id, model: 'premium' } });
    end(best.body.id, { images: [world.jobs.store(BYTES, { tier: 'premium' })] });
    for (const how of ['upgrade', 'finalize'] as const)
      expect(await goOn(best.body.id, how)).toMatchObject({ status: 409, body: { error: { code: 'job_already_premium' } } });
  });

  it('waits for the end, and needs something to continue', async () => {
    const [open, failed] = [await handIn(), await handIn()];
    world.jobs.end(failed, 'failed', {});
    for (const how of ['upgrade', 'finalize'] as const) {
      expect(await goOn(open, how)).toMatchObject({ status: 409, body: { error: { code: 'job_not_ended' } } });
      expect(await goOn(failed, how)).toMatchObject({ status: 409, body: { error: { code: 'nothing_to_continue' } } });
    }
    const sketched = await handIn();
    end(sketched, { images: [picture()] });
    expect(await goOn(sketched, 'finalize', { preview: 1 })).toMatchObject({ status: 400, body: { error: { param: 'preview' } } });
    expect(await goOn(sketched, 'finalize', { previw: 1 })).toMatchObject({ status: 400 });
  });

  it('costs at most what its family leaves of the first one’s cap, those that still run counted', async () => {
    const id = await handIn({ max_cost_usd: 0.6 });
    end(id, { images: [picture()], cost: cost(10_000) });
    const first = await goOn(id, 'upgrade');
    expect(first.body.max_cost_usd).toBeCloseTo(0.59);
    const second = await goOn(id, 'finalize');
    expect(second).toMatchObject({ status: 422, body: { error: { code: 'price_cap_reached', param: 'max_cost_usd' } } });
    end(first.body.id, { images: [world.jobs.store(BYTES, { tier: 'standard' })], cost: cost(60_000) });
    expect((await goOn(first.body.id, 'upgrade')).body.max_cost_usd).toBeCloseTo(0.53);
    expect((await goOn(id, 'upgrade', { max_cost_usd: 2 })).status).toBe(202);
  });

  it('is one job where a button was pressed twice, for as long as it is being made', async () => {
    const id = await handIn();
    end(id, { images: [picture(), picture()] });
    const [one, two] = await Promise.all([goOn(id, 'upgrade'), goOn(id, 'upgrade')]);
    expect([one.status, two.status, two.body.id]).toEqual([202, 202, one.body.id]);
    expect(world.gatekeeper.openLeases).toBe(2);
    const other = await goOn(id, 'finalize', { preview: 0 });
    expect(other.body.id).not.toBe((await goOn(id, 'finalize', { preview: 1 })).body.id);
    world.jobs.end(one.body.id, 'failed', {});
    expect((await goOn(id, 'upgrade')).body.id).not.toBe(one.body.id);
  });

  it('is the same job for the same Idempotency-Key, also when its cap would have no room for another', async () => {
    const id = await handIn({ max_cost_usd: 0.6 });
    end(id, { images: [picture()], cost: cost(10_000) });
    const once = { 'idempotency-key': 'hd' };
    const [first, again] = [await goOn(id, 'upgrade', undefined, once), await goOn(id, 'upgrade', undefined, once)];
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  });

  it('whose pictures are kept no more cannot be', async () => {
    const id = await handIn();
    end(id, { images: [picture()] });
    world.jobs.blobs.clear();
    expect(await goOn(id, 'finalize', { use_as_reference: true })).toMatchObject({
      status: 410,
      body: { error: { code: 'pictures_gone' } },
    });
  });
});
