// How long one attempt may take, and whether it is still worth sending once its turn in the lane has come. Timeouts come
// from the learned latency, never from a client library's default: the same model answers in 5 or in 235 seconds.
import type { LatencyDistribution } from '../domain/latency.ts';
import type { Need } from '../domain/need.ts';
import type { Target } from '../domain/route.ts';
import type { HealthView } from '../domain/view.ts';
import { plannedShapeOf } from '../plan/call-shape.ts';
import { HOPELESS_CHANCE } from '../plan/candidates.ts';
import { SILENT_QUANTILE } from '../plan/trouble.ts';

const TIMEOUT_QUANTILE = 0.99;

function latencyOf(target: Target, need: Need, view: HealthView): LatencyDistribution {
  return view(target.id, need.operation).latency(plannedShapeOf(target.route, need).latency);
}

/** Milliseconds after which an attempt counts as silent: a moment to plan anew, knowing that it still runs. */
export function silentAfterMs(target: Target, need: Need, view: HealthView): number {
  return latencyOf(target, need, view).quantile(SILENT_QUANTILE);
}

/** Milliseconds after which an attempt is given up: its own limit or what remains, whichever is shorter. */
export function attemptTimeoutMs(target: Target, need: Need, view: HealthView, remainingMs: number): number {
  const ownMs = latencyOf(target, need, view).quantile(TIMEOUT_QUANTILE) * target.route.timeoutFactor;
  return Math.max(1, Math.min(ownMs, remainingMs));
}

export function isStillPossible(target: Target, need: Need, view: HealthView, remainingMs: number): boolean {
  return remainingMs > 0 && latencyOf(target, need, view).cdf(remainingMs) >= HOPELESS_CHANCE;
}
