// Takes one picture in, piece by piece, whichever way it comes (multipart, data URI, URL), and refuses it at the first
// byte that shows it cannot be used: wrong type, other than declared, too many pixels, too many bytes. What passes is
// still unproven: the router decodes it in full.
import { formatSize, pixels } from '../../domain/size.ts';
import { MASK_BYTES_LIMIT, MOST_PIXELS } from '../../providers/image-check.ts';
import type { Refusal } from '../http/refusal.ts';
import { byteCollector } from './byte-collector.ts';
import { type Head, headMeter } from './picture-head.ts';
import { uploadRefused } from './upload-refused.ts';

export type PictureRules = {
  /** How error messages call it: `image[2]`, `mask`, `images[0].image_url`. */
  readonly param: string;
  readonly isMask: boolean;
  /** What the sender says it is; undefined or `application/octet-stream` says nothing. */
  readonly declaredType: string | undefined;
  /** Bytes a reference must stay below; a mask has OpenAI's own, tighter limit. */
  readonly bytesLimit: number;
};

export interface PictureIntake {
  /** Throws Refusal. Keeps the piece until `finish`. */
  take(piece: Uint8Array): void;
  /** The whole file. Throws Refusal when it ended before its size was known. */
  finish(): Uint8Array;
}

const REMEDY = 'give a complete PNG, JPEG or WebP file';
/** What browsers and tools write for a type they do not know, and an old name of JPEG's. */
const SAYS_NOTHING: ReadonlySet<string> = new Set(['', 'application/octet-stream', 'binary/octet-stream', 'text/plain']);
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/x-png': 'image/png',
};

export function pictureIntake(rules: PictureRules): PictureIntake {
  const bytesLimit = rules.isMask ? Math.min(MASK_BYTES_LIMIT, rules.bytesLimit) : rules.bytesLimit;
  const meter = headMeter();
  let head: Head = { kind: 'more' };
  const bytes = byteCollector();
  refuseForeignType(rules);
  return {
    take: (piece) => {
      if (bytes.length + piece.byteLength >= bytesLimit) throw tooManyBytes(rules.param, bytesLimit);
      bytes.add(piece);
      if (head.kind !== 'more') return;
      head = meter.push(piece);
      if (head.kind !== 'more') checkHead(head, rules);
    },
    finish: () => {
      if (head.kind === 'more') throw unusable(rules.param, meter.endedShort());
      return bytes.join();
    },
  };
}

function tooManyBytes(param: string, bytesLimit: number): Refusal {
  const remedy = 'scale the picture down, or send it as JPEG or WebP';
  const rule = `must be smaller than ${bytesLimit} bytes`;
  return uploadRefused('request_too_large', `${param} ${rule}`, { param, remedy, rule });
}

/** A type nobody accepts is refused before the first byte of the file. */
function refuseForeignType({ param, declaredType }: PictureRules): void {
  const type = declaredType === undefined ? '' : essence(declaredType);
  if (SAYS_NOTHING.has(type) || TYPES.has(type)) return;
  const shown = /^[\w.+-]{1,40}\/[\w.+-]{1,40}$/.test(type) ? `, not ${type}` : '';
  throw unusable(param, `must be declared as image/png, image/jpeg or image/webp${shown}`);
}

const TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp']);

function checkHead(head: Exclude<Head, { kind: 'more' }>, { param, isMask, declaredType }: PictureRules): void {
  if (head.kind === 'unusable') throw unusable(param, head.reason);
  const { format, size } = head;
  const declared = declaredType === undefined ? '' : essence(declaredType);
  if (!SAYS_NOTHING.has(declared) && declared !== `image/${format}`) throw unusable(param, `is declared as ${declared} but is a ${format}`);
  if (isMask && format !== 'png') throw unusable(param, `must be a PNG, because its transparency is what counts; it is a ${format}`);
  if (pixels(size) > MOST_PIXELS) throw unusable(param, `claims ${formatSize(size)} pixels, which is more than ${MOST_PIXELS}`);
}

/** `image/JPG; charset=x` to `image/jpeg`. */
function essence(type: string): string {
  const plain = (type.split(';')[0] ?? '').trim().toLowerCase();
  return OTHER_NAMES[plain] ?? plain;
}

function unusable(param: string, reason: string): Refusal {
  return uploadRefused('invalid_image_file', `Invalid image file: ${param} ${reason}.`, { param, remedy: REMEDY });
}
