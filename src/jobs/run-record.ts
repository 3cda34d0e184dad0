// The record of one run, kept while the router works: every call is written down before it is made, and how it ended with
// whatever is written next. What the store does not take is offered again, for a while; a call that cannot be written down is
// not made.
import type { JobAttemptEnd } from '../domain/job.ts';
import { addCosts, type Cost, NO_COST } from '../domain/result.ts';
import type { TraceEvent } from '../domain/trace.ts';
import type { UpcomingCall } from '../execute/drive.ts';
import type { Clock } from '../system/clock.ts';
import type { EndedAttempt, Fence, JobStore } from './job-store.ts';
import { untilTaken } from './patience.ts';

/** Real milliseconds a call waits to be written down. The request's own time runs meanwhile. */
const RECORD_PATIENCE_MS = 60_000;

export type RecordParts = {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly fence: Fence;
  /** Ends all waiting for the store. */
  readonly signal: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
  /** The run is somebody else's. */
  readonly onLost: () => void;
};

export class RunRecord {
  readonly #parts: RecordParts;
  readonly #ends: EndedAttempt[] = [];
  #spent: Cost = NO_COST;
  #isExpected = false;
  #isRefused = false;

  constructor(parts: RecordParts) {
    this.#parts = parts;
  }

  /** Calls that ended and were not written yet. */
  get ends(): readonly EndedAttempt[] {
    return [...this.#ends];
  }

  /** Of the calls that ended. */
  get spent(): Cost {
    return this.#spent;
  }

  /** Whether a call could not be written down, and so was not made. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Rejects when the call must not be made. */
  async beforeCall({ part, attempt, target, route, ceiling }: UpcomingCall): Promise<void> {
    const { store, clock, fence, onLost } = this.#parts;
    const call = { part, attempt, target, route, startedAt: clock.wall().getTime(), ceiling };
    try {
      const answer = await this.write((ends) => store.startAttempt(fence, call, ends), RECORD_PATIENCE_MS);
      if (answer === 'recorded') return;
      onLost();
    } catch (error) {
      this.#isRefused = true;
      throw error;
    }
    throw new Error('the job is somebody else’s by now');
  }

  /** Does what writes the ends known so far along; they count as written when it has. */
  async write<Result>(act: (ends: readonly EndedAttempt[]) => Promise<Result>, mostMs: number | undefined): Promise<Result> {
    const { clock, signal, onTrouble } = this.#parts;
    const ends = this.ends;
    const result = await untilTaken(() => act(ends), { clock, signal, mostMs, onTrouble });
    const written = new Set(ends);
    this.#ends.splice(0, this.#ends.length, ...this.#ends.filter((end) => !written.has(end)));
    return result;
  }

  readonly onEvent = (event: TraceEvent): void => {
    if (event.kind === 'plan') this.#expect(event);
    if (event.kind !== 'attempt-end') return;
    const { part, attempt, billed, possiblyBilled, requestId } = event;
    const outcome = outcomeOf(event.end);
    const end: JobAttemptEnd = { outcome, billed, possiblyBilled, requestId, endedAt: this.#parts.clock.wall().getTime() };
    this.#ends.push({ part, attempt, end });
    this.#spent = addCosts(this.#spent, event);
  };

  /** For an estimate of progress: the median of the first call planned, of what is the job's picture and not its preview. */
  #expect({ plan, part }: Extract<TraceEvent, { kind: 'plan' }>): void {
    if (this.#isExpected || part === 'preview' || plan.kind !== 'plan') return;
    const first = plan.attempts[0]?.target;
    const forecast = plan.forecasts.find(({ target }) => target === first);
    if (forecast === undefined) return;
    this.#isExpected = true;
    // Nothing hangs on it: a store that does not take it has worse to worry about.
    void this.#parts.store.expect(this.#parts.fence, forecast.queueWaitMs + forecast.latencyMsP50).catch(() => undefined);
  }
}

function outcomeOf(end: Extract<TraceEvent, { kind: 'attempt-end' }>['end']): string {
  return end.kind === 'failed' ? end.failure.kind : end.kind;
}
