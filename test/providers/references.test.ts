// What a caller may hand in to be edited: checked to the last pixel before a cent is spent.
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkMask, checkReference, MASK_BYTES_LIMIT, MOST_PIXELS, REFERENCE_BYTES_LIMIT } from '../../src/providers/image-check.ts';
import { imageOf, maskOf, picture, pngClaiming } from './support/pictures.ts';

const padded = (bytes: Buffer, length: number): Buffer => Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);

const unusable = [
  [
    'a GIF',
    await sharp(await picture(64, 64, 'png'))
      .gif()
      .toBuffer(),
    'the bytes are no PNG, JPEG or WebP',
  ],
  ['nothing', Buffer.alloc(0), 'the bytes are no PNG, JPEG or WebP'],
  ['a claim of too many pixels', pngClaiming(40_000, 40_000), `40000x40000 is more than ${MOST_PIXELS} pixels`],
  ['50 MB', padded(await picture(64, 64, 'jpeg'), REFERENCE_BYTES_LIMIT), 'must be smaller than 50000000 bytes, got 50000000'],
] as const;

const first = await imageOf(320, 200, 'jpeg');
const unfit = [
  ['another format', await picture(320, 200, 'webp'), 'a mask must be a PNG, got webp'],
  ['no picture', Buffer.from('mask'), 'a mask must be a PNG, got neither PNG, JPEG nor WebP'],
  ['no transparency', await picture(320, 200, 'png'), 'a mask must have an alpha channel: its transparent pixels are redrawn'],
  ['another size', await maskOf(200, 320), 'a mask must have the size of the first reference, 320x200, got 200x320'],
  ['4 MB', padded(await maskOf(320, 200), MASK_BYTES_LIMIT), 'must be smaller than 4000000 bytes, got 4000000'],
] as const;

describe('a reference image', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('may be a %s and is measured', async (format) => {
    expect(await checkReference(await picture(320, 200, format))).toEqual({ kind: 'image', image: await imageOf(320, 200, format) });
  });

  it.each(['png', 'jpeg', 'webp'] as const)('in %s cut anywhere is broken', async (format) => {
    const bytes = await picture(640, 480, format);
    for (const share of [0.01, 0.3, 0.6, 0.9, 0.97]) {
      expect((await checkReference(bytes.subarray(0, Math.floor(bytes.length * share)))).kind, `${share}`).toBe('broken');
    }
  });

  it('whose checksums are right but whose pixels are missing is broken: it is decoded, not only walked', async () => {
    expect((await checkReference(pngClaiming(640, 480))).kind).toBe('broken');
  });

  it.each(unusable)('that is %s is broken', async (_name, bytes, reason) => {
    expect(await checkReference(bytes)).toEqual({ kind: 'broken', reason });
  });
});

describe('a mask', () => {
  it('is a PNG with transparency, as large as the first reference', async () => {
    const bytes = await maskOf(320, 200);
    expect(await checkMask(bytes, first)).toEqual({
      kind: 'image',
      image: { bytes, format: 'png', mediaType: 'image/png', width: 320, height: 200 },
    });
  });

  it.each(unfit)('with %s is broken', async (_name, bytes, reason) => {
    expect(await checkMask(bytes, first)).toEqual({ kind: 'broken', reason });
  });

  it('cut short is broken', async () => {
    const bytes = await maskOf(320, 200);
    expect((await checkMask(bytes.subarray(0, bytes.length - 40), first)).kind).toBe('broken');
  });
});
