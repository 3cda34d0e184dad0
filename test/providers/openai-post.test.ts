// A plain generation goes past the SDK's machinery: on the wire nobody may notice, and nothing may be read differently.
import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOpenAIProvider } from '../../src/providers/openai.ts';
import { openPost, type Posted } from '../../src/providers/openai-post.ts';
import { generationOf } from '../../src/providers/openai-request.ts';
import { openWire, type Wire } from '../../src/providers/wire.ts';
import { callOf, endpointAt, OPENAI_KEY, testClock } from './support/calls.ts';
import { html, json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

let server: ScriptedServer;
let wire: Wire;
beforeAll(async () => {
  server = await startScriptedServer();
  wire = await openWire({ proxyUrl: undefined });
});
afterAll(async () => {
  await wire.close();
  await server.close();
});

const call = callOf('gpt-image-2-low', { endUser: 'somebody', format: 'webp', compression: 80 });
const sdk = (): OpenAI =>
  new OpenAI({ apiKey: OPENAI_KEY, baseURL: `${server.url}/v1`, fetch: wire.fetch, maxRetries: 0, timeout: 2_147_483_647 });

describe('a plain generation', () => {
  it('is sent as the SDK sends it', async () => {
    server.play(json(500, {}));
    const endpoint = endpointAt(server.url, 'openai');
    await createOpenAIProvider({ endpoints: [endpoint], clock: testClock() }).generate(call, new AbortController().signal);
    await expect(sdk().images.generate(generationOf(endpoint, call))).rejects.toThrow();
    const [ours, theirs] = server.heard.slice(-2).map(({ method, path, headers, body }) => ({ method, path, headers, body }));
    expect(ours).toEqual(theirs);
  });

  it.each<[string, Script]>([
    ['an error', json(429, { error: { message: 'slow down', code: 'rate_limit_exceeded', type: 'requests' } }, { 'retry-after': '3' })],
    ['an error without a name', json(400, { message: 'bare', code: 'x' })],
    ['an error of null', json(500, { error: null, message: 'null' })],
    ['an error in words', json(503, { error: 'no capacity' })],
    ['a number', json(500, 7)],
    ['a list', json(500, ['a'])],
    ['nothing', json(502, null)],
    ['a page', html(502)],
    ['a redirect', { kind: 'answer', status: 302, headers: { location: '/elsewhere' }, body: '' }],
    ['an empty error', { kind: 'answer', status: 500, headers: {}, body: '' }],
  ])('that fails with %s tells what the SDK tells', async (_, script) => {
    server.play(script);
    const post = await openPost(sdk(), wire, APIError.generate);
    const [ours, theirs] = await Promise.all(
      [
        post(generationOf(endpointAt(server.url, 'openai'), call), new AbortController().signal),
        sdk().images.generate({ prompt: 'x' }),
      ].map((reply: Promise<unknown>) => reply.catch((error: unknown) => error)),
    );
    expect(ours).toBeInstanceOf(APIError);
    const told = (error: unknown): unknown => {
      if (!(error instanceof APIError)) return error;
      const { status, message, headers } = error;
      return { kind: error.constructor, status, message, error: error.error, retryAfter: headers?.get('retry-after') };
    };
    expect(told(ours)).toEqual(told(theirs));
  });

  it.each<[string, Script]>([
    ['JSON', json(200, { data: [], usage: { a: 1 } })],
    ['JSON of another name', { kind: 'answer', status: 200, headers: { 'content-type': 'application/problem+json' }, body: '{"a":1}' }],
    ['text', { kind: 'answer', status: 200, headers: { 'content-type': 'text/plain' }, body: '{"a":1}' }],
    ['bytes without a type', { kind: 'answer', status: 200, headers: {}, body: '{"a":1}' }],
    ['nothing at all', { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '' }],
    ['success of another number', json(201, { data: [] })],
  ])('that succeeds with %s gives what the SDK gives', async (_, script) => {
    server.play(script);
    const post = await openPost(sdk(), wire, APIError.generate);
    const ours: Posted = await post(generationOf(endpointAt(server.url, 'openai'), call), new AbortController().signal);
    expect(ours.data).toEqual(await sdk().images.generate({ prompt: 'x' }));
  });

  it('rejects JSON that breaks off as the SDK does', async () => {
    server.play({ kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '{"data":[' });
    const post = await openPost(sdk(), wire, APIError.generate);
    const reply = post(generationOf(endpointAt(server.url, 'openai'), call), new AbortController().signal);
    await expect(reply).rejects.toThrow(SyntaxError);
    await expect(sdk().images.generate({ prompt: 'x' })).rejects.toThrow(SyntaxError);
  });
});
