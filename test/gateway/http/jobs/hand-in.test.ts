import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { MicroUsd } from '../../../../src/domain/money.ts';
import { StoreError } from '../../../../src/domain/store-error.ts';
import { NO_LIMITS } from '../../../../src/gateway/limits/no-limits.ts';
import { HttpWorld, type WorldOptions } from '../../support/http-world.ts';

let world: HttpWorld;
afterEach(() => world.close());

const open = async (options: WorldOptions = {}): Promise<void> => {
  world = await HttpWorld.open({ jobs: 'by-hand', ...options });
};
const FOX = { prompt: 'a red fox in the snow', model: 'preview' };

async function reply(response: Promise<Response>) {
  const answer = await response;
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}
const handIn = (body: object, headers: Record<string, string> = {}) => reply(world.post('/v1/images/jobs', body, headers));

describe('a job that is handed in', () => {
  it('is accepted with 202, its place, and when to look again', async () => {
    await open();
    const { status, headers, body } = await handIn(FOX);
    expect(status).toBe(202);
    expect(body).toMatchObject({ object: 'image.job', status: 'queued', model: 'preview', images: [], error: null, lineage: body.id });
    expect(body.id).toMatch(/^job_[0-9a-f]{32}$/);
    expect(headers.get('location')).toBe(`/v1/images/jobs/${body.id}`);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.stringify(body)).not.toContain('fox');
  });

  it('reserves the most it may cost under its id, to be kept by the job, and nothing is settled by the request', async () => {
    await open();
    const { body } = await handIn({ ...FOX, n: 2, max_cost_usd: 0.5 });
    expect(world.gatekeeper.asks).toMatchObject([
      { requestId: body.id, images: 2, mostMicroUsd: 500_000, model: 'preview', keptBy: 'job' },
    ]);
    expect(world.gatekeeper.openLeases).toBe(1);
    expect(body.max_cost_usd).toBe(0.5);
  });

  it('may cost what three runs of it cost at worst when its caller names no cap, also where no key limits it', async () => {
    await open();
    const { body } = await handIn(FOX);
    const { plan } = world.router.explain({ prompt: FOX.prompt, tier: 'preview', latencyBudgetMs: 86_400_000 });
    if (plan.kind !== 'plan') throw new Error('it can be planned');
    expect(body.max_cost_usd).toBe((3 * plan.worstCost) / 1_000_000);
  });

  it('has its latency budget as its life', async () => {
    await open();
    const { body } = await handIn({ ...FOX, latency_budget_ms: 600_000 });
    expect(body.expires_at - body.created_at).toBe(600);
    expect(world.jobs.kept.get(body.id)?.request).not.toHaveProperty('latencyBudgetMs', expect.anything());
  });

  it('of a foreign type, or packed, is told what a job may be', async () => {
    await open();
    const plain = await handIn(FOX, { 'content-type': 'text/plain' });
    expect([plain.status, plain.body.error.message]).toEqual([415, 'A job must be multipart/form-data or application/json.']);
    expect(plain.body.error.problems).toMatchObject([{ field: 'content-type', rule: 'must be multipart/form-data or application/json' }]);
    const packed = await handIn(FOX, { 'content-encoding': 'gzip' });
    expect([packed.status, packed.body.error.param]).toEqual([415, 'content-encoding']);
    expect(world.jobs.kept.size).toBe(0);
  });

  it('that is wrong is an error now, and no job', async () => {
    await open();
    expect(await handIn({ prompt: '' })).toMatchObject({ status: 400, body: { error: { param: 'prompt' } } });
    expect(await handIn({ ...FOX, promt: 'x' })).toMatchObject({ status: 400, body: { error: { code: 'unknown_parameter' } } });
    expect(await handIn({ ...FOX, stream: true })).toMatchObject({ status: 400, body: { error: { param: 'stream' } } });
    expect(await handIn({ ...FOX, model: 'dall-e-9' })).toMatchObject({ status: 404, body: { error: { code: 'model_not_found' } } });
    expect(world.jobs.kept.size).toBe(0);
    expect(world.gatekeeper.asks).toEqual([]);
  });

  it('that no route can make for its price is refused now, with what would work', async () => {
    await open();
    const { status, body } = await handIn({ ...FOX, model: 'premium', max_cost_usd: 0.001 });
    expect([status, body.error.code]).toEqual([422, 'infeasible']);
    expect(body.error.offers).toContainEqual(expect.objectContaining({ change: 'max_cost_usd' }));
    expect(world.jobs.kept.size).toBe(0);
  });

  it.each(['leaves no plan', 'leaves only what is cheap'])('is neither refused nor held short where a sick provider %s', async (case_) => {
    await open();
    const { body: whole } = await handIn({ ...FOX, model: 'premium' });
    const sick = { kind: 'infeasible', binding: 'breaker-open', detail: 'sick', forecasts: [], offers: [] } as const;
    const { explain } = world.router;
    const [route] = world.options.routes;
    if (route === undefined) throw new Error('there are routes');
    const excluded = [{ route: route.id, target: undefined, reason: 'breaker-open', detail: 'sick' }] as const;
    world.router.explain = (request, options) => {
      const explained = explain.call(world.router, request, options);
      if (options?.onceWell === true || explained.plan.kind === 'infeasible') return explained;
      const cheap = { ...explained.plan, worstCost: 1 as MicroUsd, excluded };
      return { ...explained, plan: case_ === 'leaves no plan' ? { ...sick, excluded } : cheap };
    };
    const { status, body } = await handIn({ ...FOX, model: 'premium' });
    expect(status).toBe(202);
    expect(body.max_cost_usd).toBe(whole.max_cost_usd);
  });

  it('gives its place back when the store does not take it, and is answered 503 with a time to come back', async () => {
    await open();
    world.jobs.trouble = new StoreError('the disk is full');
    const { status, headers, body } = await handIn(FOX);
    expect([status, body.error.code]).toEqual([503, 'store_unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(world.gatekeeper.openLeases).toBe(0);
    expect(world.jobs.kept.size).toBe(0);
  });

  it('leaves its Idempotency-Key to a repeat when nobody knows whether it was accepted, and frees the key when it was not', async () => {
    await open();
    const ended: string[] = [];
    const claim = { kind: 'first', name: `ans_${'7'.repeat(32)}`, complete: async () => undefined } as const;
    const ends = { abandon: async () => void ended.push('abandoned'), leave: () => void ended.push('left') };
    world.idempotency.claim = async () => ({ ...claim, ...ends });
    for (const mayBeWritten of [true, false]) {
      world.jobs.trouble = new StoreError('no answer', { mayBeWritten });
      expect((await handIn(FOX, { 'idempotency-key': 'order-1' })).status).toBe(503);
    }
    expect(ended).toEqual(['left', 'abandoned']);
    expect(world.gatekeeper.openLeases).toBe(0);
  });

  it('over the limits of its key is refused as an image is', async () => {
    await open();
    world.gatekeeper.denial = { status: 429, code: 'budget_exceeded', message: 'spent', param: undefined, retryAfterMs: 5_000 };
    expect(await handIn(FOX)).toMatchObject({ status: 429, body: { error: { code: 'budget_exceeded' } } });
    expect(world.jobs.kept.size).toBe(0);
  });

  it('works from pictures, sent as a form or as data: URIs, and looks at them first', async () => {
    await open();
    const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'orange' } })
      .png()
      .toBuffer();
    const form = new FormData();
    form.append('image', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'fox.png');
    form.append('prompt', 'the same fox at night');
    const formed = await reply(fetch(`${world.url}/v1/images/jobs`, { method: 'POST', body: form }));
    expect(formed.status).toBe(202);
    const uri = `data:image/png;base64,${png.toString('base64')}`;
    const { status, body } = await handIn({ prompt: 'the same fox at night', images: [{ image_url: uri }] });
    expect(status).toBe(202);
    expect(world.jobs.kept.get(body.id)?.request.referenceImages?.map((bytes) => Buffer.from(bytes).equals(png))).toEqual([true]);
    const torn = `data:image/png;base64,${png.subarray(0, png.length - 40).toString('base64')}`;
    expect(await handIn({ prompt: 'x', images: [{ image_url: torn }] })).toMatchObject({ status: 400 });
  });

  it('with the same Idempotency-Key is the same job, and another request under that key is refused', async () => {
    await open();
    const once = { 'idempotency-key': 'order-1' };
    const [first, again] = [await handIn(FOX, once), await handIn(FOX, once)];
    expect(again.body.id).toBe(first.body.id);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await handIn({ ...FOX, n: 2 }, once)).status).toBe(422);
    expect(world.jobs.kept.size).toBe(1);
  });

  it('is found again by its Idempotency-Key when the answer was lost in a crash', async () => {
    await open();
    const once = { 'idempotency-key': 'order-1' };
    const { body } = await handIn(FOX, once);
    const name = `ans_${body.id.slice('job_'.length)}`;
    world.idempotency.claim = async () => ({ kind: 'conflict', status: 409, code: 'idempotency_interrupted', message: 'cut off', name });
    expect(await handIn(FOX, once)).toMatchObject({ status: 202, body: { id: body.id } });
  });

  it('is accepted under its Idempotency-Key when the gateway that had claimed it died before, and only once', async () => {
    await open();
    const once = { 'idempotency-key': 'order-1' };
    const name = `ans_${'7'.repeat(32)}`;
    world.idempotency.claim = async () => ({ kind: 'conflict', status: 409, code: 'idempotency_interrupted', message: 'cut off', name });
    const [first, again] = [await handIn(FOX, once), await handIn(FOX, once)];
    expect([first, again]).toMatchObject([
      { status: 202, body: { id: `job_${'7'.repeat(32)}` } },
      { status: 202, body: { id: first.body.id } },
    ]);
    expect(world.jobs.kept.size).toBe(1);
    world.idempotency.claim = async () => ({
      kind: 'conflict',
      status: 409,
      code: 'idempotency_in_progress',
      message: 'runs',
      name: 'ans_8',
    });
    expect(await handIn(FOX, once)).toMatchObject({ status: 409, body: { error: { code: 'idempotency_in_progress' } } });
  });

  it('asks for its place once, however many repeat it at once after the gateway that had claimed it died', async () => {
    await open();
    const once = { 'idempotency-key': 'order-1' };
    const name = `ans_${'9'.repeat(32)}`;
    world.idempotency.claim = async () => ({ kind: 'conflict', status: 409, code: 'idempotency_interrupted', message: 'cut off', name });
    const { asks } = world.gatekeeper;
    const asked = asks.length;
    const submit = world.jobs.submit.bind(world.jobs);
    // Until all of them have come.
    vi.spyOn(world.jobs, 'submit').mockImplementationOnce(async (orders) => {
      await pause(100);
      return submit(orders);
    });
    const answers = await Promise.all([1, 2, 3].map(() => handIn(FOX, once)));
    expect(answers.map(({ status, body }) => [status, body.id])).toEqual(Array(3).fill([202, `job_${'9'.repeat(32)}`]));
    expect(asks.length - asked).toBe(1);
  });

  it('that another key holds is as unknown as one that never was, on every path, down to the last byte', async () => {
    await open();
    for (const id of ['ann', 'bob']) world.gatekeeper.keys.set(id, { id, scopes: ['images'], limits: NO_LIMITS });
    const { body } = await handIn(FOX, { authorization: 'Bearer ann' });
    const text = async (id: string, path: string, method: string) => {
      const answer = await fetch(`${world.url}/v1/images/jobs/${id}${path}`, { method, headers: { authorization: 'Bearer bob' } });
      return `${answer.status} ${await answer.text()}`;
    };
    const paths = ['', '/events', '/content/0', '/preview/0', '/cancel', '/finalize', '/upgrade'];
    for (const path of paths) {
      const method = /cancel|finalize|upgrade/.test(path) ? 'POST' : 'GET';
      const [foreign, unknown] = [await text(body.id, path, method), await text(`job_${'0'.repeat(32)}`, path, method)];
      expect(foreign, path).toBe(unknown);
      expect(foreign, path).toContain('404');
    }
    expect((await reply(world.get('/v1/images/jobs', { authorization: 'Bearer bob' }))).body.data).toEqual([]);
  });
});

