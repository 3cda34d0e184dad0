// The state of one request while it runs, the events that change it, and the effects it asks for. Values only: a run can
// be printed, compared and replayed.
import type { ErrorCode } from '../domain/error.ts';
import type { Failure, NotSentReason } from '../domain/failure.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Exclusion, HedgeReason, Infeasible } from '../domain/plan.ts';
import type { Price, Usage } from '../domain/price.ts';
import type { Target, TargetId } from '../domain/route.ts';
import type { InstantMs } from '../domain/time.ts';
import type { AttemptNumber, TraceEvent } from '../domain/trace.ts';

export type AttemptRole = 'first' | 'fallback' | 'hedge' | 'retry';

type AttemptBase = {
  readonly number: AttemptNumber;
  readonly target: Target;
  readonly role: AttemptRole;
  readonly hedge: HedgeReason | undefined;
  readonly price: Price;
  readonly valueUsd: number;
  readonly cause: string;
};
/** `queued`: waits in its lane, nothing sent. `sent`: may be billed. `ended`: settled, whatever still runs upstream. */
export type Attempt =
  | (AttemptBase & { readonly phase: 'queued'; readonly queuedAt: InstantMs })
  | (AttemptBase & {
      readonly phase: 'sent';
      readonly sentAt: InstantMs;
      readonly timeoutAt: InstantMs;
      /** When it will have gone silent; undefined once that was noticed. */
      readonly silentAt: InstantMs | undefined;
    })
  | (AttemptBase & {
      readonly phase: 'ended';
      readonly wasSent: boolean;
      readonly delivered: boolean;
      readonly failure: Failure | undefined;
      readonly billed: MicroUsd;
      readonly possiblyBilled: MicroUsd;
    });

/** A planned start that waits for its time. */
export type Upcoming = { readonly at: InstantMs; readonly target: TargetId; readonly hedge: HedgeReason | undefined; readonly why: string };

export type Run = {
  readonly need: Need;
  readonly targets: readonly Target[];
  readonly arrivedAt: InstantMs;
  readonly deadline: InstantMs;
  readonly attempts: readonly Attempt[];
  readonly upcoming: readonly Upcoming[];
  /** Targets this run will not use again, and targets it leaves alone until then. */
  readonly setAside: ReadonlyMap<TargetId, Pick<Exclusion, 'reason' | 'detail'>>;
  readonly notBefore: ReadonlyMap<TargetId, InstantMs>;
  /** A refused prompt is not sent anywhere else: calls that run may end, no new one starts. */
  readonly mayStart: boolean;
  /** The attempt whose image, below the need, is kept while a better one can still come. */
  readonly held: AttemptNumber | undefined;
  readonly ended: boolean;
};

export type RunEvent =
  /** A planned start, an attempt's timeout or the deadline may be due. */
  | { readonly kind: 'wake' }
  /** The lane gave the attempt a place; `admission` is the breaker's answer. */
  | { readonly kind: 'slot'; readonly attempt: AttemptNumber; readonly admission: SlotAdmission }
  | {
      readonly kind: 'delivered';
      readonly attempt: AttemptNumber;
      readonly cost: MicroUsd;
      readonly requestId: string | undefined;
      readonly usage?: Usage;
    }
  | {
      readonly kind: 'failed';
      readonly attempt: AttemptNumber;
      readonly failure: Failure;
      readonly requestId: string | undefined;
      /** How long to leave the target alone before a retry; undefined: the retry budget is spent. */
      readonly backoffMs: number | undefined;
    }
  | { readonly kind: 'caller-gone' }
  /** What is believed of some target changed: a breaker opened or a route went silent. */
  | { readonly kind: 'health-change'; readonly cause: string };

export type SlotAdmission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'rejected'; readonly reason: NotSentReason; readonly detail: string };

export type Effect =
  | { readonly kind: 'record'; readonly event: TraceEvent }
  | { readonly kind: 'enqueue'; readonly attempt: AttemptNumber; readonly target: Target; readonly role: AttemptRole }
  | { readonly kind: 'send'; readonly attempt: AttemptNumber; readonly target: Target }
  /** Give the lane's place and the breaker's admission back unused. */
  | { readonly kind: 'release'; readonly attempt: AttemptNumber }
  /** Stop waiting for a sent call; `failure` is what its silence says. */
  | { readonly kind: 'abort'; readonly attempt: AttemptNumber; readonly failure: Failure }
  /** Send `wake` at this instant; replaces the earlier wish. */
  | { readonly kind: 'wake-at'; readonly at: InstantMs }
  | { readonly kind: 'finish'; readonly finish: Finish };

export type Finish =
  | { readonly kind: 'delivered'; readonly attempt: AttemptNumber }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly refusal: Infeasible | undefined };

/** What a run has spent or may have to pay, and what it must keep room for. */
export type Spend = { readonly billed: MicroUsd; readonly possiblyBilled: MicroUsd; readonly reserved: MicroUsd };

export function spendOf(attempts: readonly Attempt[]): Spend {
  let billed = ZERO_USD;
  let possiblyBilled = ZERO_USD;
  let reserved = ZERO_USD;
  for (const attempt of attempts) {
    if (attempt.phase === 'ended') {
      billed = addUsd(billed, attempt.billed);
      possiblyBilled = addUsd(possiblyBilled, attempt.possiblyBilled);
    } else reserved = addUsd(reserved, attempt.price.ceiling);
  }
  return { billed, possiblyBilled, reserved };
}
