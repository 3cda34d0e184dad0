// Finds the sequence of at most three calls with the most expected value minus expected spend. A beam: pairs grow from
// every single, triples from the best few pairs, and whatever could not beat the best found so far is not grown at all.
import type { HedgeReason } from '../domain/plan.ts';
import type { Candidate } from './candidates.ts';
import { type Entry, Evaluator } from './evaluate.ts';
import type { Evaluation } from './fate-tree.ts';
import { SILENT_QUANTILE } from './trouble.ts';

export type SearchLimits = {
  readonly remainingMs: number;
  readonly attemptsLeft: number;
  /** Most USD of reservations that calls running at the same time may add. */
  readonly capUsd: number;
  readonly hedgeBudgetUsd: number;
  readonly heldValueUsd: number;
};

/** A call of the best sequence. `startMs` undefined: only when the one before ends without an image. */
export type Step = {
  readonly candidate: Candidate;
  readonly startMs: number | undefined;
  readonly hedge: HedgeReason | undefined;
  /** How long the call beside which it starts will have run by then; undefined when it starts beside none. */
  readonly besideMs?: number;
};
export type Sequence = { readonly steps: readonly Step[]; readonly evaluation: Evaluation; readonly netUsd: number };

/** Start times worth trying for a second or third call, as shares of what remains. */
const START_GRID = [0, 1 / 12, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 5 / 6] as const;
const BEAM = 4;
/** A further call must be worth at least a tenth of a cent more than it costs: less is noise in the estimates. */
const WORTHWHILE_USD = 0.001;
/**
 * Of plans with the same calls, the earlier start wins when it costs at most this share more: the estimates are no better
 * than that, and an image that is in time sooner leaves room for what no estimate knows.
 */
const EARLIER_START_SURCHARGE = 0.04;
/** Budgets below this many medians of the fastest route are tight enough to pay for two calls at once. */
const TIGHT_MEDIANS = 2.5;
/** A hedge towards a route this many times faster can still win after a long wait. */
const MUCH_FASTER = 3;

/** The best sequence to add to the running calls; `steps` is empty when waiting for them is best. */
export function search(candidates: readonly Candidate[], running: readonly Entry[], limits: SearchLimits): Sequence {
  const field = fieldOf(candidates, running, limits);
  // With something to fall back on, doing nothing more is a choice; without, the least bad call is still made: value
  // orders what the limits leave, it never refuses.
  const nothing = measure([], field);
  let best = running.length > 0 || limits.heldValueUsd > 0 ? nothing : undefined;
  /** What a longer sequence has to beat: the best net seen, though an earlier start may have been chosen over it. */
  let toBeat = best === undefined ? Number.NEGATIVE_INFINITY : best.netUsd;
  let beam: readonly Sequence[] = [nothing];
  for (let started = 0; started < limits.attemptsLeft; started += 1) {
    const grown = grow(beam, toBeat, field);
    const challenger = soonest(grown);
    if (challenger === undefined) break;
    const reached = grown[0]?.netUsd ?? Number.NEGATIVE_INFINITY;
    if (reached > toBeat + WORTHWHILE_USD) {
      best = challenger;
      toBeat = reached;
    }
    // The earlier start is grown too, or it would be lost to a later one at the next depth.
    const top = grown.slice(0, started === 0 ? candidates.length : BEAM);
    beam = top.includes(challenger) ? top : [challenger, ...top];
  }
  return best ?? nothing;
}

/** What every extension looks at, read once. */
type Field = {
  readonly evaluator: Evaluator;
  readonly running: readonly Entry[];
  readonly candidates: readonly Candidate[];
  readonly youngestRunning: Previous | undefined;
  readonly fastestMs: number;
  readonly mostValueUsd: number;
  readonly limits: SearchLimits;
};

function fieldOf(candidates: readonly Candidate[], running: readonly Entry[], limits: SearchLimits): Field {
  let fastestMs = Number.POSITIVE_INFINITY;
  let mostValueUsd = 0;
  for (const { medianMs, valueUsd } of candidates) {
    if (medianMs < fastestMs) fastestMs = medianMs;
    if (valueUsd > mostValueUsd) mostValueUsd = valueUsd;
  }
  return {
    evaluator: new Evaluator(limits.remainingMs, oldestAgeMs(running), limits.heldValueUsd),
    running,
    candidates,
    youngestRunning: youngestOf(running),
    fastestMs,
    mostValueUsd: mostValueUsd - limits.heldValueUsd,
    limits,
  };
}

/** Every affordable sequence with one call more, the best first. */
function grow(beam: readonly Sequence[], toBeat: number, field: Field): readonly Sequence[] {
  const grown: Sequence[] = [];
  for (const sequence of beam) {
    if (!couldBeat(toBeat, sequence, field)) continue;
    for (const steps of extensions(sequence.steps, field)) if (isAffordable(steps, field.limits)) grown.push(measure(steps, field));
  }
  return grown.sort((a, b) => b.netUsd - a.netUsd);
}

function measure(steps: readonly Step[], { evaluator, running }: Field): Sequence {
  const evaluation = evaluator.evaluate(running.length === 0 ? steps : [...running, ...steps]);
  return { steps, evaluation, netUsd: evaluation.valueUsd - evaluation.costUsd };
}

