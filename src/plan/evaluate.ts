// What a sequence of calls is expected to deliver and to cost. Closed form, no sampling, so the same view always gives
// the same plan. Here each call is judged by itself; what their fates add up to is fate-tree.ts.
import type { Candidate } from './candidates.ts';
import { CORRELATION, endTableOf } from './end-table.ts';
import { type Call, type Evaluation, evaluateFates } from './fate-tree.ts';
import { FAST_FAILURE_MS } from './trouble.ts';

/** A call in the sequence. Calls that run already have `ageMs` and start at or before 0. */
export type Entry = {
  readonly candidate: Candidate;
  /** Milliseconds from now; undefined: only when an earlier call fails. */
  readonly startMs: number | undefined;
  /** How long it has run; undefined when it is only planned. */
  readonly ageMs?: number | undefined;
};

/** Of calls that bring no image, those that never answer; the others fail fast. */
const SILENT_SHARE = 0.15;
/** While its route is suspiciously quiet, a call that fails most likely just never answers. */
const SILENT_SHARE_WHEN_QUIET = 0.9;

/**
 * Judges sequences of calls for one remaining budget; make one and evaluate many. Running calls are looked up at their age,
 * so its tables reach `oldestAgeMs` beyond the deadline.
 */
export class Evaluator {
  readonly #remainingMs: number;
  readonly #horizonMs: number;
  /** USD that an image already held is worth. */
  readonly #heldValueUsd: number;

  constructor(remainingMs: number, oldestAgeMs: number, heldValueUsd: number) {
    this.#remainingMs = Math.max(1, remainingMs);
    this.#horizonMs = this.#remainingMs + oldestAgeMs;
    this.#heldValueUsd = heldValueUsd;
  }

  /** In the order in which the calls start. */
  evaluate(entries: readonly Entry[]): Evaluation {
    const calls = entries.map((entry) => this.#prepare(entry, entries));
    return evaluateFates(calls, this.#remainingMs);
  }

  #prepare(entry: Entry, entries: readonly Entry[]): Call {
    const { candidate, startMs, ageMs } = entry;
    const { success } = candidate;
    const silent = (1 - success) * (candidate.view.silent ? SILENT_SHARE_WHEN_QUIET : SILENT_SHARE);
    const worthUsd = Math.max(0, candidate.valueUsd - this.#heldValueUsd);
    const correlation = isRepeated(entry, entries) ? CORRELATION.sameRoute : CORRELATION.otherRoute;
    const table = endTableOf(candidate.latency, this.#horizonMs, correlation);
    if (ageMs === undefined) return { candidate, worthUsd, table, startMs, ageMs: 0, planned: true, success, silent };
    // A call that still runs has neither failed fast nor succeeded yet: its chance shrinks as it ages.
    const survives = success * (1 - candidate.latency.cdf(ageMs));
    const failing = ageMs < FAST_FAILURE_MS ? 1 - success - silent : 0;
    const alive = survives + silent + failing;
    const running = { candidate, worthUsd, table, startMs, ageMs, planned: false };
    return alive <= 0 ? { ...running, success: 0, silent: 1 } : { ...running, success: survives / alive, silent: silent / alive };
  }
}

function isRepeated(entry: Entry, entries: readonly Entry[]): boolean {
  const { id } = entry.candidate.target.route;
  for (const other of entries) if (other !== entry && other.candidate.target.route.id === id) return true;
  return false;
}
