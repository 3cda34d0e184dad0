import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { imagesOf, jsonOf, LOW, postOpenai, sandboxForTest } from './support.ts';

describe('the openai face', () => {
  it.each([
    [{ size: '1024x1024' }, 'png', 1024, 1024],
    [{ size: '1536x1024', output_format: 'jpeg', output_compression: 80 }, 'jpeg', 1536, 1024],
    [{ size: '1024x1536', output_format: 'webp' }, 'webp', 1024, 1536],
    [{ size: 'auto' }, 'png', 1024, 1024],
  ] as const)('returns a decodable image of exactly what was asked: %j', async (wish, format, width, height) => {
    const sandbox = await sandboxForTest();
    const images = await imagesOf(await postOpenai(sandbox, { ...LOW, ...wish }));
    expect(images).toHaveLength(1);
    expect(await sharp(images[0]).metadata()).toMatchObject({ format, width, height });
  });

  it('returns n different images, and bills n', async () => {
    const sandbox = await sandboxForTest();
    const images = await imagesOf(await postOpenai(sandbox, { ...LOW, n: 3 }));
    expect(new Set(images.map((image) => image.toString('base64'))).size).toBe(3);
    expect(sandbox.ledger()).toMatchObject([{ n: 3, billed: 3 * 5880 + 10 }]);
  });

  it('echoes resolved values, never auto, with usage by the published formula', async () => {
    const sandbox = await sandboxForTest();
    const body = await jsonOf(await postOpenai(sandbox, { model: 'gpt-image-2', prompt: 'a cat', background: 'transparent' }));
    expect(body).toMatchObject({
      background: 'transparent',
      output_format: 'png',
      quality: 'medium',
      size: '1024x1024',
      usage: { input_tokens: 2, output_tokens: 1756, total_tokens: 1758, output_tokens_details: { image_tokens: 1756, text_tokens: 0 } },
    });
  });

  it('draws a transparent picture without its sky', async () => {
    const sandbox = await sandboxForTest();
    const [image] = await imagesOf(await postOpenai(sandbox, { ...LOW, background: 'transparent' }));
    const { channels } = await sharp(image).stats();
    expect(channels).toHaveLength(4);
    expect(channels[3]?.min).toBe(0);
    expect(channels[3]?.max).toBe(255);
  });

  it('carries the vendor headers', async () => {
    const sandbox = await sandboxForTest();
    const { headers } = await postOpenai(sandbox, LOW);
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(Number(headers.get('openai-processing-ms'))).toBeGreaterThan(2_000);
    expect(headers.get('openai-version')).toBe('2020-10-01');
    expect(headers.get('x-ratelimit-limit-requests')).toBe('250');
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('249');
  });

  it('lists the models of the catalogue', async () => {
    const sandbox = await sandboxForTest();
    const response = await fetch(`${sandbox.url}/openai/v1/models`, { headers: { authorization: 'Bearer sk-sandbox' } });
    expect(await jsonOf(response)).toMatchObject({ object: 'list', data: [{ id: 'gpt-image-2', object: 'model' }] });
  });
});

