import { GoogleGenAI } from '@google/genai';
import OpenAI, { toFile } from 'openai';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { halfMask, meanColor, redPng } from './pictures-in.ts';
import { contents, googleBodyOf, imagesOf, jsonOf, LOW, postGoogle, postOpenai, sandboxForTest } from './support.ts';

type Files = readonly (readonly [name: string, bytes: Buffer | string])[];

function postEdit(sandbox: Sandbox, files: Files, fields: Record<string, string> = {}, face = 'openai'): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...LOW, ...fields })) form.append(name, value);
  for (const [name, bytes] of files) form.append(name, new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)]), 'picture');
  return fetch(`${sandbox.url}/${face}/v1/images/edits`, { method: 'POST', headers: { authorization: 'Bearer sk-sandbox' }, body: form });
}

const inline = (bytes: Buffer, mimeType = 'image/png') => ({ inlineData: { mimeType, data: bytes.toString('base64') } });
const withParts = (parts: readonly unknown[], role = 'user') => ({ contents: [{ role, parts: [{ text: 'a cat' }, ...parts] }] });

/** Mostly red: what the references of these tests are. */
const isReddish = ([red = 0, green = 0, blue = 0]: readonly number[]): boolean => red > 150 && red > green + 60 && red > blue + 60;

describe('an edit at openai', () => {
  it('shows its first reference, and counts, prices and bills it', async () => {
    const sandbox = await sandboxForTest();
    const red = await redPng(1024, 1024);
    const response = await postEdit(sandbox, [['image', red]], { prompt: 'a boat at sea' });
    const [image] = await imagesOf(response.clone());
    expect(isReddish(await meanColor(image ?? red, 0.4, 0.4, 0.2, 0.2))).toBe(true);
    expect(isReddish(await meanColor(image ?? red, 0, 0, 0.1, 0.3))).toBe(false);
    expect(await jsonOf(response)).toMatchObject({ usage: { input_tokens_details: { image_tokens: 4600, text_tokens: 4 } } });
    expect(sandbox.ledger()).toMatchObject([{ references: 1, outcome: 'delivered', billed: 4600 * 8 + 4 * 5 + 196 * 30 }]);
  });

  it('draws anew only where the mask is transparent', async () => {
    const sandbox = await sandboxForTest();
    const files = [
      ['image', await redPng()],
      ['mask', await halfMask()],
    ] as const;
    const [image] = await imagesOf(await postEdit(sandbox, files, { prompt: 'a boat at sea' }));
    if (image === undefined) throw new Error('no image');
    expect(isReddish(await meanColor(image, 0.1, 0.2, 0.3, 0.5))).toBe(true);
    expect(isReddish(await meanColor(image, 0.6, 0.2, 0.3, 0.5))).toBe(false);
  });

  it('takes as many references as the route says, each adding tokens by its pixels and time', async () => {
    const sandbox = await sandboxForTest({ drift: false });
    const [small, large] = await Promise.all([redPng(64, 64), redPng(2048, 2048)]);
    const tokens = async (files: Files): Promise<number> => {
      const body = await jsonOf(await postEdit(sandbox, files));
      return (body.usage as OpenAI.ImagesResponse.Usage).input_tokens_details.image_tokens;
    };
    expect(await tokens([['image[]', small]])).toBe(2300);
    expect(await tokens([['image[]', large]])).toBe(Math.round(4600 * 4 ** 0.25));
    const sixteen = Array.from({ length: 16 }, () => ['image[]', small] as const);
    expect(await tokens(sixteen)).toBe(16 * 2300);
    expect((await postEdit(sandbox, [...sixteen, ['image[]', small]])).status).toBe(400);
  });

  it('comes as JSON with data URIs too, and on the aggregator', async () => {
    const sandbox = await sandboxForTest();
    const image = { image_url: `data:image/png;base64,${(await redPng()).toString('base64')}` };
    for (const face of ['openai', 'agg']) {
      const response = await fetch(`${sandbox.url}/${face}/v1/images/edits`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk-sandbox', 'content-type': 'application/json' },
        body: JSON.stringify({ ...LOW, images: [image, image] }),
      });
      expect(response.status).toBe(200);
    }
    expect(sandbox.ledger()).toMatchObject([{ references: 2 }, { references: 2, face: 'aggregator' }]);
  });

  const refusals: readonly (readonly [string, () => Promise<Files>, Record<string, string>, Record<string, unknown>])[] = [
    ['without an image', async () => [], {}, { code: 'missing_required_parameter', param: 'image' }],
    [
      'with a file that is no image',
      async () => [
        ['image[]', await redPng()],
        ['image[]', 'not a picture'],
      ],
      {},
      { code: 'invalid_image_file', message: 'Invalid image file or mode for image 2, please check your image file.' },
    ],
    [
      'with too many images',
      async () => Promise.all(Array.from({ length: 17 }, async () => ['image[]', await redPng(16, 16)] as const)),
      {},
      { code: 'array_above_max_length' },
    ],
    [
      'with a mask of another size',
      async () => [
        ['image', await redPng()],
        ['mask', await halfMask(32, 32)],
      ],
      {},
      { param: 'mask', message: 'Invalid mask image format - mask size does not match image size' },
    ],
    [
      'with a mask without alpha',
      async () => [
        ['image', await redPng()],
        ['mask', await redPng()],
      ],
      {},
      { param: 'mask', code: 'invalid_image_format' },
    ],
    [
      'with input_fidelity',
      async () => [['image', await redPng()]],
      { input_fidelity: 'high' },
      { code: 'invalid_input_fidelity_model', message: "The model 'gpt-image-2' does not support the 'input_fidelity' parameter." },
    ],
    ['with a size off the grid', async () => [['image', await redPng()]], { size: '800x800' }, { param: 'size' }],
    ['with a count that is no number', async () => [['image', await redPng()]], { n: 'two' }, { param: 'n', code: 'invalid_type' }],
    ['with a parameter of generations', async () => [['image', await redPng()]], { moderation: 'low' }, { code: 'unknown_parameter' }],
  ];
  it.each(refusals)('%s is refused', async (_, files, fields, error) => {
    const sandbox = await sandboxForTest();
    const response = await postEdit(sandbox, await files(), fields);
    expect(response.status).toBe(400);
    expect(await jsonOf(response)).toMatchObject({ error });
    expect(sandbox.ledger()).toEqual([]);
  });

  it('in any other content type is refused by name', async () => {
    const sandbox = await sandboxForTest();
    const response = await fetch(`${sandbox.url}/openai/v1/images/edits`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-sandbox', 'content-type': 'text/plain' },
      body: 'a cat',
    });
    expect(await jsonOf(response)).toMatchObject({ error: { message: expect.stringContaining("Unsupported content type: 'text/plain'") } });
  });

  it('never fetches a URL', async () => {
    const sandbox = await sandboxForTest();
    const response = await fetch(`${sandbox.url}/openai/v1/images/edits`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-sandbox', 'content-type': 'application/json' },
      body: JSON.stringify({ ...LOW, images: [{ image_url: `${sandbox.url}/__sim/state` }] }),
    });
    expect(await jsonOf(response)).toMatchObject({ error: { code: 'invalid_image_file' } });
    expect(sandbox.stats().requests).toBe(1);
  });

  it('passes through the official SDK', async () => {
    const sandbox = await sandboxForTest();
    const client = new OpenAI({ apiKey: 'sk-sandbox', baseURL: sandbox.endpoints[0].baseUrl, maxRetries: 0 });
    const image = await toFile(await redPng(), 'red.png', { type: 'image/png' });
    const mask = await toFile(await halfMask(), 'mask.png', { type: 'image/png' });
    const result = await client.images.edit({ ...LOW, image: [image, image], mask, n: 2, output_format: 'jpeg', output_compression: 70 });
    expect(result.data).toHaveLength(2);
    const bytes = Buffer.from(result.data?.[0]?.b64_json ?? '', 'base64');
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 1024, height: 1024 });
    expect(result.usage?.input_tokens_details.image_tokens).toBe(2 * 2300);
  });
});

