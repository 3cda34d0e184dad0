// A success is an image that was checked. Providers and relays send HTML as PNG, cut pictures short, and promise sizes
// they do not keep, so bytes are believed only after they were decoded in full. Cheap checks come first, and the size in
// the header is bounded before a pixel is decoded: a 2 kB file can claim 40 000 x 40 000.
import { type Image, mediaTypeOf } from '../domain/image.ts';
import type { ImageFormat } from '../domain/vocabulary.ts';
import { openPicture } from './pixels.ts';

/** `broken` says in words what is wrong with the bytes. */
export type Checked = { readonly kind: 'image'; readonly image: Image } | { readonly kind: 'broken'; readonly reason: string };

/** The largest picture any route makes has 17 million pixels; decoded, this many take 160 MB. */
export const MOST_PIXELS = 40_000_000;
/** A 4096 x 4096 PNG of pure noise takes 50 MB. */
const MOST_BYTES = 64 * 1024 * 1024;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const DATA_URI = /^data:[\w/+.-]*;base64,/;

/** Strict: alphabet and padding must be right, where Buffer would skip what it does not know. Accepts a data URI. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const encoded = text.replace(DATA_URI, '');
  if (encoded.length === 0 || encoded.length % 4 !== 0 || !BASE64.test(encoded)) return undefined;
  return Buffer.from(encoded, 'base64');
}

/** Decodes the whole picture and measures it. Never rejects. */
export async function checkImage(bytes: Uint8Array): Promise<Checked> {
  if (bytes.byteLength > MOST_BYTES) return broken(`${bytes.byteLength} bytes are more than an image has`);
  const format = formatOf(bytes);
  if (format === undefined) return broken('the bytes are no PNG, JPEG or WebP');
  try {
    const { width, height } = await (await openPicture(bytes)).metadata();
    if (width * height > MOST_PIXELS) return broken(`${width}x${height} is more than ${MOST_PIXELS} pixels`);
    // One grey byte a pixel is enough to make the decoder read to the end.
    await (await openPicture(bytes)).toColourspace('b-w').raw().toBuffer();
    return { kind: 'image', image: { bytes, format, mediaType: mediaTypeOf(format), width, height } };
  } catch (error) {
    return broken(`the ${format} cannot be decoded: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown reason'}`);
  }
}

function broken(reason: string): Checked {
  return { kind: 'broken', reason };
}

function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(12, bytes.byteLength));
  if (head.subarray(0, 8).equals(PNG_MAGIC)) return 'png';
  if (head.subarray(0, 3).equals(JPEG_MAGIC)) return 'jpeg';
  return head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP' ? 'webp' : undefined;
}

const PNG_MAGIC = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const JPEG_MAGIC = Buffer.from([0xff, 0xd8, 0xff]);
