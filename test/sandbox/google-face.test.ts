import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { contents, googleBodyOf, jsonOf, postGoogle, postOpenai, sandboxForTest } from './support.ts';

describe('the google face', () => {
  it.each([
    [{}, 1024, 1024],
    [{ aspectRatio: '16:9', imageSize: '2K' }, 2752, 1536],
    [{ aspectRatio: '2:3' }, 848, 1264],
  ] as const)('answers a JPEG on its own pixel grid: %j', async (config, width, height) => {
    const sandbox = await sandboxForTest();
    for (const version of ['v1', 'v1beta']) {
      const body = await googleBodyOf(await postGoogle(sandbox, contents('a cat', config), { version }));
      const part = body.candidates?.[0]?.content?.parts?.[0];
      expect(body.candidates?.[0]?.finishReason).toBe('STOP');
      expect(part?.inlineData?.mimeType).toBe('image/jpeg');
      expect(await sharp(Buffer.from(part?.inlineData?.data ?? '', 'base64')).metadata()).toMatchObject({ format: 'jpeg', width, height });
    }
  });

  it('bills the thoughts it reports, within the route ceiling', async () => {
    const sandbox = await sandboxForTest();
    const body = await googleBodyOf(await postGoogle(sandbox, contents('abcd')));
    const thoughts = body.usageMetadata?.thoughtsTokenCount ?? 0;
    expect(body.usageMetadata?.candidatesTokenCount).toBe(1120);
    expect(thoughts).toBeGreaterThan(0);
    expect(thoughts).toBeLessThanOrEqual(2000);
    expect(sandbox.ledger()[0]?.billed).toBe(1120 * 120 + thoughts * 12 + 2);
  });

  it('lists its models', async () => {
    const sandbox = await sandboxForTest();
    const response = await fetch(`${sandbox.url}/google/v1beta/models?key=sk-sandbox`);
    expect(await jsonOf(response)).toMatchObject({ models: [{ name: 'models/gemini-3-pro-image' }] });
  });

  it('blocks a prompt with a trigger as a 200 without candidates', async () => {
    const body = await googleBodyOf(await postGoogle(await sandboxForTest(), contents('a cat [moderation]')));
    expect(body.promptFeedback).toEqual({ blockReason: 'PROHIBITED_CONTENT' });
    expect(body.candidates).toBeUndefined();
  });
});