describe('an edit at google', () => {
  it('shows its first reference and counts 560 tokens for each', async () => {
    const sandbox = await sandboxForTest();
    const red = await redPng();
    const response = await postGoogle(
      sandbox,
      withParts([inline(red), { inline_data: { mime_type: 'image/png', data: red.toString('base64') } }]),
    );
    const body = await googleBodyOf(response);
    const image = Buffer.from(body.candidates?.[0]?.content?.parts?.[0]?.inlineData?.data ?? '', 'base64');
    expect(isReddish(await meanColor(image, 0.4, 0.4, 0.2, 0.2))).toBe(true);
    const thoughts = body.usageMetadata?.thoughtsTokenCount ?? 0;
    expect(body.usageMetadata).toMatchObject({
      promptTokenCount: 2 + 1120,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 2 },
        { modality: 'IMAGE', tokenCount: 1120 },
      ],
    });
    expect(sandbox.ledger()).toMatchObject([{ references: 2, billed: 1120 * 120 + thoughts * 12 + (2 + 1120) * 2 }]);
  });

  const red = redPng(16, 16);
  it.each([
    ['a part that is no picture', async () => withParts([inline(Buffer.from('nothing'))]), /Unable to process input image/],
    ['an unknown type', async () => withParts([inline(await red, 'image/bmp')]), /Unsupported MIME type: image\/bmp/],
    [
      'fifteen pictures',
      async () => withParts(Array.from({ length: 15 }, () => 0).map(() => inline(Buffer.alloc(1)))),
      /fewer than 15 images/,
    ],
    ['its own picture without the signature', async () => withParts([inline(await red)], 'model'), /missing a thought_signature/],
  ] as const)('refuses %s', async (_, body, words) => {
    const sandbox = await sandboxForTest();
    const response = await postGoogle(sandbox, await body());
    expect(response.status).toBe(400);
    expect(await jsonOf(response)).toMatchObject({ error: { status: 'INVALID_ARGUMENT', message: expect.stringMatching(words) } });
  });

  it('passes through the official SDK', async () => {
    const sandbox = await sandboxForTest();
    const client = new GoogleGenAI({ apiKey: 'sk-sandbox', httpOptions: { baseUrl: sandbox.endpoints[1].baseUrl, apiVersion: 'v1beta' } });
    const result = await client.models.generateContent({
      model: 'gemini-3-pro-image',
      contents: [{ role: 'user', parts: [{ text: 'make it night' }, inline(await red)] }],
    });
    expect(result.candidates?.[0]?.content?.parts?.[0]?.inlineData?.mimeType).toBe('image/jpeg');
    expect(sandbox.ledger()).toMatchObject([{ references: 1 }]);
  });
});

describe('a plain generation', () => {
  it('is untouched by edits: no references, the same picture as ever', async () => {
    const sandbox = await sandboxForTest();
    const [first] = await imagesOf(await postOpenai(sandbox, LOW));
    await postEdit(sandbox, [['image', await redPng()]]);
    const [again] = await imagesOf(await postOpenai(sandbox, LOW));
    expect(again).toEqual(first);
    await postGoogle(sandbox, contents('a cat'));
    expect(sandbox.ledger().map((row) => row.references)).toEqual([0, 1, 0, 0]);
  });
});
