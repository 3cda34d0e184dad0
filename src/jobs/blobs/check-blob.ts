// What every blob store checks before it touches anything: names that lead nowhere else, ranges that are some.
import type { BlobRange } from '../blob-store.ts';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/;

export function isBlobName(name: string): boolean {
  return NAME.test(name);
}

/** Throws RangeError. */
export function checkBlobName(name: string): void {
  if (!isBlobName(name))
    throw new RangeError(`a blob's name must be 1 to 128 of A-Z a-z 0-9 _ -, got ${JSON.stringify(name.slice(0, 200))}`);
}

/** Throws RangeError. */
export function checkBlobRange(range: BlobRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) return;
  throw new RangeError(`a range must have whole 0 <= start <= end, got ${start} to ${end}`);
}
