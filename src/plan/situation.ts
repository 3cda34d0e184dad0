// Everything a plan is made from. A first plan and a re-plan in the middle of a run are the same question: the second
// one merely has calls running, money committed and targets set aside.
import type { MicroUsd } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Exclusion } from '../domain/plan.ts';
import type { Target, TargetId } from '../domain/route.ts';
import type { InstantMs } from '../domain/time.ts';
import type { HealthView } from '../domain/view.ts';

/** A call of this run that went wrong in a way that speaks against its endpoint. */
export type Setback = { readonly target: TargetId; readonly kind: 'silent' | 'failed' };

/** A call that was sent, or waits in its lane, and has not ended. */
export type RunningAttempt = { readonly target: TargetId; readonly startedAt: InstantMs };

export type Situation = {
  readonly need: Need;
  readonly targets: readonly Target[];
  readonly view: HealthView;
  readonly now: InstantMs;
  readonly deadline: InstantMs;
  /** Billed, possibly billed, and reserved for calls that run. */
  readonly committed: MicroUsd;
  /** The part of `committed` spent on calls that ran beside another. */
  readonly hedgesCommitted: MicroUsd;
  readonly running: readonly RunningAttempt[];
  /** What an image already held would be worth, in USD; 0 when none is held. */
  readonly heldValueUsd: number;
  readonly attemptsLeft: number;
  /** What already went wrong in this run: the freshest evidence there is. */
  readonly setbacks: readonly Setback[];
  /** Targets that this run will not try again, and why. */
  readonly setAside: ReadonlyMap<TargetId, Pick<Exclusion, 'reason' | 'detail'>>;
  /** Targets that must be left alone until then: backoff after a failure of this run. */
  readonly notBefore: ReadonlyMap<TargetId, InstantMs>;
};
