// Every error in OpenAI's shape, with the true status, so that the official client throws the class its users expect.

import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { HttpWorld } from '../support/http-world.ts';
import { ErrorSchema } from '../support/openai-shapes.ts';

let world: HttpWorld;
beforeAll(async () => {
  world = await HttpWorld.open();
});
afterEach(() => {
  world.sandbox.clearFaults();
  world.gatekeeper.keys.clear();
  world.gatekeeper.denial = undefined;
});
afterAll(() => world.close());

const POST = { prompt: 'a red fox', model: 'preview' };

async function refused(body: unknown, headers: Record<string, string> = {}) {
  const reply = await world.post('/v1/images/generations', body, headers);
  return { status: reply.status, headers: reply.headers, error: ErrorSchema.parse(await reply.json()).error };
}

async function codeOf(reply: Response): Promise<string | null> {
  return ErrorSchema.parse(await reply.json()).error.code;
}

/** `fetch` names its own host. */
function calledBy(host: string, headers: Record<string, string> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request(`${world.url}/v1/models`, { headers: { ...headers, host } }, resolve)
    .on('error', reject)
    .end();
  return promise.then(async (reply) => {
    const status = reply.statusCode;
    const body: unknown = JSON.parse(await text(reply));
    return { status, error: status === 200 ? undefined : ErrorSchema.parse(body).error };
  });
}

