// A picture that stays in the base64 it came in, for callers who pass it on as base64: a gateway. It is decoded once, to be
// checked like every other picture, into memory that is used again for the next one; a caller who wants pixels after all
// gets them decoded anew.
import type { Image } from '../domain/image.ts';
import type { ImageFormat } from '../domain/vocabulary.ts';
import { decodeBase64 } from './base64.ts';
import { type Checked, checkImage } from './image-check.ts';

export const NOT_BASE64: Checked = { kind: 'broken', reason: 'the image is not valid base64' };

/** A 1024 x 1024 PNG has 2.3 MB; larger pictures are decoded into memory of their own. */
const SCRATCH_BYTES = 4 * 1024 * 1024;
let scratch: Buffer | undefined;

/** Measures a provider's picture and keeps its base64. Synchronous: the scratch memory is free again when it returns. */
export function checkEncoded(encoded: string | Uint8Array): Checked {
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  const bytes = decodeBase64(encoded, scratch);
  if (bytes === undefined) return NOT_BASE64;
  const checked = checkImage(bytes);
  return checked.kind === 'broken' ? checked : { kind: 'image', image: new EncodedPicture(checked.image, asciiOf(encoded)) };
}

class EncodedPicture implements Image {
  readonly format: ImageFormat;
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  readonly encoded: Uint8Array;

  constructor({ format, mediaType, width, height }: Image, encoded: Uint8Array) {
    this.format = format;
    this.mediaType = mediaType;
    this.width = width;
    this.height = height;
    this.encoded = encoded;
  }

  get bytes(): Uint8Array {
    const bytes = decodeBase64(this.encoded);
    if (bytes === undefined) throw new Error('invariant: base64 that was decoded once can be decoded again');
    return bytes;
  }
}

/** Without the head of a data URI. */
function asciiOf(encoded: string | Uint8Array): Uint8Array {
  return typeof encoded === 'string' ? Buffer.from(encoded.slice(encoded.indexOf(',') + 1), 'latin1') : encoded;
}
