import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGoogleProvider } from '../../src/providers/google.ts';
import type { ProviderReply } from '../../src/providers/provider.ts';
import { type CallChanges, callOf, endpointAt, GOOGLE_KEY, PROMPT, testClock } from './support/calls.ts';
import { encodedPicture, imageOf, picture } from './support/pictures.ts';
import { json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

const ROUTE = 'nano-banana-pro';
const USAGE = {
  promptTokenCount: 32,
  candidatesTokenCount: 1772,
  totalTokenCount: 2552,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 32 }],
  candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
  thoughtsTokenCount: 748,
};

let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());

async function ask(script: Script, changes: CallChanges = {}, endpoint: Record<string, unknown> = {}): Promise<ProviderReply> {
  server.play(script);
  const provider = createGoogleProvider({ endpoints: [endpointAt(server.url, 'google', endpoint)], clock: testClock() });
  const reply = await provider.generate(callOf(ROUTE, changes), new AbortController().signal);
  await provider.close();
  return reply;
}

function withParts(parts: readonly unknown[]): Script {
  return json(200, {
    candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: USAGE,
    modelVersion: 'gemini-3-pro-image',
    responseId: 'resp-1',
  });
}

async function drawn(width: number, height: number): Promise<Script> {
  return withParts([
    { inlineData: { mimeType: 'image/jpeg', data: await encodedPicture(width, height, 'jpeg') }, thoughtSignature: 'c2ln' },
  ]);
}

describe('a delivered Gemini image', () => {
  it('is the provider’s own bytes when size and format are already right', async () => {
    expect(await ask(await drawn(1024, 1024))).toEqual({
      kind: 'delivered',
      images: [{ bytes: await picture(1024, 1024, 'jpeg'), format: 'jpeg', mediaType: 'image/jpeg', width: 1024, height: 1024 }],
      adjustments: [],
      usage: { textInTokens: 32, imageInTokens: 0, imageOutTokens: 1120, textOutTokens: 652 + 748 },
      requestId: 'resp-1',
    });
  });

  it('is brought to the asked pixels and format with a loss report', async () => {
    const reply = await ask(await drawn(2528, 1696), { pixels: { width: 1536, height: 1024 }, format: 'png' });
    expect(reply).toMatchObject({
      kind: 'delivered',
      images: [{ format: 'png', width: 1536, height: 1024 }],
      adjustments: [
        { kind: 'geometry', detail: '2528x1696 scaled to 1536x1030 and cropped to 1536x1024 (0.6 % cut away)' },
        { kind: 'format', detail: 'jpeg converted to png' },
      ],
    });
    const metadata = reply.kind === 'delivered' && reply.images[0] ? await sharp(reply.images[0].bytes).metadata() : undefined;
    expect(metadata).toMatchObject({ format: 'png', width: 1536, height: 1024 });
  });

  it('is passed through with a report when only a compression was asked for', async () => {
    const reply = await ask(await drawn(1024, 1024), { compression: 60 });
    expect(reply).toMatchObject({
      images: [{ bytes: await picture(1024, 1024, 'jpeg') }],
      adjustments: [{ kind: 'format', detail: 'jpeg delivered as made: compression 60 was not applied' }],
    });
  });

  it('is the last picture that is not a thought', async () => {
    const draft = { inlineData: { mimeType: 'image/jpeg', data: await encodedPicture(512, 512, 'jpeg') } };
    const final = { inlineData: { mimeType: 'image/jpeg', data: await encodedPicture(1024, 1024, 'jpeg') } };
    const parts = [{ text: 'planning', thought: true }, { ...draft, thought: true }, draft, final, { text: 'Here it is.' }];
    expect(await ask(withParts(parts))).toMatchObject({ kind: 'delivered', images: [{ width: 1024 }] });
  });

  it('is found inside text, as relays send it', async () => {
    const text = `![image](data:image/png;base64,${await encodedPicture(1024, 1024, 'png')})`;
    expect(await ask(withParts([{ text }]), { format: 'png' })).toMatchObject({ kind: 'delivered', adjustments: [] });
  });
});

