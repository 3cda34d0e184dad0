// Why a repeat gets no answer, in words that say what to do. What may have been billed is never begun again under its key.
import type { IdempotencyClaim } from '../ports.ts';
import { askTheSame, type Door, doorOf } from './doors.ts';

type Conflict = Extract<IdempotencyClaim, { kind: 'conflict' }>;

const MISMATCH: Conflict = {
  kind: 'conflict',
  status: 422,
  code: 'idempotency_mismatch',
  message: 'This Idempotency-Key was used with another request before. Use a new key for a new request.',
};

const KINDS: Readonly<Record<Door, string>> = {
  generation: 'a request to /v1/images/generations',
  edit: 'a request to /v1/images/edits',
  job: 'a job',
  batch: 'a batch',
};

/** What holds the key. `end`: why repeating it brings nothing; undefined: there is an answer, or will be. */
export type Holder = { readonly fingerprint: string; readonly end: 'cut off' | 'refused or failed' | undefined };

/** Another request than the one that holds the key, or the same by another door. */
export function mismatch(holder: Holder, fingerprint: string): Conflict {
  const [held, asked] = [doorOf(holder.fingerprint), doorOf(fingerprint)];
  if (held === undefined || held === asked) return MISMATCH;
  const belongs = `This Idempotency-Key belongs to ${KINDS[held]}, and one key is one request by whichever way it is sent.`;
  return { ...MISMATCH, message: `${belongs} ${adviceFor(held, holder, fingerprint)}` };
}

function adviceFor(held: Door, holder: Holder, fingerprint: string): string {
  if (!askTheSame(holder.fingerprint, fingerprint)) return 'Use a new key for a new request.';
  if (held === 'job') return 'Repeat it as a job, as it was sent first, to hear of that job.';
  if (holder.end !== undefined) return `That one was ${holder.end} and may have been billed. Use a new key to make it again.`;
  return 'Repeat it without Prefer: respond-async, as it was sent first, to get its answer once that is there.';
}

export const IN_PROGRESS: Conflict = {
  kind: 'conflict',
  status: 409,
  code: 'idempotency_in_progress',
  message: 'The request with this Idempotency-Key still runs at another gateway. Ask again later with the same key.',
};

export const INTERRUPTED: Conflict = {
  kind: 'conflict',
  status: 409,
  code: 'idempotency_interrupted',
  message: 'The request with this Idempotency-Key was cut off by a crash and may have been billed. Use a new key to make it again.',
};

export const LOST: Conflict = {
  ...INTERRUPTED,
  message:
    'The answer to the request with this Idempotency-Key could not be kept; it may have been billed. Use a new key to make it again.',
};
