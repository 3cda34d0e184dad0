// Hard limits before soft wishes: every target is either a candidate or excluded with one reason. Capability comes
// first, then what the caller insists on, then money, admission and time; no policy can bring an excluded target back.
import type { LatencyDistribution } from '../domain/latency.ts';
import { addUsd, formatUsd, type MicroUsd } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Exclusion, ExclusionReason } from '../domain/plan.ts';
import type { Price } from '../domain/price.ts';
import type { Route, Target } from '../domain/route.ts';
import { formatSize } from '../domain/size.ts';
import { formatDuration } from '../domain/time.ts';
import type { TargetView } from '../domain/view.ts';
import { forbiddenShortfalls, imageValueUsd, type Shortfall, shortfalls } from './adequacy.ts';
import { type CallShape, callShapeOf } from './call-shape.ts';
import type { Situation } from './situation.ts';
import { SUCCESS_AFTER } from './trouble.ts';

export type Candidate = {
  readonly target: Target;
  readonly view: TargetView;
  readonly price: Price;
  readonly below: readonly Shortfall[];
  readonly valueUsd: number;
  /** Probability that a call ends in an image at all, after what already went wrong in this run. */
  readonly success: number;
  /** From entering the lane to the last byte. */
  readonly latency: LatencyDistribution;
  readonly medianMs: number;
  /** Milliseconds from now before it may enter the lane: backoff of this run, or a provider's rate limit. */
  readonly readyMs: number;
  /** Probability of an image before the deadline when started as soon as possible. */
  readonly chance: number;
};

/** Below this chance a call is money thrown away, whatever it is worth. */
export const HOPELESS_CHANCE = 0.02;
/** Cutting away more than this share of a picture, or enlarging it, needs the caller's consent to degrade geometry. */
const UNNOTICED_CROP = 0.01;

export type Sorted = {
  readonly candidates: readonly Candidate[];
  readonly excluded: readonly Exclusion[];
  readonly possible: readonly Candidate[];
};

/**
 * Sorts targets into candidates and exclusions. `possible` are those excluded only by time, money, admission or
 * consent: what offers are made from.
 */
export function sortTargets(situation: Situation): Sorted {
  const candidates: Candidate[] = [];
  const possible: Candidate[] = [];
  const excluded: Exclusion[] = [];
  for (const target of situation.targets) {
    const exclude = (reason: Reason): void => {
      excluded.push({ route: target.route.id, target: target.id, ...reason });
    };
    const incapable = incapability(target.route, situation.need) ?? situation.setAside.get(target.id);
    const shape = callShapeOf(target.route, situation.need);
    if (incapable) exclude(incapable);
    else if ('unsupported' in shape) exclude(no('size', `${formatSize(situation.need.size)}: ${shape.unsupported}`));
    else {
      const candidate = candidateOf(target, shape, situation);
      const limit = geometryLoss(shape, situation.need) ?? limitBroken(candidate, situation);
      if (limit) {
        possible.push(candidate);
        exclude(limit);
      } else candidates.push(candidate);
    }
  }
  return { candidates, excluded, possible };
}

type Reason = { readonly reason: ExclusionReason; readonly detail: string };

function incapability(route: Route, need: Need): Reason | undefined {
  const { capabilities } = route;
  if (need.route !== undefined && need.route !== route.id) return no('not-asked-for', `route ${need.route} was asked for`);
  if (need.model !== undefined && need.model !== route.model) return no('not-asked-for', `model ${need.model} was asked for`);
  if (need.quality !== undefined && need.quality !== route.settings.quality) {
    return no('not-asked-for', `quality ${need.quality} was asked for`);
  }
  if (need.policy.neverTiers.includes(route.tier) && need.tier !== route.tier) {
    return no('not-asked-for', `policy ${need.policy.id} never uses the ${route.tier} tier`);
  }
  if (!capabilities.operations.includes(need.operation)) return no('operation', `cannot ${need.operation}`);
  if (need.references > capabilities.maxReferences) {
    return no('references', `takes at most ${capabilities.maxReferences} reference image(s), ${need.references} given`);
  }
  if (need.hasMask && !capabilities.mask) return no('references', 'takes no mask');
  if (need.n > capabilities.maxImages) return no('images', `makes at most ${capabilities.maxImages} image(s) a call, ${need.n} asked`);
  if (need.background === 'transparent' && !capabilities.transparency) return no('format', 'has no transparent background');
  if (need.prompt.length > capabilities.maxPromptCharacters) {
    return no('prompt-length', `takes at most ${capabilities.maxPromptCharacters} characters`);
  }
  return undefined;
}