describe('Prefer: respond-async', () => {
  it('makes a job of a generation and of an edit, and says that it was heard', async () => {
    await open();
    const { status, headers, body } = await reply(world.post('/v1/images/generations', FOX, { prefer: 'respond-async' }));
    expect([status, body.object]).toEqual([202, 'image.job']);
    expect(headers.get('preference-applied')).toBe('respond-async');
    expect(headers.get('location')).toBe(`/v1/images/jobs/${body.id}`);
  });

  it('with a wait answers as if it were synchronous when the job ends by then, and is one upstream call', async () => {
    await open({ jobs: 'made' });
    const asked = reply(world.post('/v1/images/generations', { ...FOX, model: 'gpt-image-2-low' }, { prefer: 'respond-async, wait=60' }));
    const { status, headers, body } = await asked;
    expect(status).toBe(200);
    expect(Buffer.from(body.data[0].b64_json, 'base64').subarray(1, 4).toString()).toBe('PNG');
    expect(body.image_router).toMatchObject({ route: 'gpt-image-2-low', target: expect.stringMatching(/^gpt-image-2-low@/) });
    expect(headers.get('content-location')).toBe(`/v1/images/jobs/${body.image_router.job_id}`);
    expect(world.sandbox.ledger()).toHaveLength(1);
  });

  it('with a wait says what was used, and what was left of the time the job had, as a synchronous answer does', async () => {
    await open({ jobs: 'made' });
    const body = { ...FOX, model: 'gpt-image-2-low', n: 2, latency_budget_ms: 600_000 };
    const made = await reply(world.post('/v1/images/generations', body));
    const waited = await reply(world.post('/v1/images/generations', body, { prefer: 'respond-async, wait=60' }));
    expect(waited.body.usage).toEqual(made.body.usage);
    expect(waited.body.usage.total_tokens).toBeGreaterThan(0);
    const { deadline_left_ms: left, elapsed_ms: elapsed } = waited.body.image_router;
    expect(left + elapsed).toBe(600_000);
    expect(waited.headers.get('x-image-router-deadline-left-ms')).toBe(String(left));
  });

  it('is ignored by a stream, which has its own way to wait', async () => {
    await open();
    const answer = await world.post('/v1/images/generations', { ...FOX, stream: true }, { prefer: 'respond-async' });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    await answer.body?.cancel();
  });
});

