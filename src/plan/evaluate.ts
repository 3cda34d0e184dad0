// What a sequence of calls is expected to deliver and to cost. Closed form, no sampling, so the same view always gives
// the same plan.
//
// Each call either will succeed at a random time, fails fast, or stays silent. For every combination of these fates the
// starts are known (a failure starts the next call at once), so "some call delivers by the deadline" is one minus a
// product. Latencies of calls for one request are correlated: a Gaussian factor they share is integrated over five
// Gauss-Hermite nodes. Calls on the same route share half of their log-variance, on different routes a quarter
// (GenTD26 production traces); treating repeats as independent draws would make hedges look far better than they are.
import { normalCdf } from '../domain/latency.ts';
import type { Candidate } from './candidates.ts';
import { boundedScore } from './candidates.ts';
import { SUCCESS_AFTER } from './trouble.ts';

/** A call in the sequence. Calls that run already have `ageMs` and start at or before 0. */
export type Entry = {
  readonly candidate: Candidate;
  /** Milliseconds from now; undefined: only when an earlier call fails. */
  readonly startMs: number | undefined;
  /** How long it has run; undefined when it is only planned. */
  readonly ageMs: number | undefined;
};

export type Evaluation = {
  /** Probability that some call delivers by the deadline. */
  readonly chance: number;
  readonly valueUsd: number;
  /** Expected dollars of the planned calls that get started and billed; running ones are paid already. */
  readonly costUsd: number;
};

const NODES = [
  { z: 0, weight: 0.5333333333 },
  { z: 1.3556261799, weight: 0.222075922 },
  { z: -1.3556261799, weight: 0.222075922 },
  { z: 2.8569700139, weight: 0.0112574113 },
  { z: -2.8569700139, weight: 0.0112574113 },
] as const;
const SAME_ROUTE_CORRELATION = 0.5;
const OTHER_ROUTE_CORRELATION = 0.25;
/** Failed calls answer after a median of 3 s (production traces); some never do. */
const FAST_FAILURE_MS = 3_000;
const SILENT_SHARE = 0.15;
/** While its route is suspiciously quiet, a call that fails most likely just never answers. */
const SILENT_SHARE_WHEN_QUIET = 0.9;
/** Fates less likely than this are left out: they cannot move a decision worth a hundredth of a cent. */
const NEGLIGIBLE = 1e-4;
const TABLE_POINTS = 64;

type Fate = 'succeeds' | 'fails' | 'silent';

/**
 * Conditional distribution tables for one remaining budget. Make one, evaluate many sequences. Running calls are
 * looked up at their age, so the tables reach `oldestAgeMs` beyond the deadline.
 */
export class Evaluator {
  readonly #remainingMs: number;
  readonly #horizonMs: number;
  readonly #tables = { once: new Map<Candidate, EndTable>(), repeated: new Map<Candidate, EndTable>() };

  constructor(remainingMs: number, oldestAgeMs: number) {
    this.#remainingMs = Math.max(1, remainingMs);
    this.#horizonMs = this.#remainingMs + oldestAgeMs;
  }

