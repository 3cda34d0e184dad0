// True pictures for tests, made once per size and format.
import sharp from 'sharp';
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
