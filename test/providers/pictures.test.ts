import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Image } from '../../src/domain/image.ts';
import { decodeBase64 } from '../../src/providers/base64.ts';
import { fitImage, type Wish } from '../../src/providers/geometry.ts';
import { checkImage, MOST_PIXELS } from '../../src/providers/image-check.ts';
import { picture, pngChunk, pngClaiming } from './support/pictures.ts';

const LATIN_1 = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

describe('base64', () => {
  it('is decoded exactly when it is canonical enough to trust', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const encoded = Buffer.from(bytes).toString('base64');
        expect(decodeBase64(encoded)).toEqual(Buffer.from(bytes));
        expect(decodeBase64(`data:image/png;base64,${encoded}`)).toEqual(Buffer.from(bytes));
        expect(decodeBase64(encoded.slice(1))).toBeUndefined();
      }),
    );
  });

  it('is refused when any character of it is foreign', () => {
    const encoded = Buffer.from('any carnal pleasure.....').toString('base64');
    fc.assert(
      fc.property(fc.nat(encoded.length - 1), fc.constantFrom(...LATIN_1, '\ufffd'), (index, character) => {
        fc.pre(!/[A-Za-z0-9+/]/.test(character) && !(character === '=' && index === encoded.length - 1));
        expect(decodeBase64(encoded.slice(0, index) + character + encoded.slice(index + 1))).toBeUndefined();
      }),
    );
  });

  it.each(['', 'abc', 'ab c', 'ab-_', 'a===', '====x', 'YWJj\n', 'YW=j'])('is refused when malformed: %j', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});

describe('an image', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('in %s is measured, not believed', async (format) => {
    const bytes = await picture(640, 480, format);
    expect(checkImage(bytes)).toEqual({
      kind: 'image',
      image: { bytes, format, mediaType: `image/${format}`, width: 640, height: 480 },
    });
  });

  it.each(['png', 'jpeg', 'webp'] as const)('in %s cut anywhere is broken', async (format) => {
    const bytes = await picture(640, 480, format);
    for (const share of [0.01, 0.3, 0.6, 0.9, 0.97]) {
      expect(checkImage(bytes.subarray(0, Math.floor(bytes.length * share))).kind, `${share}`).toBe('broken');
    }
  });

  it('that claims more pixels than allowed is refused before it is decoded', () => {
    expect(checkImage(pngClaiming(40_000, 40_000))).toEqual({
      kind: 'broken',
      reason: `40000x40000 is more than ${MOST_PIXELS} pixels`,
    });
  });

  it.each([
    ['zero by zero', pngClaiming(0, 0)],
    ['nothing', Buffer.alloc(0)],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['a GIF', Buffer.from('GIF89a\x01\x00\x01\x00\x00\x00\x00;', 'latin1')],
    ['a PNG signature and nothing else', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ])('that is %s is broken', (_name, bytes) => {
    expect(checkImage(bytes).kind).toBe('broken');
  });

  it.each(['png', 'jpeg', 'webp'] as const)('in %s with bytes behind its end is an image: decoders ignore them, too', async (format) => {
    const bytes = Buffer.concat([await picture(64, 64, format), Buffer.from('trailer')]);
    expect(checkImage(bytes)).toMatchObject({ kind: 'image', image: { width: 64, height: 64 } });
  });

  it('in PNG is broken by any change of any byte', async () => {
    const whole = await picture(64, 64, 'png');
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8((bytes[index] ?? 0) ^ mask, index);
        expect(checkImage(bytes).kind).toBe('broken');
      }),
    );
  });

  it.each(['png', 'webp'] as const)('in %s is broken when a run of bytes is lost', async (format) => {
    const whole = await picture(640, 480, format);
    fc.assert(
      fc.property(fc.integer({ min: 40, max: whole.length - 2 }), fc.integer({ min: 1, max: 5_000 }), (from, length) => {
        expect(checkImage(Buffer.concat([whole.subarray(0, from), whole.subarray(from + length)])).kind).toBe('broken');
      }),
    );
  });

  it('never throws, whatever follows the first bytes', () => {
    const heads = [
      ...['89504e470d0a1a0a', 'ffd8ff', 'ffd8ffda', 'ffd8ffc0'].map((hex) => Buffer.from(hex, 'hex')),
      Buffer.from('RIFF\x20\0\0\0WEBPVP8 '),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 200 }), (head, tail) => {
        expect(checkImage(Buffer.concat([head, tail])).kind).toMatch(/broken|image/);
      }),
    );
  });

  it.each([
    ['a progressive JPEG', (source: Sharp) => source.jpeg({ progressive: true })],
    ['a JPEG with an Exif block', (source: Sharp) => source.withExif({ IFD0: { Copyright: 'x' } }).jpeg()],
    ['a lossless WebP', (source: Sharp) => source.webp({ lossless: true })],
    ['a WebP with transparency', (source: Sharp) => source.ensureAlpha(0.5).webp()],
    ['a PNG with a palette', (source: Sharp) => source.png({ palette: true })],
    ['an interlaced PNG of 16 bits', (source: Sharp) => source.toColourspace('rgb16').png({ progressive: true })],
  ])('may be %s', async (_name, encode) => {
    const bytes = await encode(sharp(await picture(300, 180, 'png'))).toBuffer();
    expect(checkImage(bytes)).toMatchObject({ kind: 'image', image: { width: 300, height: 180 } });
  });

  it('may carry a chunk no decoder knows, as OpenAI’s do (C2PA)', async () => {
    const whole = await picture(64, 64, 'png');
    const bytes = Buffer.concat([whole.subarray(0, 33), pngChunk('caBX', Buffer.from('provenance')), whole.subarray(33)]);
    expect(checkImage(bytes).kind).toBe('image');
  });

  it('with an odd colour profile is still an image', async () => {
    const bytes = await sharp(await picture(64, 64, 'png'))
      .withMetadata({ icc: 'p3' })
      .png()
      .toBuffer();
    expect(checkImage(bytes).kind).toBe('image');
  });
});

