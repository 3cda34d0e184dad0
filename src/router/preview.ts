// Preview, then final: one request, one id, one price cap, one trace. The preview has a budget and a share of the cap of
// its own and never takes money or time that the final needs. The final waits until the preview was seen, so that
// accepting it saves the final's price, unless waiting would endanger the deadline: then both run at once.
import { type ImageRouterError, isImageRouterError } from '../domain/error.ts';
import { addUsd, dollars, type MicroUsd, ZERO_USD } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Plan } from '../domain/plan.ts';
import { type Cost, costInTrace, type ImageResult } from '../domain/result.ts';
import type { TraceEvent } from '../domain/trace.ts';
import { tierRank } from '../domain/vocabulary.ts';
import type { Split } from '../plan/split.ts';
import { withEarlier } from './result.ts';

export type PreviewChoice = {
  readonly previewNeed: Need;
  /** What it would be made by now. */
  readonly previewPlan: Plan;
  /** What is left of the cap for the final while the preview's share is untouched. */
  readonly finalCap: MicroUsd | undefined;
  /** Whether there is time to look at the preview before the final starts. */
  readonly finalWaits: boolean;
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
export function choosePreview(need: Need, splitFor: (need: Need) => Split): PreviewChoice | undefined {
  if (tierRank(need.tier) === 0) return undefined;
  const final = splitFor(need);
  if (final.plan.kind === 'infeasible') return undefined;
  const budgetMs = Math.min(LONGEST_PREVIEW_MS, need.budgetMs * PREVIEW_SHARE);
  const reserved = (final.plan.attempts[0]?.price.ceiling ?? ZERO_USD) * (final.kind === 'apart' ? final.parts : 1);
  const wish: Need = {
    ...need,
    tier: 'preview',
    n: 1,
    partials: 0,
    budgetMs,
    quality: undefined,
    route: undefined,
    model: undefined,
    // A preview shows the composition: lettering may be rough, and nothing about it may be refused for being below the need.
    textAccuracy: 'none',
    mayDegrade: ['tier', 'text', 'geometry'],
    maxCost: need.maxCost === undefined ? undefined : (Math.max(0, need.maxCost - reserved) as MicroUsd),
  };
  const preview = splitFor(wish).plan;
  if (preview.kind === 'infeasible') return undefined;
  const later = splitFor({ ...need, budgetMs: need.budgetMs - budgetMs }).plan;
  const share = wish.maxCost === undefined ? undefined : (Math.min(wish.maxCost, preview.worstCost) as MicroUsd);
  return {
    previewNeed: { ...wish, maxCost: share },
    previewPlan: preview,
    finalCap: need.maxCost === undefined || share === undefined ? undefined : ((need.maxCost - share) as MicroUsd),
    finalWaits: later.kind === 'plan' && netWorth(later) >= netWorth(final.plan) - ACCEPTABLE_LOSS * need.policy.valueUsd,
  };
}

function netWorth(plan: Plan): number {
  return plan.expectedValueUsd - dollars(plan.expectedCost);
}

/** How a preview ended, whichever way: what it cost and did is part of the request. */
export type PreviewEnd = {
  readonly result: ImageResult | undefined;
  readonly refusal: ImageRouterError | undefined;
  readonly events: readonly TraceEvent[];
  readonly cost: Cost;
};

export function previewDelivered(result: ImageResult): PreviewEnd {
  return { result, refusal: undefined, events: result.trace.events, cost: result.cost };
}

/** Rethrows what is no ImageRouterError: a defect is not a failed preview. */
export function previewFailed(error: unknown): PreviewEnd {
  if (!isImageRouterError(error)) throw error;
  const events = error.trace?.events ?? [];
  return { result: undefined, refusal: error.code === 'refused' ? error : undefined, events, cost: costInTrace(events) };
}

/** What the final may still cost, once the preview has ended. */
export function capAfter(preview: PreviewEnd, cap: MicroUsd | undefined): MicroUsd | undefined {
  return cap === undefined ? undefined : (Math.max(0, cap - preview.cost.billed - preview.cost.possiblyBilled) as MicroUsd);
}

/** The final's result, with what the preview cost and did. */
export function withPreview(final: ImageResult, preview: PreviewEnd): ImageResult {
  const events = [...preview.events, ...final.trace.events].sort((a, b) => a.atMs - b.atMs);
  const cost = {
    billed: addUsd(final.cost.billed, preview.cost.billed),
    possiblyBilled: addUsd(final.cost.possiblyBilled, preview.cost.possiblyBilled),
  };
  return { ...final, ...(preview.result && { preview: preview.result }), cost, trace: { requestId: final.id, events } };
}

/** The final's error, likewise. */
export function errorWithPreview(error: unknown, preview: PreviewEnd): unknown {
  return isImageRouterError(error) ? withEarlier(error, preview.events) : error;
}

/** An accepted preview is the result: it is what the caller wants, so nothing about it is degraded. */
export function acceptedPreview(preview: ImageResult, need: Need): ImageResult {
  return { ...preview, need, degraded: undefined, preview };
}