describe('what a caller got wrong', () => {
  it.each([
    ['no prompt', { model: 'auto' }, 'missing_required_parameter', 'prompt'],
    ['an empty prompt', { prompt: ' ' }, 'invalid_value', 'prompt'],
    ['an unknown field', { ...POST, qualty: 'low' }, 'unknown_parameter', 'qualty'],
    ['a nested value', { ...POST, size: { width: 1 } }, 'invalid_type', 'size'],
    ['a size off the grid', { ...POST, size: '1000x1000' }, 'invalid_value', 'size'],
    ['too many images', { ...POST, n: 11 }, 'invalid_value', 'n'],
    ['a word for a number', { ...POST, n: 'two' }, 'invalid_value', 'n'],
    ['a broken budget', { ...POST, latency_budget_ms: -1 }, 'invalid_value', 'latency_budget_ms'],
    ['a quality there is not', { ...POST, quality: 'hd' }, 'invalid_value', 'quality'],
    ['links instead of pictures', { ...POST, response_format: 'url' }, 'invalid_value', 'response_format'],
    ['compression of a png', { ...POST, output_format: 'png', output_compression: 50 }, 'invalid_value', 'output_compression'],
    ['a policy there is not', { ...POST, policy: 'defualt' }, 'invalid_value', 'policy'],
    ['no object', [1], 'invalid_json', null],
    ['a field named __proto__', '{"prompt":"x","__proto__":{"n":2}}', 'unknown_parameter', '__proto__'],
  ])('%s is 400 and names the field', async (_, body, code, param) => {
    const { status, error } = await refused(body);
    expect(status).toBe(400);
    expect(error).toMatchObject({ type: 'invalid_request_error', code, param });
    expect(error.message).not.toMatch(/latencyBudgetMs|maxCostUsd|textAccuracy/);
  });

  it.each([
    [{ ...POST, model: '' }, 'model must have at least 1 character, got ""'],
    [{ ...POST, user: 'u'.repeat(3_000) }, 'user must have at most 256 characters'],
    [{ ...POST, n: 1e99 }, 'n must be at most 10, got 1e+99'],
    [{ ...POST, quality: 'low' }, 'model must not be given together with quality'],
    [{ ...POST, output_format: 'jpeg', background: 'transparent' }, 'background transparent needs output_format png or webp'],
  ])('a broken rule says what it counts, in the names of the wire: %#', async (body, words) => {
    const { status, error } = await refused(body);
    expect({ status, message: error.message }).toEqual({ status: 400, message: expect.stringContaining(words) });
    expect(`${error.message} ${error.remedy} ${JSON.stringify(error.problems)}`).not.toMatch(
      /9007199254740991|\btier\b|[^_]format (png|jpeg)/,
    );
  });

  it('a misspelt field names what was meant', async () => {
    expect((await refused({ ...POST, qualty: 'low' })).error).toMatchObject({ remedy: 'did you mean "quality"?' });
  });

  it.each([
    ['{"prompt": "secret fox",}', 'line 1 column 25 (position 24)'],
    ['{"prompt": "secret\nfox"}', 'line 1 column 19 (position 18)'],
    ['{\n  "prompt" "secret"}', 'line 2 column 12 (position 13)'],
    ['{"prompt": "secret', 'line 1 column 19 (position 18)'],
    ['{"prompt": "x"} secret', 'line 1 column 17 (position 16)'],
    ['{"n": 01, "prompt": "secret"}', 'line 1 column 8 (position 7)'],
    ['', 'it is empty'],
    ['['.repeat(100_000), 'position 100000'],
  ])('malformed JSON says where, and quotes nothing: %#', async (body, where) => {
    const { status, error } = await refused(body);
    expect({ status, code: error.code }).toEqual({ status: 400, code: 'invalid_json' });
    expect(error.message).toContain(where);
    expect(error.message).not.toContain('secret');
  });

  it('fifty thousand unknown fields are refused at the first', async () => {
    const body = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`field${index}`, index]));
    const { status, error } = await refused(body);
    expect({ status, param: error.param }).toEqual({ status: 400, param: 'field0' });
  });

  it('is BadRequestError, with param and request id, in the official client', async () => {
    const error = await world
      .client()
      .images.generate({ prompt: 'x', size: '1000x1000' })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, param: 'size', requestID: expect.stringMatching(/^req_/) });
  });

  it('another content type is 415, and a body without one too', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      expect(await refused(POST, { 'content-type': type })).toMatchObject({ status: 415, error: { code: 'unsupported_media_type' } });
    }
    expect((await world.post('/v1/images/generations', POST, { 'content-type': 'application/JSON; charset=utf-8' })).status).toBe(200);
  });

  it('a body beyond the limit is 413', async () => {
    const { status, error } = await refused({ prompt: 'x'.repeat(1_100_000) });
    expect({ status, code: error.code }).toEqual({ status: 413, code: 'request_too_large' });
  });

  it('a packed body is 415 and names what packs it; identity packs nothing', async () => {
    for (const encoding of ['gzip', 'br', 'identity, gzip']) {
      const { status, error } = await refused(POST, { 'content-encoding': encoding });
      expect({ status, code: error.code, param: error.param }).toEqual({
        status: 415,
        code: 'unsupported_media_type',
        param: 'content-encoding',
      });
    }
    expect((await world.post('/v1/images/generations', POST, { 'content-encoding': 'Identity' })).status).toBe(200);
  });

  it('what a body is turned away for is among the problems, like what its fields are', async () => {
    const large = await refused({ prompt: 'x'.repeat(1_100_000) });
    expect(large.error.problems).toEqual([{ field: 'body', rule: 'must be at most 1048576 bytes' }]);
    const plain = await refused(POST, { 'content-type': 'text/plain' });
    expect(plain.error.problems).toMatchObject([{ field: 'content-type', rule: 'must be application/json', remedy: plain.error.remedy }]);
    const packed = await refused(POST, { 'content-encoding': 'gzip' });
    expect(packed.error.problems).toMatchObject([{ field: 'content-encoding', rule: expect.stringContaining('identity') }]);
  });

  it('an unknown path is 404 with all there are', async () => {
    const reply = await world.get('/v1/image/generations');
    expect(reply.status).toBe(404);
    expect(ErrorSchema.parse(await reply.json()).error.message).toContain('POST /v1/images/generations');
  });

  it('a wrong method is 405 with those allowed; OPTIONS says them and permits no other site', async () => {
    const wrong = await world.get('/v1/images/generations');
    expect({ status: wrong.status, allow: wrong.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
    const asked = await fetch(`${world.url}/v1/models`, { method: 'OPTIONS', headers: { origin: 'https://elsewhere.example' } });
    expect({ status: asked.status, allow: asked.headers.get('allow') }).toEqual({ status: 204, allow: 'GET, HEAD' });
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('HEAD is answered like GET, without a body', async () => {
    const reply = await fetch(`${world.url}/v1/models`, { method: 'HEAD' });
    expect({ status: reply.status, text: await reply.text() }).toEqual({ status: 200, text: '' });
    expect(Number(reply.headers.get('content-length'))).toBeGreaterThan(0);
  });
});

describe('what stands in the way', () => {
  it("no plan inside the limits is 422 with offers, in the wire's own names", async () => {
    const { status, error } = await refused({ ...POST, model: 'premium', latency_budget_ms: 5_000, on_late: 'fail' });
    expect(status).toBe(422);
    expect(error).toMatchObject({ code: 'infeasible', type: 'invalid_request_error', trace_id: expect.stringMatching(/^req_/) });
    expect(error.offers).toContainEqual(expect.objectContaining({ change: 'latency_budget_ms' }));
    expect(error.remedy).not.toContain('latencyBudgetMs');
  });

  it('a cap of less than a millionth of a dollar is not called nothing', async () => {
    const { status, error } = await refused({ ...POST, max_cost_usd: 1e-7 });
    expect(status).toBe(422);
    expect(error.message).toContain('the cap is $0.000001');
  });

  it("a refused prompt is the provider's own kind of error", async () => {
    world.sandbox.inject({ fault: 'moderation-input' });
    const error = await world
      .client()
      .images.generate(POST)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, code: 'moderation_blocked', type: 'image_generation_user_error' });
  });

  it('an outage of every provider is InternalServerError, and no client repeats it by itself', async () => {
    world.sandbox.inject({ fault: 'outage' });
    const before = world.told.filter(({ kind }) => kind === 'request-start').length;
    const error = await world
      .client({ maxRetries: 2 })
      .images.generate(POST)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    const told = { cost_usd: expect.anything(), remedy: expect.stringContaining('try again') };
    expect(error).toMatchObject({ status: 502, code: 'providers_failed', error: told });
    expect(world.told.filter(({ kind }) => kind === 'request-start')).toHaveLength(before + 1);
  });

  it('a deadline that passes is 504, and what it may have cost is settled', async () => {
    const fresh = await HttpWorld.open({ speed: 100 });
    try {
      fresh.sandbox.inject({ fault: 'hang' });
      const error = await fresh
        .client()
        .images.generate({ prompt: 'a red fox', model: 'preview' })
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ status: 504, type: 'timeout_error', code: 'deadline_exceeded' });
      await fresh.app.idle();
      expect(fresh.gatekeeper.settled).toHaveLength(1);
      expect(fresh.gatekeeper.settled[0]?.possiblyBilled).toBeGreaterThan(0);
      expect(fresh.ended().at(-1)).toMatchObject({ status: 504, deadlineMet: false });
    } finally {
      await fresh.close();
    }
  });
});

