// How long one attempt may take, and whether it is still worth sending once its turn in the lane has come. Timeouts come
// from the learned latency, never from a client library's default: the same model answers in 5 or in 235 seconds.
import type { Need } from '../domain/need.ts';
import type { Target } from '../domain/route.ts';
import type { HealthView } from '../domain/view.ts';
import { plannedShapeOf } from '../plan/call-shape.ts';
import { HOPELESS_CHANCE } from '../plan/candidates.ts';
import { SILENT_QUANTILE } from '../plan/trouble.ts';

/** What a call sent now, with `remainingMs` until the deadline, is held to. */
export type AttemptLimits = {
  /** Worth sending at all. */
  readonly isPossible: boolean;
  /** When it is given up: at so many times its silence as the route says, or when no time remains. */
  readonly timeoutMs: number;
  /** When it counts as silent: a moment to plan anew, knowing that it still runs. */
  readonly silentMs: number;
};

export function attemptLimits(target: Target, need: Need, view: HealthView, remainingMs: number): AttemptLimits {
  const latency = view(target.id, need.operation).latency(plannedShapeOf(target.route, need).latency);
  const silentMs = latency.quantile(SILENT_QUANTILE);
  return {
    isPossible: remainingMs > 0 && latency.cdf(remainingMs) >= HOPELESS_CHANCE,
    timeoutMs: Math.max(1, Math.min(silentMs * target.route.timeoutFactor, remainingMs)),
    silentMs,
  };
}
