// Preview, then final: one request, one id, one price cap, one trace. The preview has a budget of its own and never takes
// money or time that the final needs. The final waits until the preview was seen, so that accepting it saves the final's
// price, unless waiting would endanger the deadline.
import { addUsd, dollars, type MicroUsd } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Infeasible, Plan } from '../domain/plan.ts';
import type { ImageResult } from '../domain/result.ts';
import { tierRank } from '../domain/vocabulary.ts';

export type PreviewChoice = {
  readonly previewNeed: Need;
  /** Most the preview may cost. */
  readonly previewCap: MicroUsd;
  /** Whether there is time to look at the preview before the final starts. */
  readonly finalWaits: boolean;
  /** The final's need, once the preview has cost `spent`. */
  finalNeed(spent: MicroUsd): Need;
};

/** The most a preview may take: what a person in a conversation waits for a first picture. */
const LONGEST_PREVIEW_MS = 15_000;
/** A preview gets at most this share of the whole budget. */
const PREVIEW_SHARE = 0.4;
/** Waiting for the preview is fine while it costs the final at most this share of its worth, in chance or in money. */
const ACCEPTABLE_LOSS = 0.03;

/**
 * How to preview this need; undefined when a preview is pointless (the final is a preview itself) or does not fit the
 * price cap or the budget beside the final.
 */
export function choosePreview(need: Need, planFor: (need: Need) => Plan | Infeasible): PreviewChoice | undefined {
  if (tierRank(need.tier) === 0) return undefined;
  const final = planFor(need);
  if (final.kind === 'infeasible') return undefined;
  const reserved = final.attempts[0]?.price.ceiling ?? final.worstCost;
  const budgetMs = Math.min(LONGEST_PREVIEW_MS, need.budgetMs * PREVIEW_SHARE);
  const previewNeed: Need = {
    ...need,
    tier: 'preview',
    n: 1,
    partials: 0,
    budgetMs,
    quality: undefined,
    route: undefined,
    // A preview shows the composition: lettering may be rough, and nothing about it may be refused for being below the need.
    textAccuracy: 'none',
    mayDegrade: ['tier', 'text', 'geometry'],
    maxCost: need.maxCost === undefined ? undefined : (Math.max(0, need.maxCost - reserved) as MicroUsd),
  };
  const preview = planFor(previewNeed);
  if (preview.kind === 'infeasible') return undefined;
  const later = planFor({ ...need, budgetMs: need.budgetMs - budgetMs });
  return {
    previewNeed,
    previewCap: preview.worstCost,
    finalWaits: later.kind === 'plan' && netWorth(later) >= netWorth(final) - ACCEPTABLE_LOSS * need.policy.valueUsd,
    finalNeed: (spent) => ({ ...need, maxCost: need.maxCost === undefined ? undefined : (Math.max(0, need.maxCost - spent) as MicroUsd) }),
  };
}

function netWorth(plan: Plan): number {
  return plan.expectedValueUsd - dollars(plan.expectedCost);
}

/** The result of the whole request: the final (or the accepted preview), with what the preview cost and did. */
export function mergePreview(final: ImageResult, preview: ImageResult | undefined, need: Need): ImageResult {
  if (preview === undefined) return final;
  if (final === preview) return { ...preview, need, degraded: undefined, preview };
  const events = [...preview.trace.events, ...final.trace.events].sort((a, b) => a.atMs - b.atMs);
  const cost = {
    billed: addUsd(final.cost.billed, preview.cost.billed),
    possiblyBilled: addUsd(final.cost.possiblyBilled, preview.cost.possiblyBilled),
  };
  return { ...final, preview, cost, trace: { requestId: final.id, events } };
}
