// Puts the steps of a request's runs back together: which calls were made, as what, how each ended and what it cost, and
// which of them was delivered. Metrics and spans are made from these records. A run leaves the book when it ends.
import type { TargetId } from '../../domain/route.ts';
import type { RunPart, TraceEvent } from '../../domain/trace.ts';
import type { RouteId } from '../../domain/vocabulary.ts';

export type AttemptRole = Extract<TraceEvent, { kind: 'attempt-start' }>['role'];

export type AttemptRecord = {
  readonly number: number;
  readonly target: TargetId;
  readonly route: RouteId;
  readonly role: AttemptRole;
  /** World milliseconds since the request arrived. */
  readonly startedAtMs: number;
  endedAtMs: number | undefined;
  /** `delivered`, a kind of failure, or `not-sent`; undefined while it runs. */
  outcome: string | undefined;
  /** The cause behind the kind: `timeout`, `rate-limited`... */
  fault: string | undefined;
  billedMicroUsd: number;
  possiblyBilledMicroUsd: number;
};

export type EndedRun = {
  readonly requestId: string;
  readonly part: RunPart | undefined;
  readonly attempts: readonly AttemptRecord[];
  /** The number of the delivered attempt. */
  readonly delivered: number | undefined;
};

/** Runs open at once; a gateway turns work away long before. */
const MOST_RUNS = 200_000;

export class AttemptBook {
  readonly #open = new Map<string, AttemptRecord[]>();

  /** The run, when this event ended it. */
  take(requestId: string, event: TraceEvent): EndedRun | undefined {
    const key = `${requestId}/${event.part ?? ''}`;
    switch (event.kind) {
      case 'attempt-start':
        this.#attemptsOf(key).push(startedBy(event));
        return undefined;
      case 'attempt-end':
        endAttempt(this.#open.get(key), event);
        return undefined;
      case 'end': {
        const attempts = this.#open.get(key) ?? [];
        this.#open.delete(key);
        return { requestId, part: event.part, attempts, delivered: event.end === 'delivered' ? event.attempt : undefined };
      }
      default:
        return undefined;
    }
  }

  #attemptsOf(key: string): AttemptRecord[] {
    const attempts = this.#open.get(key) ?? [];
    this.#open.set(key, attempts);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MOST_RUNS && oldest !== undefined) this.#open.delete(oldest);
    return attempts;
  }
}

function startedBy(event: Extract<TraceEvent, { kind: 'attempt-start' }>): AttemptRecord {
  return {
    number: event.attempt,
    target: event.target,
    route: event.route,
    role: event.role,
    startedAtMs: event.atMs,
    endedAtMs: undefined,
    outcome: undefined,
    fault: undefined,
    billedMicroUsd: 0,
    possiblyBilledMicroUsd: 0,
  };
}

function endAttempt(attempts: readonly AttemptRecord[] | undefined, event: Extract<TraceEvent, { kind: 'attempt-end' }>): void {
  const record = attempts?.find(({ number }) => number === event.attempt);
  if (record === undefined) return;
  record.endedAtMs = event.atMs;
  record.outcome = outcomeOf(event);
  record.fault = event.end.kind === 'failed' ? event.end.failure.fault : undefined;
  record.billedMicroUsd = event.billed;
  record.possiblyBilledMicroUsd = event.possiblyBilled;
}

export function outcomeOf({ end }: Extract<TraceEvent, { kind: 'attempt-end' }>): string {
  return end.kind === 'failed' ? end.failure.kind : end.kind;
}
