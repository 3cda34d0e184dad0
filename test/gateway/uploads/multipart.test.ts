// The form of an edit: what is read, and what is refused before it was received.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readForm } from '../../../src/gateway/uploads/multipart.ts';
import { maskOf, picture, pngClaiming } from '../../providers/support/pictures.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { BOUNDARY, cut, formBytes, formRules, refusalOf, requestOf, type TestPart } from './support.ts';

const png = await picture(64, 48, 'png');
const jpeg = await picture(64, 48, 'jpeg');
const webp = await picture(64, 48, 'webp');
const mask = await maskOf(64, 48);
const prompt: TestPart = { name: 'prompt', content: 'a red fox' };
const image: TestPart = { name: 'image', content: png, fileName: 'fox.png', type: 'image/png' };

const read = (parts: readonly TestPart[], rules = formRules()) => readForm(requestOf([formBytes(parts)]).request, rules);

describe('a form', () => {
  it('gives texts, images in their order and the mask', async () => {
    const form = await read([
      prompt,
      { name: 'image[]', content: png, fileName: 'a.png', type: 'image/png' },
      { name: 'image[]', content: jpeg, fileName: 'b.jpg', type: 'image/jpeg' },
      { name: 'mask', content: mask, fileName: 'm.png', type: 'image/png' },
      { name: 'n', content: '2' },
    ]);
    expect(form).toEqual({ texts: { prompt: 'a red fox', n: '2' }, images: [png, jpeg], mask });
  });

  it.each(['image', 'image[]', 'image[0]', 'image[15]'])('may call its images %s, with or without a file name and a type', async (name) => {
    const form = await read([prompt, { name, content: png, fileName: 'a' }, { name, content: webp }]);
    expect(form.images).toEqual([png, webp]);
  });

  it('built by FormData is read', async () => {
    const data = new FormData();
    data.set('prompt', 'ein Fuchs, größer als "drei" Bäume 🦊');
    data.set('image', new File([new Uint8Array(png)], 'fox.png', { type: 'image/png' }));
    const request = new Request('http://gateway.test/v1/images/edits', { method: 'POST', body: data });
    expect(await readForm(request, formRules())).toEqual({
      texts: { prompt: 'ein Fuchs, größer als "drei" Bäume 🦊' },
      images: [png],
      mask: undefined,
    });
  });

  it('is the same however its bytes are cut', async () => {
    const bytes = formBytes([
      prompt,
      image,
      { name: 'image', content: jpeg },
      { name: 'mask', content: mask },
      { name: 'size', content: '' },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), async (length) => {
        const form = await readForm(requestOf(cut(bytes, length)).request, formRules());
        expect(form).toEqual({ texts: { prompt: 'a red fox', size: '' }, images: [png, jpeg], mask });
      }),
      { numRuns: 25 },
    );
  });

  it('may have an image declared as image/jpg or as nothing in particular', async () => {
    const form = await read([
      { name: 'image', content: jpeg, fileName: 'a', type: 'image/jpg' },
      { name: 'image', content: png, fileName: 'a', type: 'application/octet-stream' },
    ]);
    expect(form.images).toEqual([jpeg, png]);
  });
});

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>';
const gif = Buffer.from('GIF89a\x01\x00\x01\x00\x00\x00\x00;', 'latin1');
const unusable: readonly (readonly [string, TestPart, string])[] = [
  [
    'declared as SVG',
    { name: 'image', content: svg, type: 'image/svg+xml' },
    'image[0] must be declared as image/png, image/jpeg or image/webp, not image/svg+xml',
  ],
  ['an SVG in disguise', { name: 'image', content: svg, type: 'image/png' }, 'image[0] is no PNG, JPEG or WebP but text in angle brackets'],
  ['a GIF', { name: 'image', content: gif }, 'image[0] is no PNG, JPEG or WebP but a GIF'],
  ['another type than declared', { name: 'image', content: png, type: 'image/jpeg' }, 'image[0] is declared as image/jpeg but is a png'],
  [
    'a claim of 40000x40000',
    { name: 'image', content: pngClaiming(40_000, 40_000) },
    'image[0] claims 40000x40000 pixels, which is more than 40000000',
  ],
  ['empty', { name: 'image', content: '', fileName: 'a.png', type: 'image/png' }, 'image[0] is empty'],
  ['a short text', { name: 'image', content: 'hello' }, 'image[0] is no PNG, JPEG or WebP'],
  ['a short page', { name: 'image', content: '<p>hi' }, 'image[0] is no PNG, JPEG or WebP but text in angle brackets'],
  ['the first bytes of a PNG', { name: 'image', content: png.subarray(0, 5) }, 'image[0] is cut short: it ends before its size is known'],
  ['shorter than a header', { name: 'image', content: png.subarray(0, 20) }, 'image[0] is cut short: it ends before its size is known'],
  ['a JPEG as mask', { name: 'mask', content: jpeg }, 'mask must be a PNG, because its transparency is what counts; it is a jpeg'],
  [
    'a URL',
    { name: 'image', content: 'https://pictures.example/a.png' },
    'image[0] is no PNG, JPEG or WebP but a URL: send it as images[].image_url',
  ],
];