  evaluate(entries: readonly Entry[], heldValueUsd: number): Evaluation {
    const calls = entries.map((entry) => this.#prepare(entry, entries));
    const bestFirst = calls.map((_, index) => index).sort((a, b) => valueAt(calls, b) - valueAt(calls, a));
    const total = { chance: 0, valueUsd: 0, costUsd: 0 };
    for (const { fates, probability } of fatesOf(calls)) {
      const starts = startsOf(calls, fates, this.#remainingMs);
      addOutcome(total, { calls, bestFirst, fates, starts, remainingMs: this.#remainingMs }, probability, heldValueUsd);
    }
    return total;
  }

  #prepare(entry: Entry, entries: readonly Entry[]): Call {
    const { candidate, ageMs } = entry;
    const repeated = entries.filter((other) => other.candidate.target.route.id === candidate.target.route.id).length > 1;
    const table = this.#tableOf(candidate, repeated ? 'repeated' : 'once');
    const { success } = candidate;
    const silent = (1 - success) * (candidate.view.silent ? SILENT_SHARE_WHEN_QUIET : SILENT_SHARE);
    const base = { candidate, startMs: entry.startMs, ageMs: ageMs ?? 0, planned: ageMs === undefined, table };
    if (ageMs === undefined) return { ...base, success, silent };
    // A call that still runs has neither failed fast nor succeeded yet: its chance shrinks as it ages.
    const survives = success * (1 - candidate.latency.cdf(ageMs));
    const failing = ageMs < FAST_FAILURE_MS ? 1 - success - silent : 0;
    const alive = survives + silent + failing;
    return alive <= 0 ? { ...base, success: 0, silent: 1 } : { ...base, success: survives / alive, silent: silent / alive };
  }

  #tableOf(candidate: Candidate, kind: 'once' | 'repeated'): EndTable {
    const known = this.#tables[kind].get(candidate);
    if (known) return known;
    const correlation = kind === 'repeated' ? SAME_ROUTE_CORRELATION : OTHER_ROUTE_CORRELATION;
    const table = new EndTable(candidate, this.#horizonMs, correlation);
    this.#tables[kind].set(candidate, table);
    return table;
  }
}

/**
 * Probability that a call has ended, given the shared factor: a table of points, each filled when it is first looked at.
 * Most plans look at a few of them.
 */
class EndTable {
  readonly #candidate: Candidate;
  readonly #stepMs: number;
  readonly #loading: number;
  readonly #spread: number;
  /** Node by node, all points; NaN where nobody has looked yet. */
  readonly #ended = new Float64Array(NODES.length * (TABLE_POINTS + 1)).fill(Number.NaN);

  constructor(candidate: Candidate, horizonMs: number, correlation: number) {
    this.#candidate = candidate;
    this.#stepMs = horizonMs / TABLE_POINTS;
    this.#loading = Math.sqrt(correlation);
    this.#spread = Math.sqrt(1 - correlation);
  }

  /** `elapsedMs` after its start, by linear interpolation; what lies beyond the table's reach counts as its end. */
  endedBy(node: number, elapsedMs: number): number {
    if (elapsedMs <= 0) return 0;
    const position = Math.min(TABLE_POINTS, elapsedMs / this.#stepMs);
    const point = Math.floor(position);
    const low = this.#at(node, point);
    return position === point ? low : low + (this.#at(node, point + 1) - low) * (position - point);
  }

  #at(node: number, point: number): number {
    const index = node * (TABLE_POINTS + 1) + point;
    const known = this.#ended[index] ?? 0;
    if (!Number.isNaN(known)) return known;
    const score = boundedScore(this.#candidate.latency.cdf(point * this.#stepMs));
    for (let other = 0; other < NODES.length; other += 1) {
      const z = NODES[other]?.z ?? 0;
      this.#ended[other * (TABLE_POINTS + 1) + point] = normalCdf((score - this.#loading * z) / this.#spread);
    }
    return this.#ended[index] ?? 0;
  }
}

type Call = {
  readonly candidate: Candidate;
  readonly startMs: number | undefined;
  readonly ageMs: number;
  readonly planned: boolean;
  readonly table: EndTable;
  readonly success: number;
  readonly silent: number;
};

type Combination = { readonly fates: readonly Fate[]; readonly probability: number };

/** Every combination of fates worth counting, with its probability. */
function fatesOf(calls: readonly Call[]): readonly Combination[] {
  let combinations: readonly Combination[] = [{ fates: [], probability: 1 }];
  for (const [index, call] of calls.entries()) {
    const longer: Combination[] = [];
    for (const { fates, probability } of combinations) {
      const success = call.success * afterTroubleOf(calls, index, fates, call);
      const silent = call.success > 0 ? call.silent + (call.success - success) / 2 : call.silent;
      addFate(longer, fates, 'succeeds', probability * success);
      addFate(longer, fates, 'silent', probability * silent);
      addFate(longer, fates, 'fails', probability * Math.max(0, 1 - success - silent));
    }
    combinations = longer;
  }
  return combinations;
}

function addFate(combinations: Combination[], fates: readonly Fate[], fate: Fate, probability: number): void {
  if (probability >= NEGLIGIBLE) combinations.push({ fates: [...fates, fate], probability });
}

/** The factor on a call's success, given that earlier calls of the same request were in trouble. */
function afterTroubleOf(calls: readonly Call[], count: number, fates: readonly Fate[], call: Call): number {
  let factor = 1;
  for (let index = 0; index < count; index += 1) {
    const fate = fates[index];
    if (fate === 'succeeds' || calls[index]?.candidate.target.endpoint !== call.candidate.target.endpoint) continue;
    factor *= fate === 'silent' ? SUCCESS_AFTER.silent : SUCCESS_AFTER.failed;
  }
  return factor;
}

/** When each call starts, given the fates: at its time, or as soon as a failure not yet answered calls for it. */
function startsOf(calls: readonly Call[], fates: readonly Fate[], remainingMs: number): readonly number[] {
  const starts: number[] = [];
  const failures: number[] = [];
  calls.forEach((call, index) => {
    const { readyMs } = call.candidate;
    let start = call.startMs ?? Number.POSITIVE_INFINITY;
    const failure = failures[0];
    if (call.planned && index > 0 && failure !== undefined && Math.max(failure, readyMs) <= start) {
      start = Math.max(failure, readyMs);
      failures.shift();
    }
    starts.push(start);
    if (fates[index] === 'fails' && start < remainingMs) {
      failures.push(call.planned ? start + FAST_FAILURE_MS : Math.max(0, FAST_FAILURE_MS - call.ageMs));
      failures.sort((a, b) => a - b);
    }
  });
  return starts;
}

/** One combination of fates, with the starts that follow from it. */
type Scenario = {
  readonly calls: readonly Call[];
  /** Indices by falling value: an image below the need counts only where no better one arrives. */
  readonly bestFirst: readonly number[];
  readonly fates: readonly Fate[];
  readonly starts: readonly number[];
  readonly remainingMs: number;
};

function addOutcome(
  total: { chance: number; valueUsd: number; costUsd: number },
  scenario: Scenario,
  probability: number,
  heldValueUsd: number,
): void {
  const { calls, fates, starts, remainingMs } = scenario;
  const noneBetter = SCRATCH_NONE.fill(1);
  for (const index of scenario.bestFirst) {
    const call = calls[index];
    const start = starts[index];
    if (call === undefined || start === undefined || start >= remainingMs) continue;
    if (fates[index] === 'succeeds') {
      const worth = probability * Math.max(0, call.candidate.valueUsd - heldValueUsd);
      total.valueUsd += worth * deliver(call, remainingMs - start, noneBetter);
    }
    if (call.planned && fates[index] !== 'fails') {
      total.costUsd += probability * stillNeeded(scenario, index, start) * (call.candidate.price.expected / 1_000_000);
    }
  }
  for (let node = 0; node < NODES.length; node += 1) total.chance += probability * weightOf(node) * (1 - (noneBetter[node] ?? 1));
}

/** One value per node; kept between scenarios, because there are tens of thousands of them in a plan. */
const SCRATCH_NONE = new Float64Array(NODES.length);
const SCRATCH_NEEDED = new Float64Array(NODES.length);
const WEIGHTS = Float64Array.from(NODES, ({ weight }) => weight);

function weightOf(node: number): number {
  return WEIGHTS[node] ?? 0;
}

/** Weighted chance that this call delivers where none better did, over all nodes; takes it out of `none`. */
function deliver(call: Call, elapsedMs: number, none: Float64Array): number {
  let sum = 0;
  for (let node = 0; node < NODES.length; node += 1) {
    const left = none[node] ?? 1;
    const ended = endedBy(call, node, elapsedMs);
    sum += weightOf(node) * left * ended;
    none[node] = left * (1 - ended);
  }
  return sum;
}

function valueAt(calls: readonly Call[], index: number): number {
  return calls[index]?.candidate.valueUsd ?? 0;
}

/** Probability that no image at least as good has arrived when call `index` is due to start. */
function stillNeeded({ calls, fates, starts }: Scenario, index: number, start: number): number {
  let needed: Float64Array | undefined;
  for (let other = 0; other < calls.length; other += 1) {
    const earlier = calls[other];
    const began = starts[other];
    if (earlier === undefined || began === undefined || other === index || fates[other] !== 'succeeds' || began >= start) continue;
    if (valueAt(calls, other) < valueAt(calls, index)) continue;
    needed ??= SCRATCH_NEEDED.fill(1);
    deliver(earlier, start - began, needed);
  }
  if (needed === undefined) return TOTAL_WEIGHT;
  let sum = 0;
  for (let node = 0; node < NODES.length; node += 1) sum += weightOf(node) * (needed[node] ?? 1);
  return sum;
}

const TOTAL_WEIGHT = NODES.reduce((sum, { weight }) => sum + weight, 0);

/** Probability that a call that will succeed has done so `elapsedMs` after its start, given the shared factor. */
function endedBy({ table, planned, ageMs }: Call, node: number, elapsedMs: number): number {
  if (planned) return table.endedBy(node, elapsedMs);
  const before = table.endedBy(node, ageMs);
  if (before >= 1) return 0;
  return Math.max(0, (table.endedBy(node, ageMs + elapsedMs) - before) / (1 - before));
}
