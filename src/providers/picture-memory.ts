// Memory for answers with pictures, used again and again. A fresh buffer of two megabytes for every answer costs more than
// reading it: the engine counts them as garbage to come, and looks through its whole heap every 64 MB. Whoever is surely the
// last one to look at an answer gives its memory back; what nobody gives back is collected like everything else, so
// forgetting it costs time and never correctness.

/** Smaller ones are cheap to make. */
const LEAST_BYTES = 64 * 1024;
/** Blocks are made in these steps, so that pictures of nearly the same size share them. */
const STEP_BYTES = 512 * 1024;
/** What waits for the next answer at most: sixteen pictures of gpt-image-2, each 2 MB as base64. */
const MOST_KEPT_BYTES = 40 * 1024 * 1024;
/** A block of many times the length would be kept busy by a small answer. */
const MOST_WASTE = 4;

const kept: Buffer[] = [];
let keptBytes = 0;
const lent = new WeakSet<ArrayBufferLike>();

/** Memory of this length, with whatever was in it before. */
export function takeMemory(bytes: number): Buffer {
  if (bytes < LEAST_BYTES) return Buffer.allocUnsafe(bytes);
  const at = kept.findLastIndex((block) => block.length >= bytes && block.length <= Math.max(STEP_BYTES, bytes * MOST_WASTE));
  const [found] = at === -1 ? [] : kept.splice(at, 1);
  if (found !== undefined) keptBytes -= found.length;
  const block = found ?? Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
  lent.add(block.buffer);
  return block.subarray(0, bytes);
}

/** `part`: any view into memory that was taken. It and every other view into the same memory must not be read again. */
export function giveBackMemory(part: Uint8Array): void {
  // Memory of another origin, or given back before.
  if (!lent.delete(part.buffer)) return;
  if (keptBytes + part.buffer.byteLength > MOST_KEPT_BYTES) return;
  kept.push(Buffer.from(part.buffer));
  keptBytes += part.buffer.byteLength;
}