function youngestOf(running: readonly Entry[]): Previous | undefined {
  let youngest: Entry | undefined;
  for (const entry of running) if (youngest === undefined || (entry.ageMs ?? 0) < (youngest.ageMs ?? 0)) youngest = entry;
  return youngest && previous(youngest.candidate, -(youngest.ageMs ?? 0));
}

/** 0 where none runs. */
function oldestAgeMs(running: readonly Entry[]): number {
  return running.reduce((oldest, { ageMs = 0 }) => Math.max(oldest, ageMs), 0);
}

/**
 * Branch and bound: with more calls a sequence can at best deliver for certain, and never gets cheaper. Healthy worlds end
 * here after two dozen evaluations instead of hundreds.
 */
function couldBeat(toBeat: number, { steps, evaluation }: Sequence, field: Field): boolean {
  return steps.length === 0 || field.mostValueUsd - evaluation.costUsd > toBeat + WORTHWHILE_USD;
}

/** The best of the sequences (best first), or the one with the same calls that starts them earlier at hardly more cost. */
function soonest(sequences: readonly Sequence[]): Sequence | undefined {
  const [best] = sequences;
  if (best === undefined) return undefined;
  const leastUsd = best.netUsd - best.evaluation.costUsd * EARLIER_START_SURCHARGE;
  let chosen = best;
  for (const rival of sequences) {
    if (rival.netUsd < leastUsd) break;
    if (isSameCalls(best.steps, rival.steps) && totalStart(rival) < totalStart(chosen)) chosen = rival;
  }
  return chosen;
}

function isSameCalls(a: readonly Step[], b: readonly Step[]): boolean {
  return a.every((step, index) => {
    const other = b[index];
    return step.candidate === other?.candidate && (step.startMs === undefined) === (other.startMs === undefined);
  });
}

function totalStart({ steps }: Sequence): number {
  return steps.reduce((sum, step) => sum + (step.startMs ?? 0), 0);
}

/** All sequences with one more call: on failure of the one before, or at a time that a hedge reason allows. */
function extensions(steps: readonly Step[], field: Field): readonly (readonly Step[])[] {
  const before = previousOf(steps, field);
  if (before === undefined) {
    return field.candidates.map((candidate) => [{ candidate, startMs: candidate.readyMs, hedge: undefined }]);
  }
  const { remainingMs } = field.limits;
  const earliest = steps.at(-1)?.startMs ?? 0;
  const waitsForFailure = steps.length > 0 && steps.at(-1)?.startMs === undefined;
  const times = waitsForFailure ? NO_TIMES : timesAfter(before, remainingMs);
  const longer: (readonly Step[])[] = [];
  for (const candidate of field.candidates) {
    longer.push([...steps, { candidate, startMs: undefined, hedge: undefined }]);
    let latest = Number.NEGATIVE_INFINITY;
    // In order, so that a time which comes out as one before it does so right after it.
    for (const time of times) {
      const startMs = Math.max(time, earliest, candidate.readyMs);
      if (startMs >= remainingMs || startMs === latest) continue;
      latest = startMs;
      const hedge = hedgeReason(before, candidate, startMs, field);
      if (hedge !== undefined) longer.push([...steps, { candidate, startMs, hedge, besideMs: startMs - before.startMs }]);
    }
  }
  return longer;
}

const NO_TIMES: readonly number[] = [];

/** Of the grid, and the moment at which the call before will have gone silent, in order. */
function timesAfter(before: Previous, remainingMs: number): readonly number[] {
  const times = START_GRID.map((share) => share * remainingMs);
  const silentAt = Math.max(0, before.startMs + before.silentAfterMs);
  const later = times.findIndex((time) => time > silentAt);
  times.splice(later === -1 ? times.length : later, 0, silentAt);
  return times;
}

/** A call that a further one may run beside. */
type Previous = { readonly candidate: Candidate; readonly startMs: number; readonly silentAfterMs: number };

function previous(candidate: Candidate, startMs: number): Previous {
  return { candidate, startMs, silentAfterMs: candidate.latency.quantile(SILENT_QUANTILE) };
}

/** The last planned with a time, else the youngest running. */
function previousOf(steps: readonly Step[], field: Field): Previous | undefined {
  const last = steps.findLast((step) => step.startMs !== undefined);
  return last?.startMs === undefined ? field.youngestRunning : previous(last.candidate, last.startMs);
}

function hedgeReason(before: Previous, candidate: Candidate, startMs: number, field: Field): HedgeReason | undefined {
  if (startMs - before.startMs >= before.silentAfterMs || before.candidate.view.silent) return 'gone-silent';
  if (field.limits.remainingMs < TIGHT_MEDIANS * field.fastestMs) return 'tight-budget';
  if (candidate.medianMs * MUCH_FASTER <= before.candidate.medianMs) return 'much-faster';
  return undefined;
}

/** Calls that may run side by side must fit the cap together; one that waits for a failure needs room for itself only. */
function isAffordable(steps: readonly Step[], limits: SearchLimits): boolean {
  let together = 0;
  let hedges = 0;
  for (const { candidate, startMs, hedge } of steps) {
    const ceiling = candidate.price.ceiling / 1_000_000;
    if (startMs !== undefined) together += ceiling;
    if (hedge !== undefined) hedges += ceiling;
  }
  return together <= limits.capUsd + 1e-9 && hedges <= limits.hedgeBudgetUsd + 1e-9;
}
