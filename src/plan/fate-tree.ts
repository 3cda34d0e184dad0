// All fates of one sequence of calls, and what they deliver and cost on average. Each call either will succeed at a random
// time, fails fast, or stays silent. The combinations of these fates are a tree, one call a level: the fates before a call
// say when it starts (a failure starts the next call at once), how likely it is to succeed and whether it is still needed.
// So every call is counted once per branch that leads to it, not once per leaf. "Some call delivers by the deadline" is one
// minus a product; latencies share a factor, and the product is kept for each node of it (end-table.ts).
import type { Candidate } from './candidates.ts';
import { CERTAIN, type EndTable, nor, overall, type PerNode, zip } from './end-table.ts';
import { FAST_FAILURE_MS, SUCCESS_AFTER } from './trouble.ts';

/** Fates less likely than this are left out: they cannot move a decision worth a hundredth of a cent. */
const NEGLIGIBLE = 1e-4;

export type Evaluation = {
  /** Probability that some call delivers by the deadline. */
  readonly chance: number;
  readonly valueUsd: number;
  /** Expected dollars of the planned calls that get started and billed; running ones are paid already. */
  readonly costUsd: number;
};

export type Call = {
  readonly candidate: Candidate;
  /** What its image adds to the one that is held. */
  readonly worthUsd: number;
  readonly table: EndTable;
  readonly startMs: number | undefined;
  readonly ageMs: number;
  readonly planned: boolean;
  readonly success: number;
  readonly silent: number;
};

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

const ONE_CERTAIN: readonly PerNode[] = [CERTAIN];

/** A call on the branch that is being walked, after those before it. */
type Place = {
  readonly call: Call;
  readonly before: Place | undefined;
  readonly startMs: number;
  readonly isStarted: boolean;
  /** When failures are known that neither this nor an earlier call answers, soonest first. */
  readonly failures: readonly number[];
  /** For every worth: the probability that no image of that worth or more comes in time; before this call, and if it succeeds. */
  readonly without: readonly PerNode[];
  readonly delivered: readonly PerNode[];
  /** Changes as the walk goes from branch to branch. */
  fate: 'succeeds' | 'silent' | 'fails';
};

/** Judges a sequence of calls in the order they start in, so that none is made needless by a later one. */
export function evaluateFates(calls: readonly Call[], remainingMs: number): Evaluation {
  return tree.evaluate(calls, remainingMs);
}

class FateTree {
  #calls: readonly Call[] = [];
  #remainingMs = 0;
  /** What images of these calls are worth: each worth once, the least first. */
  #worths: readonly number[] = [];
  #withoutAny: readonly PerNode[] = [];
  #total: Mutable<Evaluation> = { chance: 0, valueUsd: 0, costUsd: 0 };

  evaluate(calls: readonly Call[], remainingMs: number): Evaluation {
    this.#calls = calls;
    this.#remainingMs = remainingMs;
    this.#worths = worthsOf(calls);
    this.#withoutAny = this.#worths.length === 1 ? ONE_CERTAIN : this.#worths.map(() => CERTAIN);
    const total = { chance: 0, valueUsd: 0, costUsd: 0 };
    this.#total = total;
    this.#grow(0, 1, undefined);
    return total;
  }

