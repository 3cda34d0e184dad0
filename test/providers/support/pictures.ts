// True pictures for tests, made once per size and format.
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { type Image, mediaTypeOf } from '../../../src/domain/image.ts';
import type { ImageFormat } from '../../../src/domain/vocabulary.ts';

const made = new Map<string, Promise<Buffer>>();

/** A gradient, so that scaling and cropping have something to work on and files stay small. */
export function picture(width: number, height: number, format: ImageFormat): Promise<Buffer> {
  const key = `${width}x${height}.${format}`;
  const existing = made.get(key);
  if (existing !== undefined) return existing;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><linearGradient id="g">
    <stop offset="0" stop-color="#124"/><stop offset="1" stop-color="#fc8"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`;
  const bytes = sharp(Buffer.from(svg)).flatten({ background: 'white' }).toFormat(format).toBuffer();
  made.set(key, bytes);
  return bytes;
}

export async function encodedPicture(width: number, height: number, format: ImageFormat): Promise<string> {
  return (await picture(width, height, format)).toString('base64');
}

/** The same, as an image that was checked. */
export async function imageOf(width: number, height: number, format: ImageFormat): Promise<Image> {
  return { bytes: await picture(width, height, format), format, mediaType: mediaTypeOf(format), width, height };
}

/** A mask: opaque, with a transparent square in its middle. */
export async function maskOf(width: number, height: number): Promise<Buffer> {
  const hole = { create: { width: width / 2, height: height / 2, channels: 4, background: '#fff' } } as const;
  return sharp(await picture(width, height, 'png'))
    .ensureAlpha()
    .composite([{ input: hole, blend: 'dest-out' }])
    .png()
    .toBuffer();
}

/** A PNG that claims any size in a header of 33 bytes. */
export function pngClaiming(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunks = [
    ['IHDR', header],
    ['IDAT', deflateSync(Buffer.alloc(64))],
    ['IEND', Buffer.alloc(0)],
  ] as const;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    ...chunks.map(([type, data]) => pngChunk(type, data)),
  ]);
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}
