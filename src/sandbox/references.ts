// Reads a picture a caller sent, as far as a provider's front door does: what it is and how large, by its header alone.
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Reference } from './call.ts';

const READABLE: readonly string[] = ['png', 'jpeg', 'webp'];

/** Undefined when the bytes are no PNG, JPEG or WebP. */
export async function readReference(bytes: Buffer): Promise<Reference | undefined> {
  try {
    const { format, width, height, hasAlpha } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (format === undefined || !READABLE.includes(format)) return undefined;
    return { bytes, size: { width, height }, hasAlpha, digest: createHash('sha256').update(bytes).digest('hex').slice(0, 16) };
  } catch {
    return undefined;
  }
}
