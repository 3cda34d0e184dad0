// A plan is a value: which attempts may start, when and why, what was left out and why, how likely it is to end in time
// and what it will cost. Explain, dry run, trace and the live path all read this one shape.
import type { MicroUsd } from './money.ts';
import type { Price } from './price.ts';
import type { TargetId } from './route.ts';
import type { RouteId, Tier } from './vocabulary.ts';

/** Why a second call may run beside the first: nothing else justifies paying twice. */
export type HedgeReason = 'gone-silent' | 'tight-budget' | 'much-faster';

export type PlannedAttempt = {
  readonly target: TargetId;
  readonly route: RouteId;
  /** Milliseconds after the plan was made at which it starts even if the one before is still running; undefined: only when that one ends. */
  readonly startMs: number | undefined;
  /** Set exactly when `startMs` may put it beside a running attempt. */
  readonly hedge: HedgeReason | undefined;
  readonly price: Price;
  /** Images this one call makes. */
  readonly images: number;
  /** For people: why this route, at this time. */
  readonly why: string;
};

export type ExclusionReason =
  | 'not-asked-for'
  | 'operation'
  | 'size'
  | 'images'
  | 'references'
  | 'format'
  | 'prompt-length'
  | 'below-need'
  | 'price-cap'
  | 'deadline'
  | 'breaker-open'
  | 'rate-limited'
  | 'refused-here'
  | 'failed-here'
  | 'no-endpoint';

/** Out only because it is sick, or asked for patience: that may be over in a moment. Everything else was looked at before. */
export function isHindered({ reason }: Pick<Exclusion, 'reason'>): boolean {
  return reason === 'breaker-open' || reason === 'rate-limited';
}

export type Exclusion = {
  readonly route: RouteId;
  readonly target: TargetId | undefined;
  readonly reason: ExclusionReason;
  readonly detail: string;
};

/** What is expected of one target for this need, now: the row of an explain table. */
export type Forecast = {
  readonly target: TargetId;
  readonly route: RouteId;
  readonly tier: Tier;
  /** Probability of a checked image before the deadline when started now. */
  readonly chance: number;
  readonly latencyMsP50: number;
  readonly latencyMsP95: number;
  readonly queueWaitMs: number;
  readonly price: Price;
  /** In which ways it falls below the need. */
  readonly below: readonly ('visual' | 'text')[];
  /** Value of an on-time image from here, in USD, after the policy's discount. */
  readonly valueUsd: number;
};

export type Plan = {
  readonly kind: 'plan';
  readonly attempts: readonly PlannedAttempt[];
  /** Probability that some attempt delivers before the deadline. */
  readonly chance: number;
  readonly expectedCost: MicroUsd;
  /** If everything planned is started and billed at its ceiling. */
  readonly worstCost: MicroUsd;
  readonly expectedValueUsd: number;
  readonly forecasts: readonly Forecast[];
  readonly excluded: readonly Exclusion[];
};

/** What a caller could change so that it works. */
export type Offer =
  | { readonly change: 'latencyBudgetMs'; readonly to: number; readonly route: RouteId; readonly chance: number }
  | { readonly change: 'maxCostUsd'; readonly to: number; readonly route: RouteId }
  | { readonly change: 'onLate'; readonly to: 'degrade'; readonly route: RouteId; readonly chance: number }
  | { readonly change: 'size' | 'n' | 'background'; readonly to: string; readonly route: RouteId }
  | { readonly change: 'retryAfterMs'; readonly to: number; readonly route: RouteId };

/** No plan inside the limits. `binding` is the limit that, alone, would have to give. */
export type Infeasible = {
  readonly kind: 'infeasible';
  readonly binding: ExclusionReason;
  readonly detail: string;
  readonly forecasts: readonly Forecast[];
  readonly excluded: readonly Exclusion[];
  readonly offers: readonly Offer[];
};
