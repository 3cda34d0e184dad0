// The official SDKs must take the sandbox for the real thing.
import { ApiError, GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { LOW, sandboxForTest } from './support.ts';

const openaiClient = (sandbox: Sandbox, apiKey = 'sk-sandbox'): OpenAI =>
  new OpenAI({ apiKey, baseURL: sandbox.endpoints[0].baseUrl, maxRetries: 0 });
const googleClient = (sandbox: Sandbox, apiKey = 'sk-sandbox'): GoogleGenAI =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: sandbox.endpoints[1].baseUrl, apiVersion: 'v1beta' } });

describe('openai SDK', () => {
  it('generates images and lists models', async () => {
    const sandbox = await sandboxForTest();
    const client = openaiClient(sandbox);
    const result = await client.images.generate(LOW);
    expect(result.data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/);
    expect(result._request_id).toBe(sandbox.ledger()[0]?.id);
    expect((await client.models.list()).data.map((model) => model.id)).toContain('gpt-image-2');
  });

  it('checks a prompt beforehand, free of charge', async () => {
    const sandbox = await sandboxForTest();
    const flagged = async (input: string): Promise<boolean | undefined> =>
      (await openaiClient(sandbox).moderations.create({ model: 'omni-moderation-latest', input })).results[0]?.flagged;
    expect([await flagged('a cat'), await flagged('a cat [moderation]'), await flagged('a cat [moderation-output]')]).toEqual([
      false,
      true,
      false,
    ]);
    expect(sandbox.ledger()).toEqual([]);
  });

  it('raises its own error classes', async () => {
    const sandbox = await sandboxForTest();
    const client = openaiClient(sandbox);
    await expect(openaiClient(sandbox, 'sk-nope').images.generate(LOW)).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(client.images.generate({ ...LOW, size: '800x800' })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_value',
      param: 'size',
    });
    for (const [fault, type] of [
      ['rate429', OpenAI.RateLimitError],
      ['outage', OpenAI.InternalServerError],
      ['acct403', OpenAI.PermissionDeniedError],
      ['model404', OpenAI.NotFoundError],
      ['reset', OpenAI.APIConnectionError],
    ] as const) {
      const mend = sandbox.inject({ fault });
      await expect(client.images.generate(LOW)).rejects.toBeInstanceOf(type);
      mend();
    }
  });

  it('resolves to garbage where the provider answers garbage with 200', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'html200', count: 1 });
    expect(await openaiClient(sandbox).images.generate(LOW)).toBeTypeOf('string');
    sandbox.inject({ fault: 'truncated-json', count: 1 });
    await expect(openaiClient(sandbox).images.generate(LOW)).rejects.toBeInstanceOf(SyntaxError);
    sandbox.inject({ fault: 'err200', count: 1 });
    expect(await openaiClient(sandbox).images.generate(LOW)).toHaveProperty('error');
  });
});

describe('google SDK', () => {
  it('generates an image and lists models', async () => {
    const sandbox = await sandboxForTest();
    const client = googleClient(sandbox);
    const result = await client.models.generateContent({
      model: 'gemini-3-pro-image',
      contents: 'a cat',
      config: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '16:9', imageSize: '1K' } },
    });
    expect(result.candidates?.[0]?.content?.parts?.[0]?.inlineData?.data).toMatch(/^\/9j\//);
    expect(result.usageMetadata?.thoughtsTokenCount).toBeGreaterThan(0);
    expect((await client.models.list()).page.map((model) => model.name)).toEqual(['models/gemini-3-pro-image']);
  });

  it('raises ApiError with the body as its message', async () => {
    const sandbox = await sandboxForTest();
    const generate = (client: GoogleGenAI) => client.models.generateContent({ model: 'gemini-3-pro-image', contents: 'a cat' });
    await expect(generate(googleClient(sandbox, 'nope'))).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('API_KEY_INVALID'),
    });
    sandbox.inject({ fault: 'outage' });
    const failure = generate(googleClient(sandbox));
    await expect(failure).rejects.toBeInstanceOf(ApiError);
    await expect(failure).rejects.toMatchObject({ status: 503, message: expect.stringContaining('The model is overloaded') });
  });
});
