import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOpenAIProvider } from '../../src/providers/openai.ts';
import type { ProviderReply } from '../../src/providers/provider.ts';
import { type CallChanges, callOf, endpointAt, OPENAI_KEY, PROMPT, testClock } from './support/calls.ts';
import { encodedPicture, picture } from './support/pictures.ts';
import { json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

const ROUTE = 'gpt-image-2-low';
const USAGE = {
  input_tokens: 50,
  input_tokens_details: { text_tokens: 40, image_tokens: 10 },
  output_tokens: 196,
  output_tokens_details: { image_tokens: 190, text_tokens: 6 },
  total_tokens: 246,
};

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

async function ask(script: Script, changes: CallChanges = {}, endpoint: Record<string, unknown> = {}): Promise<ProviderReply> {
  server.play(script);
  const provider = createOpenAIProvider({ endpoints: [endpointAt(server.url, 'openai', endpoint)], clock: testClock() });
  const reply = await provider.generate(callOf(ROUTE, changes), new AbortController().signal);
  await provider.close();
  return reply;
}

async function success(count = 1, format: 'png' | 'jpeg' | 'webp' = 'png', usage: unknown = USAGE): Promise<Script> {
  const image = { b64_json: await encodedPicture(1024, 1024, format) };
  return json(200, { created: 1713833628, data: Array.from({ length: count }, () => image), usage }, { 'x-request-id': 'req_1' });
}

describe('a delivered OpenAI image', () => {
  it('is the provider’s own bytes, measured', async () => {
    const reply = await ask(await success());
    expect(reply).toEqual({
      kind: 'delivered',
      images: [{ bytes: await picture(1024, 1024, 'png'), format: 'png', mediaType: 'image/png', width: 1024, height: 1024 }],
      adjustments: [],
      usage: { textInTokens: 40, imageInTokens: 10, imageOutTokens: 190, textOutTokens: 6 },
      requestId: 'req_1',
    });
  });

  it('comes n at a time, and never more than were asked for', async () => {
    const reply = await ask(await success(4), { n: 3 });
    expect(reply.kind === 'delivered' && reply.images.length).toBe(3);
  });

  it('loses no paid sibling: what is usable of several is delivered, and what is missing is told', async () => {
    const fewer = await ask(await success(2), { n: 3 });
    expect(fewer).toMatchObject({ kind: 'delivered', adjustments: [{ kind: 'count', detail: '2 of 3 images came' }] });
    const good = { b64_json: await encodedPicture(1024, 1024, 'png') };
    const broken = await ask(json(200, { created: 1, data: [{ b64_json: 'AAAA' }, good], usage: USAGE }), { n: 2 });
    expect(broken).toMatchObject({ kind: 'delivered', adjustments: [{ kind: 'count' }] });
    expect(broken.kind === 'delivered' && broken.images.length).toBe(1);
  });

  it('counts all output as image tokens when the provider gives no breakdown', async () => {
    const reply = await ask(await success(1, 'png', { input_tokens: 50, output_tokens: 196 }));
    expect(reply).toMatchObject({ usage: { textInTokens: 50, imageInTokens: 0, imageOutTokens: 196, textOutTokens: 0 } });
  });

  it('keeps its image when the usage is missing or nonsense', async () => {
    expect(await ask(await success(1, 'png', null))).toMatchObject({ kind: 'delivered', usage: undefined });
    expect(await ask(await success(1, 'png', 'free'))).toMatchObject({ kind: 'delivered', usage: undefined });
  });

  it('is accepted as a data URI and under a wrong content type, as relays send it', async () => {
    const encoded = `data:image/png;base64,${await encodedPicture(1024, 1024, 'png')}`;
    const body = JSON.stringify({ data: [{ b64_json: encoded }] });
    expect(await ask({ kind: 'answer', status: 200, headers: { 'content-type': 'text/plain' }, body })).toMatchObject({
      kind: 'delivered',
    });
  });

  it('is converted, and says so, when another format came than was asked for', async () => {
    const reply = await ask(await success(1, 'png'), { format: 'webp' });
    expect(reply).toMatchObject({
      kind: 'delivered',
      images: [{ format: 'webp', mediaType: 'image/webp' }],
      adjustments: [{ kind: 'format', detail: 'png converted to webp' }],
    });
  });

  it('is scaled, and says so, when a slightly different size came', async () => {
    const encoded = await encodedPicture(1040, 1024, 'png');
    const reply = await ask(json(200, { data: [{ b64_json: encoded }] }));
    expect(reply).toMatchObject({
      kind: 'delivered',
      images: [{ width: 1024, height: 1024 }],
      adjustments: [{ kind: 'geometry', detail: '1040x1024 cropped to 1024x1024 (1.5 % cut away)' }],
    });
  });
});

describe('an OpenAI request', () => {
  it('says everything that was decided and nothing else', async () => {
    await ask(await success(2, 'webp'), { n: 2, format: 'webp', compression: 80, background: 'opaque', endUser: 'u-1' });
    const request = server.heard.at(-1);
    expect(request).toMatchObject({ method: 'POST', path: '/v1/images/generations' });
    expect(JSON.parse(request?.body ?? '')).toEqual({
      model: 'gpt-image-2',
      prompt: PROMPT,
      n: 2,
      size: '1024x1024',
      quality: 'low',
      background: 'opaque',
      output_format: 'webp',
      output_compression: 80,
      safety_identifier: 'u-1',
    });
  });

  it('mentions compression only where it exists', async () => {
    await ask(await success(), { compression: 80 });
    expect(JSON.parse(server.heard.at(-1)?.body ?? '')).not.toHaveProperty('output_compression');
  });

  it('uses the endpoint’s own name for the model and keeps the path of its base URL', async () => {
    await ask(await success(), {}, { baseUrl: `${server.url}/agg/v1`, models: { [ROUTE]: 'gpt-image-2-vip' } });
    expect(server.heard.at(-1)?.path).toBe('/agg/v1/images/generations');
    expect(JSON.parse(server.heard.at(-1)?.body ?? '')).toMatchObject({ model: 'gpt-image-2-vip' });
  });

  it('carries only the configured key and the SDK’s own headers, whatever the environment says', async () => {
    const environment = {
      OPENAI_API_KEY: 'sk-env',
      OPENAI_ADMIN_KEY: 'sk-admin',
      OPENAI_BASE_URL: 'http://127.0.0.1:1/nowhere',
      OPENAI_ORG_ID: 'org-env',
      OPENAI_PROJECT_ID: 'proj-env',
      OPENAI_LOG: 'debug',
      OPENAI_CUSTOM_HEADERS: 'Authorization: Bearer sk-custom\nX-Custom: yes',
    };
    Object.assign(process.env, environment);
    try {
      expect(await ask(await success())).toMatchObject({ kind: 'delivered' });
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name];
    }
    const headers = server.heard.at(-1)?.headers ?? {};
    expect(headers.authorization).toBe(`Bearer ${OPENAI_KEY}`);
    const names = Object.keys(headers).filter((name) => !name.startsWith('x-stainless-'));
    expect(names.sort()).toEqual(['accept', 'authorization', 'connection', 'content-length', 'content-type', 'host', 'user-agent'].sort());
  });
});