describe('who may ask', () => {
  it('without a key that is known: 401', async () => {
    world.gatekeeper.keys.set('good', { id: 'key_1', scopes: ['images'], limits: NO_LIMITS });
    await expect(world.client({ apiKey: 'bad' }).images.generate(POST)).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    expect((await world.get('/v1/models')).status).toBe(401);
    expect((await world.get('/livez')).status).toBe(200);
    await world.client({ apiKey: 'good' }).images.generate(POST);
    await world.client({ apiKey: 'good' }).models.list();
    expect(world.ended().at(-1)).toMatchObject({ principal: 'key_1' });
  });

  it('a page of another site has no say where no key is needed: 403', async () => {
    for (const origin of ['https://elsewhere.example', 'http://127.0.0.1.elsewhere.example', 'null']) {
      const { status, error } = await refused(POST, { origin });
      expect({ status, code: error.code }).toEqual({ status: 403, code: 'foreign_origin' });
    }
    expect((await world.post('/v1/images/generations', POST, { origin: 'http://localhost:3000' })).status).toBe(200);
    world.gatekeeper.keys.set('good', { id: 'key_1', scopes: ['images'], limits: NO_LIMITS });
    const headers = { origin: 'https://elsewhere.example', authorization: 'Bearer good' };
    expect((await world.post('/v1/images/generations', POST, headers)).status).toBe(200);
  });

  it('a page reads nothing where no key is needed, also without an origin: 403', async () => {
    const reply = await world.get('/v1/models', { 'sec-fetch-site': 'cross-site' });
    expect({ status: reply.status, code: await codeOf(reply) }).toEqual({ status: 403, code: 'foreign_origin' });
    expect((await world.get('/v1/models', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    const ownPage = { origin: 'http://localhost:3000', 'sec-fetch-site': 'cross-site' };
    expect((await world.get('/v1/models', ownPage)).status).toBe(200);
  });

  it('a name that leads to this machine is none of its names: without a key it is 403', async () => {
    const { port } = world.server;
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', '0.0.0.0', '192.168.0.1']) {
      const reply = await calledBy(`${host}:${port}`);
      expect({ host, status: reply.status, code: reply.error?.code }).toEqual({ host, status: 403, code: 'foreign_host' });
      expect(reply.error?.remedy).toContain('127.0.0.1');
    }
    for (const host of ['127.0.0.1', '[::1]', 'LOCALHOST', 'images.localhost']) {
      expect({ host, status: (await calledBy(`${host}:${port}`)).status }).toEqual({ host, status: 200 });
    }
    expect((await calledBy('localhost')).status).toBe(200);
    world.gatekeeper.keys.set('good', { id: 'key_1', scopes: ['read'], limits: NO_LIMITS });
    expect((await calledBy(`images.example:${port}`, { authorization: 'Bearer good', 'sec-fetch-site': 'cross-site' })).status).toBe(200);
  });

  it('without the scope: 403', async () => {
    world.gatekeeper.keys.set('reader', { id: 'key_2', scopes: ['read'], limits: NO_LIMITS });
    const error = await world
      .client({ apiKey: 'reader' })
      .images.generate(POST)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(error).toMatchObject({ code: 'insufficient_scope', type: 'permission_error' });
    expect((await world.get('/metrics', { authorization: 'Bearer reader' })).status).toBe(403);
  });

  it('beyond a limit: 429 with Retry-After in real seconds, and nothing is sent upstream', async () => {
    const sent = world.sandbox.ledger().length;
    world.gatekeeper.denial = { status: 429, code: 'rate_limit_exceeded', message: 'Too many.', param: undefined, retryAfterMs: 45_000 };
    const error = await world
      .client()
      .images.generate(POST)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', type: 'rate_limit_error' });
    const reply = await world.post('/v1/images/generations', POST);
    // The world runs ten times as fast as the clients' clocks.
    expect(reply.headers.get('retry-after')).toBe('5');
    expect(world.sandbox.ledger()).toHaveLength(sent);
  });

  it('while the store takes no record a claim is refused with 503, and nothing is sent upstream', async () => {
    const sent = world.sandbox.ledger().length;
    vi.spyOn(world.idempotency, 'claim').mockRejectedValueOnce(new StoreError('the disk is full'));
    const { status, headers, error } = await refused(POST, { 'idempotency-key': 'a key' });
    expect({ status, code: error.code }).toEqual({ status: 503, code: 'store_unavailable' });
    // True of a file and a database, and of whoever only reads.
    expect(error.message).toMatch(/records cannot be reached or written right now/);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(world.sandbox.ledger()).toHaveLength(sent);
  });

  it('a wait that client libraries would not keep is not left to them', async () => {
    world.gatekeeper.denial = { status: 429, code: 'budget_exceeded', message: 'Spent.', param: undefined, retryAfterMs: 86_400_000 };
    const reply = await world.post('/v1/images/generations', POST);
    expect(reply.headers.get('x-should-retry')).toBe('false');
  });

  it('what will never fit is not asked again by client libraries', async () => {
    const never = { status: 429, code: 'rate_limit_exceeded', message: 'That never fits.', mayRepeat: false } as const;
    world.gatekeeper.denial = { ...never, param: undefined, retryAfterMs: undefined };
    const reply = await world.post('/v1/images/generations', POST);
    expect({ status: reply.status, again: reply.headers.get('x-should-retry') }).toEqual({ status: 429, again: 'false' });
    world.gatekeeper.denial = { ...world.gatekeeper.denial, mayRepeat: undefined } as never;
    expect((await world.post('/v1/images/generations', POST)).headers.get('x-should-retry')).toBeNull();
  });

  it('only sees the models its key may use', async () => {
    world.gatekeeper.keys.set('few', { id: 'key_3', scopes: ['read'], limits: { ...NO_LIMITS, models: ['preview'] } });
    const list = await world.client({ apiKey: 'few' }).models.list();
    expect(list.data.map(({ id }) => id)).toEqual(['preview']);
  });

  it('is asked for what it may cost at worst: its cap, or the plan of a key with a budget', async () => {
    await world.client().images.generate({ ...POST, max_cost_usd: 0.05 } as never);
    expect(world.gatekeeper.asks.at(-1)).toMatchObject({ mostMicroUsd: 50_000, images: 1, model: 'preview', policy: undefined });
    world.gatekeeper.keys.set('poor', { id: 'key_4', scopes: ['images'], limits: { ...NO_LIMITS, usdPerDay: 1 } });
    await world.client({ apiKey: 'poor' }).images.generate(POST);
    expect(world.gatekeeper.asks.at(-1)?.mostMicroUsd).toBeGreaterThan(0);
  });

  it('with a budget reserves its preview and interim pictures, too, and no more than its policy lets it cost', async () => {
    world.gatekeeper.keys.set('poor', { id: 'key_4', scopes: ['images'], limits: { ...NO_LIMITS, usdPerMonth: 1 } });
    const reserved = async (fields: object): Promise<number> => {
      const body = { ...POST, model: 'standard', ...fields };
      await (await world.post('/v1/images/generations', body, { authorization: 'Bearer poor' })).text();
      return world.gatekeeper.asks.at(-1)?.mostMicroUsd ?? 0;
    };
    const plain = await reserved({ stream: true });
    expect(plain).toBeGreaterThan(0);
    expect(await reserved({ stream: true, preview: true })).toBeGreaterThan(plain);
    const medium = { model: 'gpt-image-2', quality: 'medium', stream: true };
    expect(await reserved({ ...medium, partial_images: 2 })).toBeGreaterThan(await reserved(medium));
    expect(await reserved({ policy: 'sketches', model: 'auto' })).toBeLessThanOrEqual(30_000);
  });

  it('with a budget reserves for a preview that has no point no more than without', async () => {
    world.gatekeeper.keys.set('poor', { id: 'key_4', scopes: ['images'], limits: { ...NO_LIMITS, usdPerMonth: 1 } });
    const reserved = async (fields: object): Promise<number> => {
      await (await world.post('/v1/images/generations', { ...POST, ...fields }, { authorization: 'Bearer poor' })).text();
      return world.gatekeeper.asks.at(-1)?.mostMicroUsd ?? 0;
    };
    expect(await reserved({ stream: true, preview: true })).toBe(await reserved({ stream: true }));
  });

  it('with a budget is tried again like any other when its connection is lost', async () => {
    world.gatekeeper.keys.set('poor', { id: 'key_4', scopes: ['images'], limits: { ...NO_LIMITS, usdPerDay: 1 } });
    world.sandbox.inject({ fault: 'reset', count: 1 } as never);
    const reply = await world.post('/v1/images/generations', { ...POST, policy: 'sketches' }, { authorization: 'Bearer poor' });
    expect(reply.status).toBe(200);
  });
});
