// Format and size from a file's first bytes, however they are cut.
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Head, headMeter } from '../../../src/gateway/uploads/picture-head.ts';
import { picture } from '../../providers/support/pictures.ts';
import { cut } from './support.ts';

/** The answer, and how many bytes it took. */
function measure(bytes: Uint8Array, length = bytes.byteLength): { head: Head; taken: number } {
  const meter = headMeter();
  let taken = 0;
  for (const piece of cut(bytes, length)) {
    taken += piece.byteLength;
    const head = meter.push(piece);
    if (head.kind !== 'more') return { head, taken };
  }
  return { head: { kind: 'more' }, taken };
}

const jpegWithMetadata = (jpeg: Buffer, segments: number): Buffer => {
  const segment = Buffer.alloc(65_537, 0xd8);
  segment.set([0xff, 0xe1, 0xff, 0xff], 0);
  return Buffer.concat([jpeg.subarray(0, 2), ...Array.from({ length: segments }, () => segment), jpeg.subarray(2)]);
};

const source = await picture(321, 123, 'png');
const files: readonly (readonly [string, Buffer])[] = [
  ['png', source],
  ['jpeg', await picture(321, 123, 'jpeg')],
  ['jpeg', await sharp(source).jpeg({ progressive: true }).toBuffer()],
  ['jpeg', jpegWithMetadata(await picture(321, 123, 'jpeg'), 3)],
  ['webp', await picture(321, 123, 'webp')],
  ['webp', await sharp(source).webp({ lossless: true }).toBuffer()],
  ['webp', await sharp(source).ensureAlpha(0.5).webp().toBuffer()],
];

describe('the head of a picture', () => {
  it.each(files)('%s is measured, whatever the pieces', (format, bytes) => {
    const measured = { kind: 'measured', format, size: { width: 321, height: 123 } };
    expect(measure(bytes).head).toEqual(measured);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (length) => {
        expect(measure(bytes, length).head).toEqual(measured);
      }),
      { numRuns: 20 },
    );
  });

  it('is known from 24 to 30 bytes of a PNG or WebP', () => {
    expect(measure(source, 1).taken).toBe(24);
    expect(measure(files[4]?.[1] ?? Buffer.alloc(0), 1).taken).toBe(30);
  });

  it.each([
    [
      'a JPEG without a frame',
      Buffer.from('ffd8ffe000100000000000000000000000000000ffda0008', 'hex'),
      'is a damaged JPEG: no frame header',
    ],
    ['a JPEG with a wrong marker', Buffer.from('ffd8ffe0000400000000000000000000', 'hex'), 'is a damaged JPEG: a marker is wrong'],
    ['a JPEG without a height', Buffer.from('ffd8ffc0001108000000100300000000', 'hex'), 'is a jpeg of 16x0'],
    ['a PNG without a header', Buffer.concat([source.subarray(0, 12), Buffer.from('IDATxxxxxxxxxxxx')]), 'is a PNG without a header chunk'],
    ['a WebP without a picture', Buffer.from(`RIFFxxxxWEBP${'junk'.repeat(5)}`), 'is a damaged WebP: no picture follows its header'],
    ['SVG', Buffer.from('<?xml version="1.0"?><svg/>'), 'is no PNG, JPEG or WebP but text in angle brackets, such as SVG or HTML'],
    ['HEIC', Buffer.from('\0\0\0\x18ftypheic', 'latin1'), 'is no PNG, JPEG or WebP but HEIC, AVIF or a film'],
    ['BMP', Buffer.from('BM'.padEnd(20, '\0')), 'is no PNG, JPEG or WebP'],
  ])('%s is unusable, in words', (_name, bytes, reason) => {
    expect(measure(bytes).head).toEqual({ kind: 'unusable', reason });
  });

  it('never throws and never measures nonsense as a picture of no pixels', () => {
    const starts = [source.subarray(0, 16), Buffer.from('ffd8ff', 'hex'), Buffer.from('RIFF0000WEBPVP8X'), Buffer.alloc(0)];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (start, rest, length) => {
        const { head } = measure(Buffer.concat([start, rest]), length);
        if (head.kind === 'measured') expect(head.size.width * head.size.height).toBeGreaterThan(0);
      }),
    );
  });
});
