// Format and size of a picture from its first bytes, while the rest is still on its way: what is no PNG, JPEG or WebP, or
// claims more pixels than anybody may send, is refused before it was received, let alone decoded. Says nothing about the
// rest of the file; the router decodes every reference in full before money is spent on it.
import type { Size } from '../../domain/size.ts';
import type { ImageFormat } from '../../domain/vocabulary.ts';
import { formatOf, mayBegin } from '../../providers/picture-file.ts';

export type Head =
  | { readonly kind: 'more' }
  | { readonly kind: 'measured'; readonly format: ImageFormat; readonly size: Size }
  /** `reason` continues "the file ...". */
  | { readonly kind: 'unusable'; readonly reason: string };

export interface HeadMeter {
  /** The next bytes of the file. Once it answered something other than `more` it needs no further bytes. */
  push(bytes: Uint8Array): Head;
  /** What is wrong with a file that ended while it needed more; continues "the file ...". */
  endedShort(): string;
}

/** Where a format's header goes on: measured, or needs `from` bytes of what is held to be dropped and more to come. */
type Step = Head | { readonly kind: 'skip'; readonly from: number };

const MORE: Head = { kind: 'more' };
const MAGIC_LENGTH = 12;

/** Holds a few bytes at a time: cameras write megabytes of depth maps and previews before a JPEG's frame header. */
export function headMeter(): HeadMeter {
  let format: ImageFormat | undefined;
  let held: Buffer = Buffer.alloc(0);
  let toSkip = 0;
  return {
    push: (bytes) => {
      const fresh = bytes.subarray(Math.min(toSkip, bytes.byteLength));
      toSkip -= bytes.byteLength - fresh.byteLength;
      held = held.length === 0 ? Buffer.from(fresh.buffer, fresh.byteOffset, fresh.byteLength) : Buffer.concat([held, fresh]);
      if (format === undefined) {
        if (held.length < MAGIC_LENGTH) return MORE;
        format = formatOf(held);
        if (format === undefined) return unusable(`is no PNG, JPEG or WebP${looksLike(held)}`);
        if (format === 'jpeg') held = held.subarray(2);
      }
      for (;;) {
        const step = STEPS[format](held);
        if (step.kind !== 'skip') return step;
        toSkip = Math.max(0, step.from - held.length);
        held = held.subarray(step.from);
      }
    },
    endedShort: () => {
      if (format === undefined && held.length === 0) return 'is empty';
      if (format === undefined && !mayBegin(held)) return `is no PNG, JPEG or WebP${looksLike(held)}`;
      return 'is cut short: it ends before its size is known';
    },
  };
}

const STEPS: Readonly<Record<ImageFormat, (held: Buffer) => Step>> = { png: pngStep, jpeg: jpegStep, webp: webpStep };

/** Signature, then at once IHDR with width and height. */
function pngStep(held: Buffer): Step {
  if (held.length < 24) return MORE;
  if (held.toString('latin1', 12, 16) !== 'IHDR') return unusable('is a PNG without a header chunk');
  return measured('png', held.readUInt32BE(16), held.readUInt32BE(20));
}

/** One segment at a time, up to the frame header. `held` starts at a marker. */
function jpegStep(held: Buffer): Step {
  const marker = held[1];
  if (marker === undefined) return MORE;
  if (held[0] !== 0xff) return unusable('is a damaged JPEG: a marker is wrong');
  // Any number of 0xFF may stand before a marker.
  if (marker === 0xff) return { kind: 'skip', from: 1 };
  if (isFrame(marker)) return held.length < 9 ? MORE : measured('jpeg', held.readUInt16BE(7), held.readUInt16BE(5));
  // Tables, application data and comments may come before the frame; a scan, an end or a restart may not.
  if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return unusable('is a damaged JPEG: no frame header');
  return held.length < 4 ? MORE : { kind: 'skip', from: 2 + Math.max(2, held.readUInt16BE(2)) };
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which share the block. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** RFC 9649: the first chunk is a lossy or a lossless picture, or an extended header with the canvas. */
function webpStep(held: Buffer): Step {
  if (held.length < 25) return MORE;
  const chunk = held.toString('latin1', 12, 16);
  if (chunk === 'VP8L' && held[20] === 0x2f) {
    const packed = held.readUInt32LE(21);
    return measured('webp', (packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1);
  }
  if (held.length < 30) return MORE;
  if (chunk === 'VP8X') return measured('webp', held.readUIntLE(24, 3) + 1, held.readUIntLE(27, 3) + 1);
  if (chunk === 'VP8 ' && held.readUIntBE(23, 3) === 0x9d012a) {
    return measured('webp', held.readUInt16LE(26) & 0x3fff, held.readUInt16LE(28) & 0x3fff);
  }
  return unusable('is a damaged WebP: no picture follows its header');
}

function measured(format: ImageFormat, width: number, height: number): Head {
  return width > 0 && height > 0 ? { kind: 'measured', format, size: { width, height } } : unusable(`is a ${format} of ${width}x${height}`);
}

function unusable(reason: string): Head {
  return { kind: 'unusable', reason };
}

/** What people send by mistake, named so that they see which file it was. */
function looksLike(held: Buffer): string {
  const start = held.toString('latin1', 0, MAGIC_LENGTH).trimStart().toLowerCase();
  if (start.startsWith('gif8')) return ' but a GIF';
  if (start.startsWith('<')) return ' but text in angle brackets, such as SVG or HTML';
  if (start.startsWith('data:') || start.startsWith('http')) return ' but a URL: send it as images[].image_url in a JSON body';
  return held.toString('latin1', 4, 8) === 'ftyp' ? ' but HEIC, AVIF or a film' : '';
}