describe('a Gemini request', () => {
  it('says everything that was decided and nothing else', async () => {
    await ask(await drawn(2528, 1696), { pixels: { width: 1536, height: 1024 } });
    const request = server.heard.at(-1);
    expect(request).toMatchObject({ method: 'POST', path: '/v1beta/models/gemini-3-pro-image:generateContent' });
    expect(JSON.parse(request?.body ?? '')).toEqual({
      contents: [{ role: 'user', parts: [{ text: PROMPT }] }],
      generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '3:2', imageSize: '2K' } },
    });
  });

  it('uses the endpoint’s model name, base path and version', async () => {
    await ask(
      await drawn(1024, 1024),
      {},
      { baseUrl: `${server.url}/agg`, apiVersion: 'v1', models: { [ROUTE]: 'gemini-3-pro-image-preview' } },
    );
    expect(server.heard.at(-1)?.path).toBe('/agg/v1/models/gemini-3-pro-image-preview:generateContent');
  });

  it('carries the configured key and no server deadline, whatever the environment says', async () => {
    const environment = {
      GOOGLE_API_KEY: 'AIzaEnv',
      GOOGLE_GEMINI_BASE_URL: 'http://127.0.0.1:1/nowhere',
      GOOGLE_VERTEX_BASE_URL: 'http://127.0.0.1:1/nowhere',
      GOOGLE_GENAI_USE_VERTEXAI: 'true',
      GOOGLE_GENAI_USE_ENTERPRISE: 'true',
      GOOGLE_GENAI_API_VERSION: 'beta',
      GOOGLE_CLOUD_PROJECT: 'project-env',
      GOOGLE_CLOUD_LOCATION: 'mars',
    };
    Object.assign(process.env, environment);
    try {
      expect(await ask(await drawn(1024, 1024), {}, { apiVersion: 'v1' })).toMatchObject({ kind: 'delivered' });
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name];
    }
    const request = server.heard.at(-1);
    expect(request?.path).toBe('/v1/models/gemini-3-pro-image:generateContent');
    expect(request?.headers).toMatchObject({ 'x-goog-api-key': GOOGLE_KEY });
    expect(request?.headers).not.toHaveProperty('x-server-timeout');
    expect(request?.headers).not.toHaveProperty('authorization');
  });

  it('is not sent when a custom route asks what Gemini cannot do', async () => {
    const before = server.heard.length;
    expect(await ask(await drawn(1024, 1024), { n: 2 })).toMatchObject({
      kind: 'failed',
      failure: { kind: 'invalid', billed: 'no', message: 'n must be 1 for Gemini, got 2' },
    });
    expect(server.heard.length).toBe(before);
  });

  it('is never continued by a second billed request', async () => {
    const before = server.heard.length;
    const continuation = { candidates: [{ content: {}, finishReason: 'CONTINUATION', continuationToken: 'x' }], continuationToken: 'x' };
    expect(await ask(json(200, continuation))).toMatchObject({ kind: 'failed', failure: { kind: 'empty' } });
    expect(server.heard.length).toBe(before + 1);
  });
});

describe('a Gemini edit', () => {
  const inline = (mimeType: string, bytes: Uint8Array) => ({ inlineData: { mimeType, data: Buffer.from(bytes).toString('base64') } });

  it('says the prompt first, then shows the references in the caller’s order', async () => {
    const references = [await imageOf(640, 480, 'png'), await imageOf(320, 240, 'webp'), await imageOf(64, 64, 'jpeg')];
    // A view into a larger buffer must not drag its neighbours along.
    const shared = Buffer.concat([Buffer.from('before'), references[2]?.bytes ?? Buffer.alloc(0), Buffer.from('after')]);
    const view = { ...(references[2] ?? (await imageOf(64, 64, 'jpeg'))), bytes: shared.subarray(6, shared.length - 5) };
    const reply = await ask(await drawn(1024, 1024), { attachments: { references: [...references.slice(0, 2), view], mask: undefined } });
    expect(reply.kind).toBe('delivered');
    expect(JSON.parse(server.heard.at(-1)?.body ?? '')).toEqual({
      contents: [
        {
          role: 'user',
          parts: [
            { text: PROMPT },
            inline('image/png', await picture(640, 480, 'png')),
            inline('image/webp', await picture(320, 240, 'webp')),
            inline('image/jpeg', await picture(64, 64, 'jpeg')),
          ],
        },
      ],
      generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '1:1', imageSize: '1K' } },
    });
  });

  it('counts what its references cost', async () => {
    const usageMetadata = {
      promptTokenCount: 1152,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 32 },
        { modality: 'IMAGE', tokenCount: 1120 },
      ],
      candidatesTokenCount: 1120,
    };
    const parts = [{ inlineData: { mimeType: 'image/jpeg', data: await encodedPicture(1024, 1024, 'jpeg') } }];
    const reply = await ask(json(200, { candidates: [{ content: { parts }, finishReason: 'STOP' }], usageMetadata }), {
      attachments: { references: [await imageOf(64, 64, 'png')], mask: undefined },
    });
    expect(reply).toMatchObject({ usage: { textInTokens: 32, imageInTokens: 1120, imageOutTokens: 1120 } });
  });

  it('with a mask is invalid before anything is sent: Gemini knows none', async () => {
    const before = server.heard.length;
    const image = await imageOf(64, 64, 'png');
    const reply = await ask(await drawn(1024, 1024), { attachments: { references: [image], mask: image } });
    expect(reply).toMatchObject({ failure: { kind: 'invalid', retry: 'never', billed: 'no' } });
    expect(server.heard.length).toBe(before);
  });

  it('is never streamed, though somebody listens', async () => {
    const reply = await ask(await drawn(1024, 1024), { onPartial: () => expect.unreachable() });
    expect(reply.kind).toBe('delivered');
    expect(server.heard.at(-1)?.path).toMatch(/:generateContent$/);
  });
});
