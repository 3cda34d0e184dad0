// What is believed of a target at one instant: the planner's only window on the outside. Assembled from health
// (latency, success, rate limits), breakers (admission) and lanes (waiting); a plan made from the same view is the same plan.
import type { LatencyDistribution, LatencyShape } from './latency.ts';
import type { TargetId } from './route.ts';
import type { InstantMs } from './time.ts';
import type { Operation } from './vocabulary.ts';

/** `probe`: half-open, exactly one call may try. `open`: none until `retryAt`. */
export type Admission =
  | { readonly kind: 'closed' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'open'; readonly reason: string; readonly retryAt: InstantMs | undefined };

export type TargetView = {
  readonly target: TargetId;
  readonly admission: Admission;
  /** A rate limit in force: the provider asked for silence until then. */
  readonly notBefore: InstantMs | undefined;
  /** Probability in (0, 1) that a call started now ends in a usable image. */
  readonly success: number;
  /** Expected wait for a free place in the lane, in world milliseconds. */
  readonly queueWaitMs: number;
  /** Calls in flight, and calls waiting in the lane. */
  readonly inFlight: number;
  readonly waiting: number;
  /** True while the calls in flight are suspiciously quiet. */
  readonly silent: boolean;
  /** Learned latency of a successful call of this shape, from send to last byte. */
  latency(shape: LatencyShape): LatencyDistribution;
};

export type HealthView = (target: TargetId, operation: Operation) => TargetView;