async function imageOf(width: number, height: number, format: 'png' | 'jpeg' | 'webp' = 'jpeg'): Promise<Image> {
  const checked = checkImage(await picture(width, height, format));
  if (checked.kind === 'broken') throw new Error(checked.reason);
  return checked.image;
}

function wish(asked: readonly [number, number], deliver: readonly [number, number], changes: Partial<Wish> = {}): Wish {
  return {
    asked: { width: asked[0], height: asked[1] },
    deliver: { width: deliver[0], height: deliver[1] },
    format: 'jpeg',
    compression: undefined,
    isCompressed: false,
    ...changes,
  };
}

const details = (fitted: Awaited<ReturnType<typeof fitImage>>): readonly string[] =>
  fitted.kind === 'fitted' ? fitted.adjustments.map((adjustment) => adjustment.detail) : [fitted.reason];

describe('fitting', () => {
  it('returns the very same image when nothing is to be done', async () => {
    const image = await imageOf(640, 480);
    const fitted = await fitImage(image, wish([640, 480], [640, 480]));
    expect(fitted).toEqual({ kind: 'fitted', image, adjustments: [] });
    expect(fitted.kind === 'fitted' && fitted.image.bytes).toBe(image.bytes);
  });

  it.each([
    {
      name: 'scales and crops',
      came: [632, 424],
      asked: [632, 424],
      deliver: [384, 256],
      report: ['632x424 scaled to 384x258 and cropped to 384x256 (0.8 % cut away)', 'jpeg encoded again at quality 95'],
    },
    {
      name: 'only scales',
      came: [640, 480],
      asked: [640, 480],
      deliver: [320, 240],
      report: ['640x480 scaled to 320x240', 'jpeg encoded again at quality 95'],
    },
    {
      name: 'only crops',
      came: [688, 384],
      asked: [688, 384],
      deliver: [688, 380],
      report: ['688x384 cropped to 688x380 (1.0 % cut away)', 'jpeg encoded again at quality 95'],
    },
    {
      name: 'enlarges as planned',
      came: [400, 400],
      asked: [400, 400],
      deliver: [600, 600],
      report: ['400x400 enlarged to 600x600', 'jpeg encoded again at quality 95'],
    },
    {
      name: 'forgives a slight lack',
      came: [620, 465],
      asked: [640, 480],
      deliver: [640, 480],
      report: ['620x465 enlarged to 640x480', 'jpeg encoded again at quality 95'],
    },
    {
      name: 'takes more than was asked',
      came: [1280, 960],
      asked: [640, 480],
      deliver: [640, 480],
      report: ['1280x960 scaled to 640x480', 'jpeg encoded again at quality 95'],
    },
  ] as const)('$name and says so', async ({ came, asked, deliver, report }) => {
    const fitted = await fitImage(await imageOf(came[0], came[1]), wish(asked, deliver));
    expect(details(fitted)).toEqual(report);
    expect(fitted).toMatchObject({ image: { width: deliver[0], height: deliver[1], format: 'jpeg' } });
    const measured = fitted.kind === 'fitted' ? checkImage(fitted.image.bytes) : undefined;
    expect(measured).toMatchObject({ image: { width: deliver[0], height: deliver[1], format: 'jpeg' } });
  });

  it.each([
    {
      name: 'another shape',
      came: [640, 640],
      asked: [640, 480],
      deliver: [640, 480],
      reason: '640x640 came, of another shape than 640x480',
    },
    { name: 'too few pixels', came: [320, 240], asked: [640, 480], deliver: [640, 480], reason: '320x240 came, too small for 640x480' },
    {
      name: 'less than the planned enlargement starts from',
      came: [200, 200],
      asked: [400, 400],
      deliver: [600, 600],
      reason: '200x200 came, too small for 600x600',
    },
  ] as const)('refuses $name', async ({ came, asked, deliver, reason }) => {
    expect(await fitImage(await imageOf(came[0], came[1]), wish(asked, deliver))).toEqual({ kind: 'misfit', reason });
  });

  it('converts formats, applies the asked compression, and puts transparency on white where there is none', async () => {
    const clear = await sharp({ create: { width: 64, height: 64, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toBuffer();
    const image: Image = { bytes: clear, format: 'png', mediaType: 'image/png', width: 64, height: 64 };
    const fitted = await fitImage(image, wish([64, 64], [64, 64], { format: 'jpeg', compression: 50 }));
    expect(details(fitted)).toEqual(['png converted to jpeg']);
    const { dominant } = fitted.kind === 'fitted' ? await sharp(fitted.image.bytes).stats() : { dominant: undefined };
    expect(dominant).toMatchObject({ r: 248, g: 248, b: 248 });
  });

  it('never encodes again only for the sake of compression', async () => {
    const image = await imageOf(640, 480);
    const ignored = await fitImage(image, wish([640, 480], [640, 480], { compression: 40 }));
    expect(ignored).toMatchObject({ image: { bytes: image.bytes } });
    expect(details(ignored)).toEqual(['jpeg delivered as made: compression 40 was not applied']);
    expect(details(await fitImage(image, wish([640, 480], [640, 480], { compression: 40, isCompressed: true })))).toEqual([]);
  });
});
