// What a repeat is recognised by: the door it came by, and a hash over everything that decides the answer. Fields are sorted, so
// that the order in which a client or a version of this program writes them does not matter; pictures count by their content.
import { createHash } from 'node:crypto';
import type { ImageRequest } from '../../domain/request.ts';
import { fingerprintAt } from '../idempotency/doors.ts';
import type { BodyKind } from './openai/body.ts';
import type { ImageOrder } from './openai/order.ts';

export function fingerprintOf(order: ImageOrder, kind: BodyKind): string {
  const { asJob, request } = order;
  const asked = hashOf(order, kind);
  if (asJob === undefined) return fingerprintAt(kind, { asked, rest: '' });
  // How long its caller waits for a job decides nothing about it. Its time is in the hash.
  return fingerprintAt('job', { asked, rest: `${asJob.kind} ${request.preview}` });
}

/** The same for one body, whether its caller waits or has a job made of it. */
function hashOf(order: ImageOrder, kind: BodyKind): string {
  const { stream, partialImages } = order;
  const hash = createHash('sha256');
  hash.update(`${kind} ${stream} ${partialImages}\n`);
  const entries = Object.entries(askedOf(order)).filter(([, value]) => value !== undefined);
  for (const [name, value] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`);
    for (const part of Array.isArray(value) ? value : [value]) {
      if (part instanceof Uint8Array) hash.update(`${part.byteLength}\n`).update(part);
      else hash.update(`${JSON.stringify(part)}\n`);
    }
  }
  return hash.digest('base64url');
}

/** A job is read with its budget as its life, and with the preview that nobody who waits without a stream is shown. */
function askedOf({ request, stream, asJob }: ImageOrder): ImageRequest {
  if (asJob !== undefined)
    return { ...request, preview: undefined, latencyBudgetMs: asJob.kind === 'async' ? asJob.lifeMs : asJob.budgetMs };
  return stream ? request : { ...request, preview: undefined };
}
