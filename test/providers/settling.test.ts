// How calls end when nobody waits for them any more, and how patient the wire is: one suite over both adapters.
import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGoogleProvider } from '../../src/providers/google.ts';
import { createOpenAIProvider } from '../../src/providers/openai.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { callOf, endpointAt, PROMPT, testClock } from './support/calls.ts';
import { limitsAt } from './support/patience.ts';
import { json, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

const adapters = [
  { name: 'openai', route: 'gpt-image-2-high', create: createOpenAIProvider },
  { name: 'google', route: 'nano-banana-pro', create: createGoogleProvider },
] as const;

const CANCELLED = { kind: 'unknown', fault: 'cancelled', billed: 'possibly', evidence: 'ignored' };
const NEVER_SENT = { kind: 'not-accepted', fault: 'cancelled', billed: 'no', evidence: 'ignored' };
const LARGE_BODY = JSON.stringify({ data: [], candidates: [], padding: 'x'.repeat(200_000) });

describe.each(adapters)('a call to $name', ({ name, route, create }) => {
  const provider = (): Provider => create({ endpoints: [endpointAt(server.url, name)], clock: testClock() });

  it('sends nothing when its signal is already aborted', async () => {
    const before = server.heard.length;
    expect(await provider().generate(callOf(route), AbortSignal.abort())).toMatchObject({ kind: 'failed', failure: NEVER_SENT });
    expect(server.heard.length).toBe(before);
  });

  it('settles at once and closes the socket when it is cancelled while the provider is silent', async () => {
    server.play({ kind: 'hang' });
    const abort = new AbortController();
    const arrival = server.nextRequest();
    const reply = provider().generate(callOf(route), abort.signal);
    const request = await arrival;
    abort.abort();
    expect(await reply).toMatchObject({ kind: 'failed', failure: CANCELLED });
    await request.connectionClosed;
  });

  it('closes the socket when it is cancelled in the middle of the body', async () => {
    server.play({ kind: 'stall', body: LARGE_BODY });
    const abort = new AbortController();
    const arrival = server.nextRequest();
    const reply = provider().generate(callOf(route), abort.signal);
    const request = await arrival;
    abort.abort(new Error('a reason of the caller'));
    expect(await reply).toMatchObject({ kind: 'failed', failure: CANCELLED });
    await request.connectionClosed;
  });

  it('is never sent when it is cancelled while its client is being opened', async () => {
    const open = provider();
    const before = server.heard.length;
    const abort = new AbortController();
    const reply = open.generate(callOf(route), abort.signal);
    abort.abort();
    expect(await reply).toMatchObject({ kind: 'failed', failure: CANCELLED });
    server.play(json(500, {}));
    // What the cancelled call might have sent would be on its way before these, on the same client.
    for (const prompt of ['first', 'second']) await open.generate(callOf(route, { prompt }), new AbortController().signal);
    expect(server.heard.slice(before).filter(({ body }) => body.includes(PROMPT))).toEqual([]);
    await open.close();
  });

  it('is cancelled when its provider is closed, and none is sent after that', async () => {
    server.play({ kind: 'hang' });
    const open = provider();
    const arrival = server.nextRequest();
    const reply = open.generate(callOf(route), new AbortController().signal);
    const request = await arrival;
    await open.close();
    expect(await reply).toMatchObject({ failure: CANCELLED });
    await request.connectionClosed;
    const before = server.heard.length;
    expect(await open.generate(callOf(route), new AbortController().signal)).toMatchObject({ failure: NEVER_SENT });
    expect(server.heard.length).toBe(before);
  });

  it('leaves no listener behind on a signal that outlives it', async () => {
    server.play(json(500, {}));
    const { signal } = new AbortController();
    const open = provider();
    await open.generate(callOf(route), signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('to an endpoint nobody configured is a broken plan, not a failure', async () => {
    const stranger = endpointAt(server.url, name, { id: 'elsewhere' });
    const open = create({ endpoints: [stranger], clock: testClock() });
    await expect(open.generate(callOf(route), new AbortController().signal)).rejects.toThrow(RangeError);
  });

  it('waits longer than 300 s: its connection has no limit while it runs', async () => {
    server.play({ kind: 'hang' });
    const open = provider();
    const send = (): unknown => open.generate(callOf(route), new AbortController().signal);
    expect(await limitsAt(Number(new URL(server.url).port), send, server.nextRequest())).toEqual([0]);
    await open.close();
  });
});
