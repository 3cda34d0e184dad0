// What each fault means, once for both providers: the money question (kind, billed), where trying again can help, what it
// says about health, and how far it reaches. The failure tables only choose among these; they never build a verdict of
// their own, so that the same trouble means the same whoever reports it.
import type { Failure } from '../domain/failure.ts';

export type Verdict = Omit<Failure, 'message' | 'status' | 'retryAfterMs'>;
type Billed = Failure['billed'];
type Scope = Failure['scope'];

/**
 * Input-side moderation answers within about 3 s, output-side only after the picture was made (64 s were seen).
 * Whether the latter is billed is documented nowhere, so from here on it counts as possibly billed.
 */
const INPUT_MODERATION_MS = 5_000;

export function refused(elapsedMs: number): Verdict {
  const billed = elapsedMs > INPUT_MODERATION_MS ? 'possibly' : 'no';
  return { kind: 'refused', fault: 'moderation', retry: 'other', evidence: 'ignored', scope: 'route', billed };
}

/** The key, the balance or the access is at fault: nothing about the prompt, and only another target can help. */
function account(fault: Failure['fault'], scope: Scope): Verdict {
  return { kind: 'account', fault, retry: 'other', evidence: 'against', scope, billed: 'no' };
}
export const BAD_KEY = account('bad-key', 'endpoint');
export const BILLING = account('billing', 'endpoint');
export const QUOTA = account('quota', 'endpoint');
export const ROUTE_QUOTA = account('quota', 'route');
export const ACCESS_DENIED = account('access-denied', 'endpoint');
export const ROUTE_ACCESS_DENIED = account('access-denied', 'route');
export const MODEL_MISSING = account('model-missing', 'route');

/** The provider answered that it did not do the work: free to send again. */
function notAccepted(fault: Failure['fault'], scope: Scope = 'route'): Verdict {
  return { kind: 'not-accepted', fault, retry: 'same', evidence: 'against', scope, billed: 'no' };
}
export const RATE_LIMITED = notAccepted('rate-limited', 'endpoint');
export const ROUTE_RATE_LIMITED = notAccepted('rate-limited', 'route');
export const OVERLOADED = notAccepted('overloaded');
export const SERVER_ERROR = notAccepted('server-error');
/** A gateway answered for a provider it never reached. */
export const GATEWAY_UNREACHED = notAccepted('gateway-error', 'endpoint');
export const CONNECTION_REFUSED = notAccepted('connection-refused', 'endpoint');
/** The provider itself gave up in time and says so. The same call tends to end the same way again. */
export const PROVIDER_TIMEOUT: Verdict = { ...notAccepted('timeout'), retry: 'other' };

/** Nobody knows whether the picture was made: it may have been, and billed. */
function unknown(fault: Failure['fault'], evidence: Failure['evidence'] = 'against'): Verdict {
  return { kind: 'unknown', fault, retry: 'same', evidence, scope: 'route', billed: 'possibly' };
}
export const GATEWAY_LOST = unknown('gateway-error');
export const GATEWAY_TIMEOUT = unknown('timeout');
export const CONNECTION_LOST = unknown('connection-lost');
/** Our side raised something no table knows. Counted as sent, because money is counted with caution. */
export const UNEXPLAINED: Verdict = { ...unknown('server-error'), retry: 'other' };
export const CANCELLED = unknown('cancelled', 'ignored');
export const NEVER_SENT: Verdict = { ...notAccepted('cancelled'), evidence: 'ignored' };

export const INVALID: Verdict = {
  kind: 'invalid',
  fault: 'bad-parameter',
  retry: 'never',
  evidence: 'ignored',
  scope: 'route',
  billed: 'no',
};

/** A success without a usable picture. Resellers bill every 200, so it is never certainly free unless the provider says so. */
function useless(kind: 'empty' | 'garbled', fault: Failure['fault'], billed: Billed): Verdict {
  return { kind, fault, retry: 'same', evidence: 'against', scope: 'route', billed };
}
export const empty = (billed: Billed): Verdict => useless('empty', 'no-image', billed);
export const unreadable = (billed: Billed): Verdict => useless('garbled', 'unreadable', billed);
export const wrongGeometry = (billed: Billed): Verdict => useless('garbled', 'wrong-geometry', billed);
/** `{"error": ...}` under status 200, when the error itself names no better reason. */
export const ERROR_IN_SUCCESS = useless('garbled', 'server-error', 'possibly');

/** A verdict with its particulars. */
export function failureOf(
  verdict: Verdict,
  particulars: { readonly message: string; readonly status?: number | undefined; readonly retryAfterMs?: number | undefined },
): Failure {
  return { ...verdict, message: particulars.message, status: particulars.status, retryAfterMs: particulars.retryAfterMs };
}
