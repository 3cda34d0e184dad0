// Why a repeat gets no answer, in words that say what to do. What may have been billed is never begun again under its key.
import type { IdempotencyClaim } from '../ports.ts';

type Conflict = Extract<IdempotencyClaim, { kind: 'conflict' }>;

export const MISMATCH: Conflict = {
  kind: 'conflict',
  status: 422,
  code: 'idempotency_mismatch',
  message: 'This Idempotency-Key was used with another request before. Use a new key for a new request.',
};

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
