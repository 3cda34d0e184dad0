// Several images: one call for all of them, or one call each side by side? One call keeps characters alike and uses the
// rate limit no more than it must, but takes 0.8 x n as long as one image; single calls take as long as one, at the same
// price. So the deadline decides, unless the caller asks for consistency.
import type { MicroUsd } from '../domain/money.ts';
import type { Infeasible, Plan } from '../domain/plan.ts';
import { plan } from './plan.ts';
import type { Situation } from './situation.ts';

export type Split =
  | { readonly kind: 'together'; readonly plan: Plan | Infeasible }
  | { readonly kind: 'apart'; readonly parts: number; readonly partCap: MicroUsd | undefined; readonly plan: Plan };

/** One call is preferred while it is at most this much less likely to be in time. */
const CONSISTENCY_IS_WORTH = 0.02;

/** How to make `situation.need.n` images. A `together` plan may be infeasible; an `apart` plan is for one part. */
export function split(situation: Situation, mustBeConsistent: boolean): Split {
  const { need } = situation;
  const together = plan(situation);
  if (need.n === 1 || mustBeConsistent) return { kind: 'together', plan: together };
  const partCap = need.maxCost === undefined ? undefined : (Math.floor(need.maxCost / need.n) as MicroUsd);
  const apart = plan({ ...situation, need: { ...need, n: 1, maxCost: partCap } });
  if (apart.kind === 'infeasible') return { kind: 'together', plan: together };
  if (together.kind === 'plan' && together.chance >= apart.chance - CONSISTENCY_IS_WORTH && meetsNeed(together) >= meetsNeed(apart)) {
    return { kind: 'together', plan: together };
  }
  return { kind: 'apart', parts: need.n, partCap, plan: apart };
}

/** 1 when the plan's first call meets the need, 0 when it falls below. */
function meetsNeed(candidate: Plan): number {
  const first = candidate.attempts[0]?.target;
  return candidate.forecasts.find((forecast) => forecast.target === first)?.below.length === 0 ? 1 : 0;
}