describe('the openai face refuses', () => {
  const table: readonly (readonly [Record<string, unknown>, number, Record<string, unknown>])[] = [
    [{ prompt: undefined }, 400, { code: 'missing_required_parameter', param: 'prompt' }],
    [{ prompt: 7 }, 400, { code: 'invalid_type', param: 'prompt' }],
    [{ prompt: 'x'.repeat(32_001) }, 400, { code: 'string_above_max_length', param: 'prompt' }],
    [{ model: undefined }, 404, { code: 'model_not_found' }],
    [{ model: 'gpt-image-9' }, 404, { message: 'The model `gpt-image-9` does not exist or you do not have access to it.' }],
    [{ response_format: 'b64_json' }, 400, { code: 'unknown_parameter', message: "Unknown parameter: 'response_format'." }],
    [{ n: 0 }, 400, { code: 'integer_below_min_value', param: 'n' }],
    [{ n: 11 }, 400, { code: 'integer_above_max_value', param: 'n' }],
    [{ n: 1.5 }, 400, { code: 'invalid_type', param: 'n' }],
    [{ quality: 'ultra' }, 400, { message: "Invalid value: 'ultra'. Supported values are: 'low', 'medium', 'high', and 'auto'." }],
    [
      { size: '1792x936' },
      400,
      { message: "Invalid size '1792x936'. Width and height must both be divisible by 16.", type: 'image_generation_user_error' },
    ],
    [{ size: '4096x4096' }, 400, { message: "Invalid size '4096x4096'. The longest edge must be less than or equal to 3840." }],
    [{ size: '576x1024' }, 400, { message: "Invalid size '576x1024'. Requested resolution is below the current minimum pixel budget." }],
    [{ size: '3840x1024' }, 400, { param: 'size' }],
    [{ size: 'large' }, 400, { param: 'size' }],
    [{ output_format: 'gif' }, 400, { param: 'output_format' }],
    [{ output_compression: 50 }, 400, { param: 'output_compression' }],
    [{ output_format: 'jpeg', background: 'transparent' }, 400, { param: 'background' }],
    [{ moderation: 'none' }, 400, { param: 'moderation' }],
    [{ partial_images: 4 }, 400, { param: 'partial_images' }],
    [{ stream: 'yes' }, 400, { param: 'stream', code: 'invalid_type' }],
  ];

  it.each(table)('%j with %i', async (change, status, error) => {
    const sandbox = await sandboxForTest();
    const response = await postOpenai(sandbox, { ...LOW, ...change });
    expect(response.status).toBe(status);
    expect(await jsonOf(response)).toMatchObject({ error });
    expect(sandbox.ledger()).toEqual([]);
  });

  it('a body that is not JSON', async () => {
    const response = await postOpenai(await sandboxForTest(), '{"prompt"');
    expect(response.status).toBe(400);
    expect(await jsonOf(response)).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  it('a wrong key without repeating it, and a missing one', async () => {
    const sandbox = await sandboxForTest();
    const wrong = await postOpenai(sandbox, LOW, { key: 'sk-secret-key-of-someone' });
    expect(wrong.status).toBe(401);
    expect(await jsonOf(wrong)).toMatchObject({
      error: {
        code: 'invalid_api_key',
        message: 'Incorrect API key provided: sk-se***ne. You can find your API key at https://platform.openai.com/account/api-keys.',
      },
    });
    const missing = await postOpenai(sandbox, LOW, { key: '' });
    expect(missing.status).toBe(401);
  });

  it('paths it does not serve', async () => {
    const sandbox = await sandboxForTest();
    const response = await fetch(`${sandbox.url}/openai/v1/images/variations`, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(await jsonOf(response)).toMatchObject({ error: { message: 'Invalid URL (POST /v1/images/variations)' } });
  });

  it('more images a minute than allowed, saying in world seconds when to come back', async () => {
    const sandbox = await sandboxForTest({ imagesPerMinute: 2 });
    // Both at once: later, the bucket would have refilled.
    const [response] = (await Promise.all([1, 2].map(() => postOpenai(sandbox, { ...LOW, n: 2 })))).filter(({ status }) => status === 429);
    if (response === undefined) throw new Error('neither call was limited');
    const waitMs = Number(response.headers.get('retry-after-ms'));
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(60_000);
    expect(Number(response.headers.get('retry-after'))).toBe(Math.ceil(waitMs / 1_000));
    expect(await jsonOf(response)).toMatchObject({ error: { type: 'input-images', code: 'rate_limit_exceeded' } });
  });

  it('prompts with a trigger, on either side of the model', async () => {
    const sandbox = await sandboxForTest();
    for (const trigger of ['[moderation]', '[moderation-output]']) {
      const response = await postOpenai(sandbox, { ...LOW, prompt: `a cat ${trigger}` });
      expect(response.status).toBe(400);
      expect(await jsonOf(response)).toMatchObject({ error: { type: 'image_generation_user_error', code: 'moderation_blocked' } });
    }
    expect(sandbox.ledger()).toMatchObject([
      { outcome: 'refused', billed: 0 },
      { outcome: 'refused', billed: 0 },
    ]);
  });

  it('a finished picture, billed or not as the switch says', async () => {
    const sandbox = await sandboxForTest({ billRefusedOutput: true });
    await postOpenai(sandbox, { ...LOW, prompt: 'a cat [moderation-output]' });
    expect(sandbox.ledger()[0]?.billed).toBeGreaterThan(5_000);
  });
});
