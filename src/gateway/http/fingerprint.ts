// What a repeat is recognised by: a hash over everything that decides the answer. Fields are sorted, so that the order in
// which a client or a version of this program writes them does not matter; pictures count by their content.
import { createHash } from 'node:crypto';
import type { BodyKind } from './openai/body.ts';
import type { ImageOrder } from './openai/order.ts';

export function fingerprintOf({ request, stream, partialImages, asJob }: ImageOrder, kind: BodyKind): string {
  const hash = createHash('sha256');
  hash.update(`${kind} ${stream} ${partialImages}\n`);
  // How long its caller waits for a job decides nothing about it.
  if (asJob !== undefined) hash.update(`job ${asJob.kind === 'async' ? asJob.lifeMs : `late ${asJob.budgetMs}`}\n`);
  const entries = Object.entries(request).filter(([, value]) => value !== undefined);
  for (const [name, value] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`);
    for (const part of Array.isArray(value) ? value : [value]) {
      if (part instanceof Uint8Array) hash.update(`${part.byteLength}\n`).update(part);
      else hash.update(`${JSON.stringify(part)}\n`);
    }
  }
  return hash.digest('base64url');
}
