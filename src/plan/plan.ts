// Need x catalogue x view x policy -> plan, or a refusal with offers. One pure function serves explain, dry run, the
// first plan and every re-plan in the middle of a run.
import { addUsd, dollars, formatUsd, microUsd, ZERO_USD } from '../domain/money.ts';
import type { ExclusionReason, Forecast, Infeasible, Plan, PlannedAttempt } from '../domain/plan.ts';
import { formatDuration } from '../domain/time.ts';
import { type Candidate, describeBelow, type Sorted, sortTargets } from './candidates.ts';
import type { Entry } from './evaluate.ts';
import { offersFor } from './offers.ts';
import { type Sequence, type Step, search } from './search.ts';
import type { Situation } from './situation.ts';

/** Most calls one request may start, whatever happens. */
export const MAX_ATTEMPTS = 3;

/**
 * Plans what to start from now on. With calls running the plan may be to wait: no attempts. Without, it has at least
 * one attempt or is infeasible.
 */
export function plan(situation: Situation): Plan | Infeasible {
  const found = seek(situation);
  return isAcceptable(found, situation) ? toPlan(found, situation) : infeasible(found, situation);
}

/** What a search found, and what it had to leave out. */
type Found = Sorted & { readonly sequence: Sequence; readonly isWaiting: boolean };

function seek(situation: Situation): Found {
  const sorted = sortTargets(situation);
  const running = runningEntries(situation);
  const { need } = situation;
  const sequence = search(sorted.candidates, running, {
    remainingMs: situation.deadline - situation.now,
    attemptsLeft: situation.attemptsLeft,
    capUsd: need.maxCost === undefined ? Number.POSITIVE_INFINITY : dollars(need.maxCost) - dollars(situation.committed),
    hedgeBudgetUsd: need.policy.hedgeBudgetUsd - dollars(situation.hedgesCommitted),
    heldValueUsd: situation.heldValueUsd,
  });
  return { ...sorted, sequence, isWaiting: running.length > 0 };
}

/**
 * Waiting for what runs is always a plan. Otherwise something must start, and at admission with the chance the policy asks
 * for: once money was spent on a request, a small chance is still worth the value it would save.
 */
function isAcceptable({ sequence, isWaiting }: Found, situation: Situation): boolean {
  if (isWaiting) return true;
  if (sequence.steps.length === 0) return false;
  return situation.committed > ZERO_USD || sequence.evaluation.chance >= situation.need.policy.minChance;
}

/** Calls that run, as entries: past their queue, and past every limit that only keeps new calls from starting. */
function runningEntries(situation: Situation): readonly Entry[] {
  const unlimited: Situation = {
    ...situation,
    setAside: new Map(),
    notBefore: new Map(),
    need: { ...situation.need, maxCost: undefined },
    view: (target, operation) => ({ ...situation.view(target, operation), queueWaitMs: 0, notBefore: undefined }),
  };
  return situation.running.flatMap((attempt) => {
    const target = situation.targets.filter((known) => known.id === attempt.target);
    const { candidates, possible } = sortTargets({ ...unlimited, targets: target });
    return [...candidates, ...possible].map((candidate) => ({ candidate, startMs: 0, ageMs: situation.now - attempt.startedAt }));
  });
}

function toPlan(found: Found, situation: Situation): Plan {
  const { steps, evaluation } = found.sequence;
  return {
    kind: 'plan',
    attempts: steps.map((step, index) => plannedAttempt(step, index, steps, situation)),
    chance: Math.min(1, evaluation.chance),
    expectedCost: microUsd(evaluation.costUsd),
    worstCost: addUsd(...steps.map((step) => step.candidate.price.ceiling)),
    expectedValueUsd: evaluation.valueUsd,
    forecasts: forecastsOf(found),
    excluded: found.excluded,
  };
}

function forecastsOf({ candidates, possible }: Found): readonly Forecast[] {
  return [...candidates, ...possible].map(forecastOf);
}

function plannedAttempt(step: Step, index: number, steps: readonly Step[], situation: Situation): PlannedAttempt {
  const { candidate, startMs, hedge } = step;
  return {
    target: candidate.target.id,
    route: candidate.target.route.id,
    startMs,
    hedge,
    price: candidate.price,
    images: situation.need.n,
    why: whyOf(step, index, steps, situation.attemptsLeft === MAX_ATTEMPTS),
  };
}

function whyOf({ candidate, startMs, hedge, besideMs }: Step, index: number, steps: readonly Step[], isFirst: boolean): string {
  const quality = candidate.below.length === 0 ? 'meets the need' : `${describeBelow(candidate.below)} below the need`;
  const forecast = `${quality}, ${Math.round(candidate.chance * 100)} % in time for ${formatUsd(candidate.price.expected)}`;
  const start = formatDuration(startMs ?? 0);
  if (hedge === 'gone-silent') return `beside a call still silent after ${formatDuration(besideMs ?? 0)}: ${forecast}`;
  if (hedge === 'tight-budget') return `beside the first at ${start}, the budget is too tight to wait for it: ${forecast}`;
  if (hedge === 'much-faster') return `beside the first at ${start}, being at least three times faster: ${forecast}`;
  if (startMs === undefined)
    return `if ${index === 0 ? 'a running call' : (steps[index - 1]?.candidate.target.route.id ?? 'the first')} ends without an image: ${forecast}`;
  return `${isFirst ? 'best value for money' : 'best of what is left'}: ${forecast}`;
}

function forecastOf(candidate: Candidate): Forecast {
  return {
    target: candidate.target.id,
    route: candidate.target.route.id,
    tier: candidate.target.route.tier,
    chance: candidate.chance,
    latencyMsP50: candidate.medianMs,
    latencyMsP95: candidate.latency.quantile(0.95),
    queueWaitMs: candidate.view.queueWaitMs + candidate.readyMs,
    price: candidate.price,
    below: candidate.below,
    valueUsd: candidate.valueUsd,
  };
}

/** Which limit to name when several bind: the one a caller can do something about soonest. */
const BINDING_ORDER: readonly ExclusionReason[] = [
  'price-cap',
  'deadline',
  'below-need',
  'rate-limited',
  'breaker-open',
  'failed-here',
  'refused-here',
  'size',
  'images',
  'references',
  'format',
  'prompt-length',
  'operation',
  'not-asked-for',
  'no-endpoint',
];

function infeasible(found: Found, situation: Situation): Infeasible {
  const { candidates, possible, excluded, sequence } = found;
  const isFeasible = (changed: Situation): boolean => isAcceptable(seek(changed), changed);
  const told = {
    kind: 'infeasible',
    forecasts: forecastsOf(found),
    excluded,
    offers: offersFor(situation, excluded, [...candidates, ...possible], isFeasible),
  } as const;
  if (sequence.steps.length > 0) {
    const { policy } = situation.need;
    const percent = Math.round(sequence.evaluation.chance * 100);
    const detail = `the best plan ends within ${formatDuration(situation.deadline - situation.now)} with a chance of ${percent} %, policy ${policy.id} asks for ${Math.round(policy.minChance * 100)} %`;
    return { ...told, binding: 'deadline', detail };
  }
  const binding = BINDING_ORDER.map((reason) => excluded.find((exclusion) => exclusion.reason === reason)).find(Boolean);
  const detail = binding === undefined ? 'no route is configured for this need' : `${binding.route}: ${binding.detail}`;
  return { ...told, binding: binding?.reason ?? 'no-endpoint', detail };
}