describe('a file of a form', () => {
  it.each(unusable)('that is %s is refused by name', async (_name, part, reason) => {
    const refusal = await refusalOf(read([prompt, part]));
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_image_file', param: part.name === 'mask' ? 'mask' : 'image[0]' });
    expect(refusal.message).toContain(`Invalid image file: ${reason}`);
  });

  it('that claims too many pixels is refused with what follows unread', async () => {
    const endless = function* (): Generator<Uint8Array> {
      yield formBytes([{ name: 'image', content: pngClaiming(40_000, 40_000) }], '');
      for (;;) yield Buffer.alloc(65_536);
    };
    const { request, taken, isCancelled } = requestOf(endless());
    expect(await refusalOf(readForm(request, formRules()))).toMatchObject({ code: 'invalid_image_file' });
    expect(taken()).toBeLessThan(4 * 65_536);
    expect(isCancelled()).toBe(true);
  });

  it.each([
    ['an image of its limit', 'image', 100_000, formRules({ fileBytesLimit: 100_000 }), 100_000],
    ["a mask of OpenAI's limit", 'mask', 4_000_000, formRules(), 4_000_000],
  ] as const)('is refused while it arrives: %s', async (_name, name, limit, rules, length) => {
    const start = Buffer.concat([formBytes([], ''), formBytes([{ name, content: mask }], '').subarray(0, -2)]);
    const endless = function* (): Generator<Uint8Array> {
      yield start;
      for (;;) yield Buffer.alloc(16_384);
    };
    const { request, taken } = requestOf(endless());
    const refusal = await refusalOf(readForm(request, rules));
    expect(refusal).toMatchObject({ status: 413, code: 'request_too_large' });
    expect(refusal.message).toContain(`must be smaller than ${limit} bytes`);
    expect(taken()).toBeLessThan(length + 8 * 16_384);
  });

  it('number seventeen is refused before its first byte', async () => {
    const refusal = await refusalOf(read(Array.from({ length: 17 }, () => image)));
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_value', param: 'image' });
    expect(refusal.message).toBe('At most 16 images can be edited together.');
  });

  it('sixteen and a mask pass', async () => {
    const form = await read([...Array.from({ length: 16 }, () => image), { name: 'mask', content: mask }]);
    expect(form.images).toHaveLength(16);
  });
});

const misfit: readonly (readonly [string, readonly TestPart[], object])[] = [
  [
    'an unknown field',
    [{ name: 'sise', content: '1' }],
    { status: 400, code: 'unknown_parameter', param: 'sise', remedy: 'did you mean "size"?' },
  ],
  [
    'an unknown file',
    [{ name: 'imag', content: png, fileName: 'a.png' }],
    { code: 'unknown_parameter', param: 'imag', remedy: 'did you mean "image"?' },
  ],
  ['a prototype field', [{ name: '__proto__', content: 'x' }], { code: 'unknown_parameter', param: '__proto__' }],
  ['a field given twice', [prompt, prompt], { code: 'invalid_value', param: 'prompt' }],
  [
    'two masks',
    [
      { name: 'mask', content: mask },
      { name: 'mask', content: mask },
    ],
    { code: 'invalid_value', param: 'mask' },
  ],
  ['a file for a text', [{ name: 'prompt', content: 'a fox', fileName: 'prompt.txt' }], { code: 'invalid_value', param: 'prompt' }],
  ['a text that is not UTF-8', [{ name: 'prompt', content: Buffer.from([0xc3, 0x28]) }], { code: 'invalid_value', param: 'prompt' }],
  ['a huge text', [{ name: 'prompt', content: 'x'.repeat(131_073) }], { status: 413, code: 'request_too_large', param: 'prompt' }],
  ['a part without a name', [{ name: undefined, content: 'x' }], { code: 'invalid_multipart' }],
];