function geometryLoss({ size }: CallShape, need: Need): Reason | undefined {
  if (size.kind !== 'ratio' || need.mayDegrade.includes('geometry')) return undefined;
  if (size.cropFraction <= UNNOTICED_CROP && size.scale <= 1) return undefined;
  const loss = size.scale > 1 ? 'enlarging' : 'cropping';
  return no('size', `${formatSize(need.size)} only by ${loss} ${formatSize(size.size)}, which the caller does not permit`);
}

function no(reason: ExclusionReason, detail: string): Reason {
  return { reason, detail };
}

function candidateOf(target: Target, shape: CallShape, situation: Situation): Candidate {
  const { need, now } = situation;
  const view = situation.view(target.id, need.operation);
  const latency = delayed(view.latency(shape.latency), view.queueWaitMs);
  const below = shortfalls(target.route, need);
  const readyAt = Math.max(now, view.notBefore ?? now, situation.notBefore.get(target.id) ?? now);
  const success = situation.setbacks
    .filter((setback) => situation.targets.some((known) => known.id === setback.target && known.endpoint === target.endpoint))
    .reduce((chance, setback) => chance * SUCCESS_AFTER[setback.kind], view.success);
  return {
    target,
    view,
    price: shape.price,
    below,
    valueUsd: imageValueUsd(below, need),
    latency,
    medianMs: latency.quantile(0.5),
    success,
    readyMs: readyAt - now,
    chance: success * latency.cdf(situation.deadline - readyAt),
  };
}

/** The distribution of a call that first waits `delayMs` in its lane. */
function delayed(latency: LatencyDistribution, delayMs: number): LatencyDistribution {
  if (delayMs <= 0) return latency;
  return { cdf: (ms) => latency.cdf(ms - delayMs), quantile: (p) => latency.quantile(p) + delayMs };
}

function limitBroken(candidate: Candidate, situation: Situation): Reason | undefined {
  const { need } = situation;
  const forbidden = forbiddenShortfalls(candidate.below, need);
  if (forbidden.length > 0) return no('below-need', `${describeBelow(forbidden)} below the need, and that may not degrade`);
  if (need.maxCost !== undefined && addUsd(situation.committed, candidate.price.ceiling) > need.maxCost) {
    return no('price-cap', capDetail(candidate.price, situation.committed, need.maxCost));
  }
  const { admission } = candidate.view;
  if (admission.kind === 'open') {
    const wait = admission.retryAt === undefined ? '' : `, next try in ${formatDuration(Math.max(0, admission.retryAt - situation.now))}`;
    return no('breaker-open', `${admission.reason}${wait}`);
  }
  if (candidate.chance < HOPELESS_CHANCE) {
    const remainingMs = situation.deadline - situation.now;
    if (candidate.readyMs > 0 && candidate.success * candidate.latency.cdf(remainingMs) >= HOPELESS_CHANCE) {
      return no('rate-limited', `cannot be sent for another ${formatDuration(candidate.readyMs)}, ${formatDuration(remainingMs)} are left`);
    }
    return no('deadline', `takes ${formatDuration(candidate.medianMs)} typically, ${formatDuration(Math.max(0, remainingMs))} are left`);
  }
  return undefined;
}

export function describeBelow(below: readonly Shortfall[]): string {
  return below.map((shortfall) => (shortfall === 'visual' ? 'picture quality' : 'lettering accuracy')).join(' and ');
}

function capDetail(price: Price, committed: MicroUsd, maxCost: MicroUsd): string {
  const spent = committed > 0 ? ` beside ${formatUsd(committed)} already committed` : '';
  return `may cost ${formatUsd(price.ceiling)}${spent}, the cap is ${formatUsd(maxCost)}`;
}