describe('the google face refuses', () => {
  const bad: readonly (readonly [string, unknown, string])[] = [
    ['an aspect ratio off the list', contents('a cat', { aspectRatio: '7:3' }), 'aspect_ratio'],
    ['a resolution off the list', contents('a cat', { imageSize: '2k' }), 'image_size'],
    ['an unknown name', { contents: [{ parts: [{ text: 'a cat' }] }], n: 2 }, 'Unknown name "n": Cannot find field.'],
    [
      'an unknown setting',
      { contents: [{ parts: [{ text: 'x' }] }], generationConfig: { size: '1' } },
      `Unknown name "size" at 'generation_config': Cannot find field.`,
    ],
    ['no contents', {}, 'contents is not specified'],
    ['several candidates', { contents: [{ parts: [{ text: 'x' }] }], generationConfig: { candidateCount: 2 } }, 'candidates'],
  ];

  it.each(bad)('%s with 400 INVALID_ARGUMENT', async (_, body, words) => {
    const response = await postGoogle(await sandboxForTest(), body);
    expect(response.status).toBe(400);
    const { error } = await jsonOf(response);
    expect(error).toMatchObject({ code: 400, status: 'INVALID_ARGUMENT', message: expect.stringContaining(words) });
  });

  it('a retired model with 404', async () => {
    const response = await postGoogle(await sandboxForTest(), contents('a cat'), { model: 'gemini-3-pro-image-preview' });
    expect(response.status).toBe(404);
    expect(await jsonOf(response)).toMatchObject({
      error: {
        status: 'NOT_FOUND',
        message: expect.stringContaining('models/gemini-3-pro-image-preview is not found for API version v1beta'),
      },
    });
  });

  it('a missing key with 403 and a wrong one with 400', async () => {
    const sandbox = await sandboxForTest();
    expect((await postGoogle(sandbox, contents('a cat'), { key: '' })).status).toBe(403);
    const wrong = await postGoogle(sandbox, contents('a cat'), { key: 'wrong' });
    expect(wrong.status).toBe(400);
    expect(await jsonOf(wrong)).toMatchObject({ error: { details: [{ reason: 'API_KEY_INVALID' }, {}] } });
  });

  it('a declared deadline below ten seconds, and ends a call at a longer one', async () => {
    const sandbox = await sandboxForTest();
    const short = await postGoogle(sandbox, contents('a cat'), { headers: { 'x-server-timeout': '5' } });
    expect(short.status).toBe(400);
    expect(await jsonOf(short)).toMatchObject({
      error: { message: 'Manually set deadline 5s is too short. Minimum allowed deadline is 10s.' },
    });
    sandbox.inject({ fault: 'slow', factor: 50 });
    const late = await postGoogle(sandbox, contents('a cat'), { headers: { 'x-server-timeout': '10' } });
    expect(late.status).toBe(504);
    expect(sandbox.ledger()).toMatchObject([{ outcome: 'failed', billed: 0, generationMs: 10_000 }]);
  });

  it('beyond its rate with the wait in the body only', async () => {
    const sandbox = await sandboxForTest({ imagesPerMinute: { google: 1 } });
    const both = await Promise.all(['a cat', 'a dog'].map((prompt) => postGoogle(sandbox, contents(prompt))));
    const [response] = both.filter(({ status }) => status === 429);
    if (response === undefined) throw new Error('neither call was limited');
    expect(response.headers.get('retry-after')).toBeNull();
    expect(JSON.stringify(await jsonOf(response))).toMatch(/"retryDelay":"\d+s"/);
  });
});

describe('the aggregator face', () => {
  it('serves both protocols with one key, however it is carried', async () => {
    const sandbox = await sandboxForTest();
    expect((await postOpenai(sandbox, { model: 'gpt-image-2', prompt: 'a cat', quality: 'low' }, { face: 'agg' })).status).toBe(200);
    expect((await postGoogle(sandbox, contents('a cat'), { face: 'agg' })).status).toBe(200);
    const headers = { authorization: 'Bearer sk-sandbox' };
    expect((await postGoogle(sandbox, contents('a cat'), { face: 'agg', key: '', headers })).status).toBe(200);
    expect(sandbox.ledger().map((row) => row.face)).toEqual(['aggregator', 'aggregator', 'aggregator']);
  });

  it('words its own errors in its own shape, with a request id', async () => {
    const sandbox = await sandboxForTest();
    const denied = await postGoogle(sandbox, contents('a cat'), { face: 'agg', key: 'sk-no' });
    expect(denied.status).toBe(401);
    expect(await jsonOf(denied)).toMatchObject({
      error: { type: 'new_api_error', message: expect.stringMatching(/^Invalid token \(request id: \S+\)$/) },
    });
    const absent = await postOpenai(sandbox, { model: 'nope', prompt: 'a cat' }, { face: 'agg' });
    expect(absent.status).toBe(503);
    expect(await jsonOf(absent)).toMatchObject({ error: { type: 'new_api_error', code: 'model_not_found' } });
    const crossed = await postOpenai(sandbox, { model: 'gemini-3-pro-image', prompt: 'a cat' }, { face: 'agg' });
    expect(await jsonOf(crossed)).toMatchObject({ error: { code: 'convert_request_failed' } });
  });

  it('passes upstream errors on in OpenAI shape, even on Gemini paths', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'outage', face: 'aggregator' });
    const response = await postGoogle(sandbox, contents('a cat'), { face: 'agg' });
    expect(response.status).toBe(503);
    const { error } = await jsonOf(response);
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('(request id: ') });
    expect(error).not.toHaveProperty('status');
  });
});
