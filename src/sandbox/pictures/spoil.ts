// The ways an injected fault spoils pictures that were made: each passes for a success until somebody looks inside.
import { crc32 } from 'node:zlib';
import type { EncodedPicture } from '../faces/google-bodies.ts';
import type { Alteration } from '../model/course.ts';

export function spoilt(pictures: readonly EncodedPicture[], alterations: readonly Alteration[]): readonly EncodedPicture[] {
  return alterations.reduce(
    (left, alteration) => (alteration === 'fewer-images' ? left.slice(0, -1) : left.map((picture) => spoil(picture, alteration))),
    pictures,
  );
}

function spoil(picture: EncodedPicture, alteration: Alteration): EncodedPicture {
  switch (alteration) {
    case 'bad-base64':
      return { ...picture, base64: Buffer.from(`%%${picture.base64.toString('latin1', 0, 400)}*not base64*`) };
    case 'zero-bytes':
      return { ...picture, base64: Buffer.alloc(0) };
    case 'half-picture':
      return { ...picture, base64: picture.base64.subarray(0, Math.floor(picture.base64.length / 8) * 4) };
    case 'wrong-magic':
      return recoded(picture, Buffer.from('\u0000'.repeat(16) + picture.base64.toString('latin1', 0, 3_000)));
    case 'huge-image':
      return recoded(picture, claimingHuge(Buffer.from(picture.base64.toString('latin1'), 'base64')));
    case 'wrong-format':
    case 'wrong-size':
    case 'thought-image':
    case 'data-uri-text':
    case 'fewer-images':
      return picture;
  }
}

function recoded(picture: EncodedPicture, bytes: Buffer): EncodedPicture {
  return { ...picture, base64: Buffer.from(bytes.toString('base64'), 'latin1') };
}

/** Decoded, such a picture would fill 6.4 GB. */
const HUGE_EDGE = 40_000;

/** The same file with a header that claims 40 000 x 40 000 pixels; a WebP, whose header cannot, becomes such a PNG. */
function claimingHuge(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  const frame = jpegFrame(copy);
  if (frame !== undefined) {
    copy.writeUInt16BE(HUGE_EDGE, frame + 5);
    copy.writeUInt16BE(HUGE_EDGE, frame + 7);
    return copy;
  }
  return copy.readUInt32BE(0) === PNG_MAGIC ? withPngSize(copy) : withPngSize(Buffer.from(EMPTY_PNG, 'base64'));
}

const PNG_MAGIC = 0x89504e47;
const EMPTY_PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
/** IHDR: its type at 12, width at 16, height at 20, checksum at 29. */
function withPngSize(png: Buffer): Buffer {
  png.writeUInt32BE(HUGE_EDGE, 16);
  png.writeUInt32BE(HUGE_EDGE, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

/** Where a JPEG's frame header (SOF0 to SOF2) starts; undefined when this is no JPEG. */
function jpegFrame(file: Buffer): number | undefined {
  if (file.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 < file.length; at += 2 + file.readUInt16BE(at + 2)) {
    const marker = file.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffc2) return at;
  }
  return undefined;
}
