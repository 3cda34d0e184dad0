// The check before spending: it refuses only on the provider's own word, and whatever goes wrong with it says nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGoogleProvider } from '../../src/providers/google.ts';
import { createOpenAIProvider } from '../../src/providers/openai.ts';
import type { Moderation } from '../../src/providers/provider.ts';
import { endpointAt, OPENAI_KEY, PROMPT, testClock } from './support/calls.ts';
import { closedAddress, html, json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

const { id } = endpointAt('http://127.0.0.1:1', 'openai');
const at = (url: string) => createOpenAIProvider({ endpoints: [endpointAt(url, 'openai')], clock: testClock() });

async function moderate(script: Script, url = server.url, signal = new AbortController().signal): Promise<Moderation | undefined> {
  server.play(script);
  return at(url).moderate?.(PROMPT, id, signal);
}

const result = (flagged: boolean, categories: Record<string, boolean> = {}) =>
  json(200, { id: 'modr-1', model: 'omni-moderation-latest', results: [{ flagged, categories, category_scores: {} }] });

describe('a moderation check', () => {
  it('asks the free model about the prompt and nothing else', async () => {
    await moderate(result(false));
    const request = server.heard.at(-1);
    expect(request).toMatchObject({ method: 'POST', path: '/v1/moderations', headers: { authorization: `Bearer ${OPENAI_KEY}` } });
    expect(JSON.parse(request?.body ?? '')).toEqual({ model: 'omni-moderation-latest', input: PROMPT });
  });

  it('passes what is not flagged', async () => {
    expect(await moderate(result(false, { violence: false }))).toEqual({ kind: 'passed' });
  });

  it('refuses what is flagged and says as what', async () => {
    expect(await moderate(result(true, { violence: true, hate: false, 'violence/graphic': true }))).toEqual({
      kind: 'refused',
      message: 'flagged by moderation as violence, violence/graphic',
    });
    expect(await moderate(result(true))).toEqual({ kind: 'refused', message: 'flagged by moderation' });
  });

  it.each([
    ['a reseller that has none', json(404, { error: { message: 'Invalid URL (POST /v1/moderations)' } })],
    ['a wrong key', json(401, { error: { message: `Incorrect API key provided: ${OPENAI_KEY}.` } })],
    ['a rate limit', json(429, { error: { message: `too many for "${PROMPT}"` } })],
    ['a server error', json(500, {})],
    ['a web page', html(200)],
    ['an error as success', json(200, { error: { message: 'no' } })],
    ['no results', json(200, { results: [] })],
    ['a verdict that is no boolean', json(200, { results: [{ flagged: 'yes' }] })],
    ['an empty body', { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '' } as const],
    ['a reset', { kind: 'reset-early' } as const],
  ])('is unavailable after %s, with neither key nor prompt in the reason', async (_name, script) => {
    const before = server.heard.length;
    const verdict = await moderate(script);
    expect(verdict?.kind).toBe('unavailable');
    expect(JSON.stringify(verdict)).not.toContain(OPENAI_KEY);
    expect(JSON.stringify(verdict)).not.toContain(PROMPT);
    expect(server.heard.length - before, 'requests sent').toBe(1);
  });

  it('is unavailable where nobody listens', async () => {
    expect(await moderate({ kind: 'hang' }, await closedAddress())).toMatchObject({ kind: 'unavailable' });
  });

  it('settles at once and closes the socket when it is cancelled, and sends nothing when it already was', async () => {
    const abort = new AbortController();
    const arrival = server.nextRequest();
    const verdict = moderate({ kind: 'hang' }, server.url, abort.signal);
    const request = await arrival;
    abort.abort();
    expect(await verdict).toEqual({ kind: 'unavailable', reason: 'cancelled' });
    await request.connectionClosed;
    const before = server.heard.length;
    expect(await moderate({ kind: 'hang' }, server.url, abort.signal)).toEqual({ kind: 'unavailable', reason: 'cancelled' });
    expect(server.heard.length).toBe(before);
  });

  it('at an endpoint nobody configured is a broken plan', async () => {
    const provider = createOpenAIProvider({ endpoints: [], clock: testClock() });
    await expect(provider.moderate?.(PROMPT, id, new AbortController().signal)).rejects.toThrow(RangeError);
  });

  it('does not exist at Google', () => {
    expect(createGoogleProvider({ endpoints: [], clock: testClock() })).not.toHaveProperty('moderate');
  });
});
