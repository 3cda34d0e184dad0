// RFC 9110: which part of a picture is asked for, and whether the asker has it already. One range only: several at once would
// have to be wrapped into a multipart body, which no client asks of a picture, and the RFC lets a server answer with all of it.
import type { BlobRange } from '../../../jobs/blob-store.ts';

export type RangeReading =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: BlobRange }
  | { readonly kind: 'unsatisfiable' };

const WHOLE = { kind: 'whole' } as const;

/** `length`: of all of it. What is no range of bytes is ignored, as the RFC asks. */
export function readRange(header: string | null, length: number): RangeReading {
  const [, first = '', last = ''] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? '') ?? [];
  if (first === '' && last === '') return WHOLE;
  if (first === '') return suffix(Number(last), length);
  const start = Number(first);
  const end = last === '' ? length - 1 : Math.min(Number(last), length - 1);
  // A last byte before the first is no range at all; a first one beyond the end is one that cannot be had.
  if (last !== '' && Number(last) < start) return WHOLE;
  return start >= length ? { kind: 'unsatisfiable' } : { kind: 'part', range: { start, end } };
}

/** `bytes=-500`: the last 500. */
function suffix(count: number, length: number): RangeReading {
  if (count === 0 || length === 0) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { start: Math.max(0, length - count), end: length - 1 } };
}

/** Of If-None-Match: a list of tags, or `*`. Weak and strong tags are alike here. */
export function isListed(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
