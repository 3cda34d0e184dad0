// Who leaves, who comes back, and who pays: a render is given up with its last caller, and paid for once.
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { HttpWorld } from '../support/http-world.ts';
import { ImagesResponseSchema } from '../support/openai-shapes.ts';
import { PRICE, type StubCall, StubRouter } from '../support/stub-router.ts';

let world: HttpWorld;
let router: StubRouter;
let clock: ManualClock;
beforeAll(async () => {
  router = new StubRouter();
  clock = manualClock();
  world = await HttpWorld.open({ router, clock });
});
afterAll(() => world.close());

async function nextCall(before: number): Promise<StubCall> {
  await world.until(() => router.calls.length > before);
  const call = router.calls[before];
  if (call === undefined) throw new Error('no call');
  return call;
}

const POST = { prompt: 'a red fox', model: 'preview' };

describe('a caller who leaves', () => {
  it('ends the render, and what it may have cost is recorded', async () => {
    const [before, settled] = [router.calls.length, world.gatekeeper.settled.length];
    const leaving = new AbortController();
    const reply = world.client().images.generate(POST, { signal: leaving.signal });
    const call = await nextCall(before);
    leaving.abort();
    await expect(reply).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await world.until(() => call.isAborted);
    await world.app.idle();
    expect(world.gatekeeper.settled.slice(settled)).toEqual([{ billed: 0, possiblyBilled: PRICE }]);
    expect(world.ended().at(-1)).toMatchObject({ status: 499, endpoint: '/v1/images/generations' });
  });

  it('is noticed when the client gives up by its own timeout, too', async () => {
    const before = router.calls.length;
    const reply = world.client().images.generate(POST, { timeout: 100 });
    const call = await nextCall(before);
    await expect(reply).rejects.toBeInstanceOf(OpenAI.APIConnectionTimeoutError);
    await world.until(() => call.isAborted);
  });

  it('does not end the render of another caller with the same request', async () => {
    const before = router.calls.length;
    const leaving = new AbortController();
    const first = world.client().images.generate(POST, { signal: leaving.signal });
    const second = world.client().images.generate(POST);
    const [one, two] = [await nextCall(before), await nextCall(before + 1)];
    leaving.abort();
    await expect(first).rejects.toThrow();
    await world.until(() => one.isAborted || two.isAborted);
    expect([one.isAborted, two.isAborted].sort()).toEqual([false, true]);
    for (const call of [one, two]) call.deliver();
    ImagesResponseSchema.parse(await second);
  });
});

describe("a client library's hidden repeat", () => {
  it('joins the request it repeats, which is paid for once', async () => {
    const [before, settled] = [router.calls.length, world.gatekeeper.settled.length];
    const stainless = (count: number) => ({ 'x-stainless-retry-count': String(count), 'x-stainless-timeout': '1' });
    const leaving = new AbortController();
    const first = world.post('/v1/images/generations', POST, stainless(0), leaving.signal).catch(() => undefined);
    const call = await nextCall(before);
    // The library's own second is over: it is its timeout that ends the first try.
    clock.advance(1_000);
    const ended = world.ended().length;
    leaving.abort();
    await first;
    await world.until(() => world.ended().length > ended);
    const second = world.post('/v1/images/generations', POST, stainless(1));
    await world.until(() => world.app.load().callers === 1);
    clock.advance(60_000);
    call.deliver();
    const reply = await second;
    expect(reply.headers.get('x-image-router-joined')).toBe('true');
    ImagesResponseSchema.parse(await reply.json());
    expect(router.calls).toHaveLength(before + 1);
    await world.app.idle();
    expect(world.gatekeeper.settled.slice(settled)).toEqual([{ billed: PRICE, possiblyBilled: 0 }]);
  });

  it('that does not come ends the render after all', async () => {
    const before = router.calls.length;
    const leaving = new AbortController();
    const headers = { 'x-stainless-retry-count': '0', 'x-stainless-timeout': '1' };
    const first = world.post('/v1/images/generations', POST, headers, leaving.signal).catch(() => undefined);
    const call = await nextCall(before);
    clock.advance(1_000);
    leaving.abort();
    await first;
    await world.until(() => world.app.load().callers === 0);
    expect(call.isAborted).toBe(false);
    clock.advance(2_000);
    expect(call.isAborted).toBe(true);
  });

  it('of a request that is not running any more is made anew', async () => {
    const before = router.calls.length;
    const second = world.post('/v1/images/generations', POST, { 'x-stainless-retry-count': '1' });
    (await nextCall(before)).deliver();
    expect((await second).headers.get('x-image-router-joined')).toBeNull();
  });
});

describe('Idempotency-Key', () => {
  const keyed = (key: string) => ({ 'idempotency-key': key });

  it('gives the same body the same answer without a second render', async () => {
    const before = router.calls.length;
    const first = world.post('/v1/images/generations', POST, keyed('a'));
    (await nextCall(before)).deliver();
    const one = await (await first).text();
    const reply = await world.post('/v1/images/generations', POST, keyed('a'));
    expect(reply.headers.get('idempotent-replayed')).toBe('true');
    expect(reply.headers.get('x-image-router-route')).toBe('gpt-image-2-low');
    expect(await reply.text()).toBe(one);
    expect(router.calls).toHaveLength(before + 1);
  });

  it('refuses another body with 422', async () => {
    const reply = await world.post('/v1/images/generations', { ...POST, n: 2 }, keyed('a'));
    expect(reply.status).toBe(422);
    expect(await reply.json()).toMatchObject({ error: { code: 'idempotency_key_reused', param: 'idempotency-key' } });
  });

  it('lets a render end whose caller left, so that the repeat gets it', async () => {
    const before = router.calls.length;
    const leaving = new AbortController();
    const first = world.post('/v1/images/generations', POST, keyed('b'), leaving.signal).catch(() => undefined);
    const call = await nextCall(before);
    leaving.abort();
    await first;
    call.deliver();
    await world.app.idle();
    const reply = await world.post('/v1/images/generations', POST, keyed('b'));
    expect(call.isAborted).toBe(false);
    expect(reply.headers.get('idempotent-replayed')).toBe('true');
    ImagesResponseSchema.parse(await reply.json());
  });

  it('keeps a failure that may have cost something, and forgets one that cost nothing', async () => {
    for (const [key, wasBilled] of [
      ['paid', true],
      ['free', false],
    ] as const) {
      const before = router.calls.length;
      const first = world.post('/v1/images/generations', POST, keyed(key));
      (await nextCall(before)).fail('providers_failed', wasBilled);
      expect((await first).status).toBe(502);
      const second = world.post('/v1/images/generations', POST, keyed(key));
      if (!wasBilled) (await nextCall(before + 1)).deliver();
      expect((await second).status).toBe(wasBilled ? 502 : 200);
      expect(router.calls).toHaveLength(before + (wasBilled ? 1 : 2));
    }
  });

  it('replays a stream as it was sent', async () => {
    const before = router.calls.length;
    const body = { ...POST, stream: true };
    const first = world.post('/v1/images/generations', body, keyed('s'));
    const call = await nextCall(before);
    call.begin();
    call.deliver();
    const one = await (await first).text();
    const reply = await world.post('/v1/images/generations', body, keyed('s'));
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(await reply.text()).toBe(one);
  });

  it('longer than 255 characters is refused', async () => {
    const reply = await world.post('/v1/images/generations', POST, keyed('k'.repeat(256)));
    expect(reply.status).toBe(400);
  });
});
