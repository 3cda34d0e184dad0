// Which bytes are believed to be an image. Two sides, two costs. A provider's picture is walked to its end and measured,
// synchronously and in about a millisecond; `picture-file.ts` says what that catches and what it cannot. A caller's
// picture is decoded in full, off this thread, because money is spent on it and the provider would refuse it only after
// the upload. Either way the size in the header is bounded before a pixel is drawn: a 2 kB file can claim 40 000 x 40 000.
import { type Image, mediaTypeOf } from '../domain/image.ts';
import { formatSize, pixels } from '../domain/size.ts';
import { formatOf, walkPicture } from './picture-file.ts';
import { openPicture } from './pixels.ts';

/** `broken` says in words what is wrong with the bytes. */
export type Checked = { readonly kind: 'image'; readonly image: Image } | { readonly kind: 'broken'; readonly reason: string };

/** The largest picture any route makes has 17 million pixels; decoded, this many take 160 MB. */
export const MOST_PIXELS = 40_000_000;
/** A 4096 x 4096 PNG of pure noise takes 50 MB. */
const MOST_BYTES = 64 * 1024 * 1024;
/** OpenAI's limits for references and masks, which are the tightest published (Gemini counts the whole request). */
export const REFERENCE_BYTES_LIMIT = 50_000_000;
export const MASK_BYTES_LIMIT = 4_000_000;

/** Measures a provider's picture without decoding it. Never throws. */
export function checkImage(bytes: Uint8Array): Checked {
  if (bytes.byteLength > MOST_BYTES) return broken(`${bytes.byteLength} bytes are more than an image has`);
  const walked = walkPicture(bytes);
  if (walked.kind === 'broken') return walked;
  if (pixels(walked.size) > MOST_PIXELS) return broken(`${formatSize(walked.size)} is more than ${MOST_PIXELS} pixels`);
  return { kind: 'image', image: { bytes, format: walked.format, mediaType: mediaTypeOf(walked.format), ...walked.size } };
}

/** A caller's reference image: PNG, JPEG or WebP, below 50 MB, decoded in full. Never rejects. */
export async function checkReference(bytes: Uint8Array): Promise<Checked> {
  const decoded = await decode(bytes, REFERENCE_BYTES_LIMIT);
  return decoded.kind === 'broken' ? decoded : { kind: 'image', image: decoded.image };
}

/** A mask for `first`, the first reference: a PNG with transparency, below 4 MB, of the same pixels. Never rejects. */
export async function checkMask(bytes: Uint8Array, first: Image): Promise<Checked> {
  const format = formatOf(bytes);
  if (format !== 'png') return broken(`a mask must be a PNG, got ${format ?? 'neither PNG, JPEG nor WebP'}`);
  const decoded = await decode(bytes, MASK_BYTES_LIMIT);
  if (decoded.kind === 'broken') return decoded;
  const { image, hasAlpha } = decoded;
  if (!hasAlpha) return broken('a mask must have an alpha channel: its transparent pixels are redrawn');
  if (image.width === first.width && image.height === first.height) return { kind: 'image', image };
  return broken(`a mask must have the size of the first reference, ${formatSize(first)}, got ${formatSize(image)}`);
}

type Decoded = { readonly kind: 'decoded'; readonly image: Image; readonly hasAlpha: boolean } | Extract<Checked, { kind: 'broken' }>;

async function decode(bytes: Uint8Array, bytesLimit: number): Promise<Decoded> {
  if (bytes.byteLength >= bytesLimit) return broken(`must be smaller than ${bytesLimit} bytes, got ${bytes.byteLength}`);
  const format = formatOf(bytes);
  if (format === undefined) return broken('the bytes are no PNG, JPEG or WebP');
  try {
    const { width, height, hasAlpha } = await (await openPicture(bytes)).metadata();
    if (width * height > MOST_PIXELS) return broken(`${width}x${height} is more than ${MOST_PIXELS} pixels`);
    // One grey byte a pixel is enough to make the decoder read to the end.
    await (await openPicture(bytes)).toColourspace('b-w').raw().toBuffer();
    return { kind: 'decoded', image: { bytes, format, mediaType: mediaTypeOf(format), width, height }, hasAlpha };
  } catch (error) {
    return broken(undecodable(format, error));
  }
}

/** What a decoder said, in one line. */
export function undecodable(format: string, error: unknown): string {
  return `the ${format} cannot be decoded: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown reason'}`;
}

function broken(reason: string): Extract<Checked, { kind: 'broken' }> {
  return { kind: 'broken', reason };
}