describe('on_late: job', () => {
  const LATE = { prompt: 'a red fox in the snow', model: 'gpt-image-2-low', on_late: 'job' };

  it('answers with the images when they are there within the budget', async () => {
    await open({ jobs: 'made' });
    const { status, body } = await reply(world.post('/v1/images/generations', { ...LATE, latency_budget_ms: 600_000 }));
    expect(status).toBe(200);
    expect(body.data).toHaveLength(1);
    // Of the caller's budget, not of the day a job has.
    expect(body.image_router.deadline_left_ms + body.image_router.elapsed_ms).toBe(600_000);
  });

  it('answers 202 when the budget runs out; the call that runs goes on, is the only one, and is billed once', async () => {
    await open({ jobs: 'made', latency: 'model', speed: 100 });
    const { status, body } = await reply(world.post('/v1/images/generations', { ...LATE, latency_budget_ms: 500 }));
    expect([status, body.object]).toEqual([202, 'image.job']);
    await world.until(() => world.jobs.kept.get(body.id)?.job.state === 'completed');
    const ended = await reply(world.get(`/v1/images/jobs/${body.id}`));
    expect(ended.body.attempts).toMatchObject([{ route: 'gpt-image-2-low', outcome: 'delivered' }]);
    const entries = world.sandbox.ledger();
    expect(entries).toHaveLength(1);
    expect(ended.body.cost_usd.billed).toBeGreaterThan(0);
  });

  it('makes what the budget leads to: being allowed to be late changes nothing about the tier', async () => {
    await open();
    const words = { prompt: 'a red fox in the snow', on_late: 'job', latency_budget_ms: 20_000 };
    const asked = world.post('/v1/images/generations', words);
    await world.until(() => world.jobs.kept.size === 1);
    const [kept] = world.jobs.kept.values();
    expect(kept?.request.tier).toBe(world.router.explain({ prompt: words.prompt, latencyBudgetMs: 20_000 }).need.tier);
    world.jobs.end(kept?.job.id ?? '', 'failed', { error: { code: 'refused', message: 'no' } });
    expect(await reply(asked)).toMatchObject({ status: 400, body: { error: { code: 'moderation_blocked', job_id: kept?.job.id } } });
  });

  it('makes what the budget leads to of a provider’s model, which names no tier, and a tier that is named as it is', async () => {
    await open();
    const ask = { prompt: 'a red fox in the snow', on_late: 'job', latency_budget_ms: 8_000 };
    const asked = ['gpt-image-2', 'premium'].map((model) => reply(world.post('/v1/images/generations', { ...ask, model })));
    await world.until(() => world.jobs.kept.size === 2);
    const kept = [...world.jobs.kept.values()];
    expect(Object.fromEntries(kept.map(({ job, request }) => [job.model, request.tier]))).toEqual({
      'gpt-image-2': 'preview',
      premium: 'premium',
    });
    for (const { job } of kept) world.jobs.end(job.id, 'cancelled', {});
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([409, 409]);
  });

  it('goes on when its caller leaves, and when the gateway drains', async () => {
    await open();
    const leaving = new AbortController();
    const body = { ...LATE, latency_budget_ms: 600_000 };
    const left = world.post('/v1/images/generations', body, {}, leaving.signal).catch(() => undefined);
    await world.until(() => world.jobs.kept.size === 1);
    leaving.abort();
    await left;
    const asked = reply(world.post('/v1/images/generations', body));
    await world.until(() => world.jobs.kept.size === 2);
    world.app.abortAll();
    expect((await asked).status).toBe(202);
    expect([...world.jobs.kept.values()].map(({ job }) => job.isCancelAsked)).toEqual([false, false]);
  });

  it('is refused where no jobs are kept, and in a stream', async () => {
    await open();
    expect(await reply(world.post('/v1/images/generations', { ...LATE, stream: true }))).toMatchObject({ status: 400 });
    await world.close();
    world = await HttpWorld.open();
    expect(await reply(world.post('/v1/images/generations', LATE))).toMatchObject({ status: 400, body: { error: { param: 'on_late' } } });
  });

  it('joins a hidden repeat of a client library to the job it repeats', async () => {
    await open();
    const body = { ...LATE, latency_budget_ms: 600_000 };
    const first = reply(world.post('/v1/images/generations', body, { 'x-stainless-retry-count': '0' }));
    await world.until(() => world.jobs.kept.size === 1);
    const again = reply(world.post('/v1/images/generations', body, { 'x-stainless-retry-count': '1' }));
    await world.until(() => world.app.load().callers === 2);
    const [kept] = world.jobs.kept.values();
    world.jobs.end(kept?.job.id ?? '', 'completed', { images: [world.jobs.store(Buffer.from('picture'))] });
    expect([(await first).status, (await again).status]).toEqual([200, 200]);
    expect(world.jobs.kept.size).toBe(1);
  });
});
