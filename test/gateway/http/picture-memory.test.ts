// When the memory an answer lies in may be used for another: when every caller has it, and never before.
import { once } from 'node:events';
import { type IncomingMessage, request as open } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { giveBackMemory, takeMemory } from '../../../src/providers/picture-memory.ts';
import { HttpWorld } from '../support/http-world.ts';
import { type StubCall, StubRouter } from '../support/stub-router.ts';

/** More than a socket takes at once, so that a caller who reads nothing keeps it from being sent. */
const BYTES = 16 * 1024 * 1024;
const BODY = { prompt: 'a red fox', model: 'preview' };

let world: HttpWorld;
let router: StubRouter;
beforeAll(async () => {
  router = new StubRouter();
  world = await HttpWorld.open({ router });
});
afterAll(() => world.close());

function pictureOf(letter: string): Buffer {
  return takeMemory(BYTES).fill(letter);
}

/** Whether the memory is lent again at the next occasion. */
function isFree({ buffer }: Buffer): boolean {
  const next = takeMemory(BYTES);
  const isSame = next.buffer === buffer;
  giveBackMemory(next);
  return isSame;
}

async function nextCall(before: number): Promise<StubCall> {
  await world.until(() => router.calls.length > before);
  const call = router.calls[before];
  if (call === undefined) throw new Error('no call');
  return call;
}

async function pictureIn(reply: Promise<Response>): Promise<string | undefined> {
  const { data } = (await (await reply).json()) as { data: { b64_json: string }[] };
  return data[0]?.b64_json;
}

describe('the memory of an answer', () => {
  it('is used again once its caller has it', async () => {
    const before = router.calls.length;
    const picture = pictureOf('A');
    const reply = pictureIn(world.post('/v1/images/generations', BODY));
    (await nextCall(before)).deliver(picture);
    expect(await reply).toBe('A'.repeat(BYTES));
    await world.until(() => isFree(picture));
  });

  it('is not used again while one of its callers still takes it', async () => {
    const before = router.calls.length;
    const picture = pictureOf('B');
    const headers = { 'content-type': 'application/json', 'x-stainless-retry-count': '1' };
    const slow = open(`${world.url}/v1/images/generations`, { method: 'POST', headers });
    slow.end(JSON.stringify(BODY));
    const call = await nextCall(before);
    const quick = pictureIn(world.post('/v1/images/generations', BODY, headers));
    await world.until(() => world.app.load().callers === 2);
    call.deliver(picture);
    const [answer] = (await once(slow, 'response')) as [IncomingMessage];
    expect(await quick).toBe('B'.repeat(BYTES));
    await world.until(() => world.ended().length > 0);
    expect(isFree(picture)).toBe(false);
    let taken = '';
    for await (const chunk of answer.setEncoding('latin1')) taken += chunk;
    expect(taken).toContain('B'.repeat(BYTES));
    await world.until(() => isFree(picture));
  });

  it('is left alone where a repeat may ask for the answer', async () => {
    const before = router.calls.length;
    const picture = pictureOf('C');
    const post = (): Promise<Response> => world.post('/v1/images/generations', BODY, { 'idempotency-key': 'memory' });
    const reply = pictureIn(post());
    (await nextCall(before)).deliver(picture);
    expect(await reply).toBe('C'.repeat(BYTES));
    expect(isFree(picture)).toBe(false);
    expect(await pictureIn(post())).toBe('C'.repeat(BYTES));
  });

  it('is left alone where no socket says that the answer was taken', async () => {
    const before = router.calls.length;
    const picture = pictureOf('D');
    const headers = { 'content-type': 'application/json' };
    const reply = world.app.request('/v1/images/generations', { method: 'POST', headers, body: JSON.stringify(BODY) });
    (await nextCall(before)).deliver(picture);
    expect(await pictureIn(Promise.resolve(reply))).toBe('D'.repeat(BYTES));
    expect(isFree(picture)).toBe(false);
  });
});
