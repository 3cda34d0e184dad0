// An edit as JSON: which pictures are taken, and which bodies are never parsed.
import { describe, expect, it } from 'vitest';
import { type JsonEditRules, readJsonEdit } from '../../../src/gateway/uploads/json-edit.ts';
import { maskOf, picture, pngClaiming } from '../../providers/support/pictures.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { cut, formRules, refusalOf, requestOf } from './support.ts';

const png = await picture(64, 48, 'png');
const jpeg = await picture(64, 48, 'jpeg');
const mask = await maskOf(64, 48);
const uri = (bytes: Uint8Array, type = 'image/png'): string => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
const CANARY = 'a canary in the snow';

const rules = (changes: Partial<JsonEditRules> = {}): JsonEditRules => ({ ...formRules(), urls: undefined, ...changes });
const readText = (text: string | Uint8Array, changes: Partial<JsonEditRules> = {}) =>
  readJsonEdit(requestOf(cut(Buffer.from(text), 1_000), { headers: { 'content-type': 'application/json' } }).request, rules(changes));
const read = (body: unknown, changes: Partial<JsonEditRules> = {}) => readText(JSON.stringify(body), changes);

describe('a JSON edit', () => {
  it('gives its pictures as bytes and leaves every other field as it was', async () => {
    const images = [{ image_url: uri(png) }, { image_url: uri(jpeg, 'image/jpeg') }];
    const edit = await read({ prompt: 'a fox', n: 2, stream: true, images, mask: { image_url: uri(mask) } });
    expect(edit).toEqual({ fields: { prompt: 'a fox', n: 2, stream: true }, images: [png, jpeg], mask });
  });

  it('may have null for a mask, as some clients write what they leave out', async () => {
    expect((await read({ images: [{ image_url: uri(png) }], mask: null })).mask).toBeUndefined();
  });

  const unfit: readonly (readonly [string, unknown, object])[] = [
    ['no images', { prompt: 'a fox' }, { code: 'missing_required_parameter', param: 'images' }],
    ['an empty list', { images: [] }, { code: 'invalid_value', param: 'images' }],
    [
      'seventeen images',
      { images: Array.from({ length: 17 }, () => ({ image_url: uri(png) })) },
      { code: 'invalid_value', param: 'images' },
    ],
    ['an image that is text', { images: [uri(png)] }, { code: 'invalid_value', param: 'images[0]' }],
    ['an image with another field', { images: [{ url: uri(png) }] }, { code: 'unknown_parameter', param: 'images[0]' }],
    ['neither URL nor file', { images: [{}] }, { code: 'invalid_value', param: 'images[0]' }],
    ['a file id', { images: [{ file_id: 'file-1' }] }, { status: 400, code: 'file_id_not_supported', param: 'images[0].file_id' }],
    [
      'a URL',
      { images: [{ image_url: 'https://pictures.example/a.png' }] },
      { code: 'image_url_not_allowed', param: 'images[0].image_url' },
    ],
    ['text for base64', { images: [{ image_url: 'data:image/png,hello' }] }, { code: 'invalid_image_file' }],
    ['base64 with a stray character', { images: [{ image_url: `${uri(png).slice(0, -8)}!AAAAAA=` }] }, { code: 'invalid_image_file' }],
    ['base64 without its padding', { images: [{ image_url: uri(Buffer.alloc(4)).slice(0, -1) }] }, { code: 'invalid_image_file' }],
    ['an SVG', { images: [{ image_url: uri(Buffer.from('<svg/>'), 'image/svg+xml') }] }, { code: 'invalid_image_file' }],
    ['another type than declared', { images: [{ image_url: uri(png, 'image/webp') }] }, { code: 'invalid_image_file' }],
    ['a claim of 40000x40000', { images: [{ image_url: uri(pngClaiming(40_000, 40_000)) }] }, { code: 'invalid_image_file' }],
    ['a JPEG as mask', { images: [{ image_url: uri(png) }], mask: { image_url: uri(jpeg, 'image/jpeg') } }, { param: 'mask.image_url' }],
  ];
  it.each(unfit)('with %s is refused by name, and none of it is echoed', async (_name, body, expected) => {
    const refusal = await refusalOf(read({ prompt: CANARY, ...Object(body) }));
    expect(refusal).toMatchObject(expected);
    expect(`${refusal.message} ${refusal.remedy}`).not.toMatch(/base64,\w|canary|pictures\.example|file-1/);
  });

  it.each([
    ['a picture that is text', { images: [uri(png)] }, 'images[0] must be an object with image_url.'],
    ['a mask that is text', { images: [{ image_url: uri(png) }], mask: uri(mask) }, 'mask must be an object with image_url.'],
    ['pictures that are no list', { images: { image_url: uri(png) } }, 'images must be a list'],
    ['an empty list', { images: [] }, 'images must hold at least one picture.'],
    ['no pictures', {}, "Missing required parameter: 'images'."],
    ['the name of a form’s files', { image: uri(png) }, "Unknown parameter: 'image'."],
  ])('with %s is told how pictures are written', async (_name, body, words) => {
    const refusal = await refusalOf(read(body));
    expect(refusal.message).toContain(words);
    expect(refusal.message).not.toContain('Invalid input');
    expect(refusal.remedy).toContain('{"image_url": "data:image/png;base64,..."}');
    if ('image' in body) expect(refusal.remedy).toContain('did you mean "images"?');
  });

  it.each([
    ['a list', '[]'],
    ['null', 'null'],
    ['cut short', `{"prompt":"${CANARY}`],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['empty', ''],
  ])('that is %s is refused without quoting it', async (_name, text) => {
    const refusal = await refusalOf(readText(text));
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_json' });
    expect(refusal.message).not.toContain('canary');
  });

  it.each([
    ['{\n  "prompt": "a fox",\n  "images": [,]\n}', ': it goes wrong at line 3 column 14.'],
    // As the caller sees it: with the picture that was cut out.
    [`{"images": [{"image_url": "${uri(png).padEnd(5_000, 'A')}"}], "n": x}`, ': it goes wrong at line 1 column 5038.'],
    [`{"images": [{"image_url":\n"${uri(png).padEnd(5_000, 'A')}"}],\n"n": x}`, ': it goes wrong at line 3 column 6.'],
    ['', ': it is empty.'],
    // Searching that much would keep others waiting.
    [`{"prompt": "${'x'.repeat(2 * 1024 * 1024)}`, '.'],
  ])('that is wrong is told where, so far as it is searched (%#)', async (text, where) => {
    expect((await refusalOf(readText(text))).message).toBe(`The body is not valid JSON${where}`);
  });

  it.each(['[', '{"a":', '[],', '0,'])('made of millions of values (%s) is refused while it arrives, unparsed', async (unit) => {
    const endless = function* (): Generator<Uint8Array> {
      yield Buffer.from('{"images":[');
      for (;;) yield Buffer.from(unit.repeat(10_000));
    };
    const { request, taken } = requestOf(endless(), { headers: { 'content-type': 'application/json' } });
    expect(await refusalOf(readJsonEdit(request, rules()))).toMatchObject({ code: 'invalid_json' });
    expect(taken()).toBeLessThan(400_000);
  });

  it('may have a prompt of nothing but commas and brackets', async () => {
    const prompt = ',[{'.repeat(10_000);
    expect((await read({ prompt, images: [{ image_url: uri(png) }] })).fields).toEqual({ prompt });
  });
});

describe('pictures by URL, where allowed', () => {
  it('are refused together when one cannot be had, and the others are given up', async () => {
    const aborted: boolean[] = [];
    const urls = {
      hosts: [],
      timeLimitMs: 1_000,
      doors: {
        resolve: (name: string) => (name === 'lost.example' ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(['8.8.8.8'])),
        dial: (_target: unknown, signal: AbortSignal) =>
          new Promise<never>((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted.push(true);
              reject(signal.reason);
            });
          }),
      },
    };
    const clock = manualClock();
    const images = ['https://slow.example/', 'https://lost.example/', 'https://slow.example/'].map((url) => ({ image_url: url }));
    const refusal = await refusalOf(read({ images }, { urls, clock }));
    expect(refusal).toMatchObject({ code: 'image_url_unusable', param: 'images[1].image_url' });
    expect(aborted).toEqual([true, true]);
  });
});