  /** Counts the fates of the call at `index` and all after it. Returns their probability, less what is negligible. */
  #grow(index: number, probability: number, before: Place | undefined): number {
    if (probability < NEGLIGIBLE) return 0;
    const call = this.#calls[index];
    if (call === undefined) return probability;
    const place = this.#placeOf(call, before);
    const success = call.success * afterTrouble(call, before);
    const silence = call.success > 0 ? call.silent + (call.success - success) / 2 : call.silent;
    const succeeds = this.#grow(index + 1, probability * success, place);
    place.fate = 'silent';
    const silent = this.#grow(index + 1, probability * silence, place);
    place.fate = 'fails';
    const fails = this.#grow(index + 1, probability * Math.max(0, 1 - success - silence), place);
    if (place.isStarted) {
      this.#countImage(succeeds, place);
      if (call.planned) this.#total.costUsd += (succeeds + silent) * stillNeeded(place) * (call.candidate.price.expected / 1_000_000);
    }
    return succeeds + silent + fails;
  }

  #placeOf(call: Call, before: Place | undefined): Place {
    const known = before === undefined ? NO_FAILURES : failuresAfter(before);
    const answerMs = answerTo(known, call);
    const startMs = answerMs ?? call.startMs ?? Number.POSITIVE_INFINITY;
    const isStarted = startMs < this.#remainingMs;
    const without = before === undefined ? this.#withoutAny : before.fate === 'succeeds' ? before.delivered : before.without;
    return {
      call,
      before,
      startMs,
      isStarted,
      failures: answerMs === undefined ? known : known.slice(1),
      without,
      delivered: isStarted ? this.#deliver(call, startMs, without) : without,
      fate: 'succeeds',
    };
  }

  /** What is left without images once this call, started then, is one that succeeds. */
  #deliver(call: Call, startMs: number, without: readonly PerNode[]): readonly PerNode[] {
    const ended = endedBy(call, this.#remainingMs - startMs);
    const [only] = without;
    // Most sequences know one worth, and then every call is of it.
    if (without.length === 1 && only !== undefined) return [nor(only, ended)];
    return without.map((none, level) => ((this.#worths[level] ?? 0) <= call.worthUsd ? nor(none, ended) : none));
  }

  /** Counts the image that makes the difference: for what it is worth beyond the next lesser one, worth by worth. */
  #countImage(probability: number, { without, delivered }: Place): void {
    let lesser = 0;
    for (let level = 0; level < without.length; level += 1) {
      const comes = probability * (overall(without[level] ?? CERTAIN) - overall(delivered[level] ?? CERTAIN));
      const worth = this.#worths[level] ?? 0;
      if (level === 0) this.#total.chance += comes;
      this.#total.valueUsd += comes * (worth - lesser);
      lesser = worth;
    }
  }
}

/**
 * One for all: a plan makes dozens of evaluations, one after the other, and what the engine compiled for a class is thrown
 * away with its last object.
 */
const tree = new FateTree();

function worthsOf(calls: readonly Call[]): readonly number[] {
  const worths: number[] = [];
  for (const { worthUsd } of calls) if (!worths.includes(worthUsd)) worths.push(worthUsd);
  return worths.length > 1 ? worths.sort((a, b) => a - b) : worths;
}

const NO_FAILURES: readonly number[] = [];

/** When the call starts as the answer to a failure; undefined: no failure is known before its own time. */
function answerTo(failures: readonly number[], { planned, startMs, candidate }: Call): number | undefined {
  const soonest = failures[0];
  if (!planned || soonest === undefined) return undefined;
  const answerMs = Math.max(soonest, candidate.readyMs);
  return answerMs <= (startMs ?? Number.POSITIVE_INFINITY) ? answerMs : undefined;
}

/** Failures that wait for an answer once the fate of this call is told. */
function failuresAfter({ call, fate, startMs, isStarted, failures }: Place): readonly number[] {
  if (fate !== 'fails' || !isStarted) return failures;
  const knownMs = call.planned ? startMs + FAST_FAILURE_MS : Math.max(0, FAST_FAILURE_MS - call.ageMs);
  return failures.length === 0 ? [knownMs] : [...failures, knownMs].sort((a, b) => a - b);
}

/** The factor on a call's success, given that earlier calls of the same request were in trouble. */
function afterTrouble(call: Call, before: Place | undefined): number {
  let factor = 1;
  for (let place = before; place !== undefined; place = place.before) {
    if (place.fate === 'succeeds' || place.call.candidate.target.endpoint !== call.candidate.target.endpoint) continue;
    factor *= place.fate === 'silent' ? SUCCESS_AFTER.silent : SUCCESS_AFTER.failed;
  }
  return factor;
}

/** Probability that no image at least as good has arrived when the call is due to start. */
function stillNeeded({ call, startMs, before }: Place): number {
  let without = CERTAIN;
  for (let place = before; place !== undefined; place = place.before) {
    if (place.fate !== 'succeeds' || place.startMs >= startMs || place.call.candidate.valueUsd < call.candidate.valueUsd) continue;
    without = nor(without, endedBy(place.call, startMs - place.startMs));
  }
  return overall(without);
}

/** Probability that a call that will succeed has done so `elapsedMs` after its start, or after now if it runs. */
function endedBy({ table, planned, ageMs }: Call, elapsedMs: number): PerNode {
  if (planned) return table.endedBy(elapsedMs);
  return zip(table.endedBy(ageMs + elapsedMs), table.endedBy(ageMs), (ended, before) =>
    before >= 1 ? 0 : Math.max(0, (ended - before) / (1 - before)),
  );
}