describe('a form is refused', () => {
  it.each(misfit)('for %s', async (_name, parts, expected) => {
    expect(await refusalOf(read(parts))).toMatchObject(expected);
  });

  it('for an unknown name without echoing it when it is no plain word', async () => {
    const refusal = await refusalOf(read([{ name: 'CANARY <script>', content: 'x' }]));
    expect(`${refusal.message} ${refusal.param} ${refusal.remedy}`).not.toContain('CANARY');
  });

  it.each([
    ['cut off in a file', formBytes([prompt, image]).subarray(0, -60)],
    ['cut off before its end', formBytes([prompt, image], '')],
    ['empty', Buffer.alloc(0)],
    ['no form at all', Buffer.from('{"prompt":"a fox"}')],
    ['without parts and end', Buffer.from(`--${BOUNDARY}`)],
  ])('when it is %s', async (_name, bytes) => {
    expect(await refusalOf(readForm(requestOf([bytes]).request, formRules()))).toMatchObject({ status: 400, code: 'invalid_multipart' });
  });

  it.each([
    ['is another one', { boundary: 'other' }],
    ['is missing', { headers: { 'content-type': 'multipart/form-data' } }],
  ])('when the boundary %s', async (_name, options) => {
    const { request } = requestOf([formBytes([prompt, image])], options);
    expect(await refusalOf(readForm(request, formRules()))).toMatchObject({ status: 400, code: 'invalid_multipart' });
  });

  it('by its stated length, unread', async () => {
    const { request, taken } = requestOf([formBytes([prompt])], { headers: { 'content-length': '1001' } });
    expect(await refusalOf(readForm(request, formRules({ bytesLimit: 1_000 })))).toMatchObject({ status: 413, code: 'request_too_large' });
    expect(taken()).toBe(0);
  });

  it('at the byte that is one too many when it states no length', async () => {
    const { request, taken, isCancelled } = requestOf(cut(Buffer.alloc(1_000_000), 1_000));
    expect(await refusalOf(readForm(request, formRules({ bytesLimit: 10_000 })))).toMatchObject({ status: 413 });
    expect(taken()).toBe(11_000);
    expect(isCancelled()).toBe(true);
  });

  it('when it is cut into more pieces than an honest sender makes', async () => {
    const dust = function* (): Generator<Uint8Array> {
      yield formBytes([{ name: 'image', content: png }], '');
      for (;;) yield Buffer.alloc(1);
    };
    expect(await refusalOf(readForm(requestOf(dust()).request, formRules()))).toMatchObject({ status: 413, code: 'request_too_large' });
  });

  it('when it has not arrived in time, and its stream is let go', async () => {
    const clock = manualClock(20);
    const { request, isCancelled } = requestOf([formBytes([prompt], '')], { hangs: true });
    const refusal = refusalOf(readForm(request, formRules({ clock, timeLimitMs: 1_000 })));
    clock.advance(19_999);
    expect(clock.timerCount).toBe(1);
    clock.advance(1);
    expect(await refusal).toMatchObject({ status: 408, code: 'request_timeout' });
    expect(isCancelled()).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  it('when its sender leaves', async () => {
    const leaving = new AbortController();
    const { request } = requestOf([formBytes([prompt], '')], { hangs: true, signal: leaving.signal });
    const refusal = refusalOf(readForm(request, formRules()));
    leaving.abort(new Error('gone'));
    expect(await refusal).toMatchObject({ code: 'request_cut_short' });
  });

  it('when the gateway holds all it may', async () => {
    const { request } = requestOf(cut(formBytes([prompt, image]), 100));
    expect(await refusalOf(readForm(request, formRules({ reserve: () => false })))).toMatchObject({ status: 503, code: 'overloaded' });
  });
});
