// What goes wrong with an attempt, as a value. The kind answers the money question (may this be sent again, was it
// billed), the fault names the cause, the evidence says what it means for the route's health. Status codes alone
// answer none of these: real providers send refusals as 500, account faults as 400, and 200 without an image.
import type { MicroUsd } from './money.ts';

/**
 * How an attempt can end without an image.
 * - `not-accepted`: the provider did not take the work; the only kind that is free to send again.
 * - `refused`: the prompt or its picture was moderated.
 * - `empty`: a success without an image.
 * - `garbled`: an answer that is not a usable image.
 * - `account`: key, billing, quota or access; nothing about this prompt.
 * - `invalid`: the provider rejected a parameter; sending it again cannot help.
 * - `unknown`: timeout, reset or abort after sending: it may have been made and billed.
 */
export type FailureKind = 'not-accepted' | 'refused' | 'empty' | 'garbled' | 'account' | 'invalid' | 'unknown';

export type Fault =
  | 'rate-limited'
  | 'overloaded'
  | 'server-error'
  | 'gateway-error'
  | 'connection-refused'
  | 'connection-lost'
  | 'moderation'
  | 'no-image'
  | 'wrong-geometry'
  | 'unreadable'
  | 'bad-key'
  | 'billing'
  | 'quota'
  | 'access-denied'
  | 'model-missing'
  | 'bad-parameter'
  | 'timeout'
  | 'cancelled';

export type Failure = {
  readonly kind: FailureKind;
  readonly fault: Fault;
  /** Where trying again can help: the same target, only another one, or nowhere. */
  readonly retry: 'same' | 'other' | 'never';
  /** What it says about the route's health. Refusals, cancels and malformed requests say nothing. */
  readonly evidence: 'against' | 'ignored';
  /** How far an account fault or a rate limit reaches: this route, or every route of the endpoint. */
  readonly scope: 'route' | 'endpoint';
  /** The provider's own wish to be left alone for this long, in world milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** `no`: certainly free. `possibly`: the provider may have made and billed it. `yes`: billed although useless. */
  readonly billed: 'no' | 'possibly' | 'yes';
  /** For people: what the provider said, shortened, without keys and without the prompt. */
  readonly message: string;
  /** HTTP status where there was one. */
  readonly status: number | undefined;
};

/** How an attempt ended, as the run sees it. */
export type AttemptEnd =
  | { readonly kind: 'delivered'; readonly cost: MicroUsd }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** Never sent: the lane or the breaker held it until it was pointless. Free, and no evidence. */
  | { readonly kind: 'not-sent'; readonly reason: NotSentReason };

export type NotSentReason = 'breaker-open' | 'lane-full' | 'too-late' | 'no-longer-needed';
