// Puts the steps of a request's runs back together: what its plan promised, which calls were made, as what, how each ended
// and what it cost, and which of them was delivered. Metrics and spans are made from these records. A run leaves the book
// when it ends; whatever happened to the HTTP request it was for is not its business.
import { BoundedMap } from '../../domain/bounded-map.ts';
import type { HedgeReason } from '../../domain/plan.ts';
import type { Usage } from '../../domain/price.ts';
import type { TargetId } from '../../domain/route.ts';
import { after, type InstantMs } from '../../domain/time.ts';
import type { RunPart, TraceEvent } from '../../domain/trace.ts';
import type { RouteId } from '../../domain/vocabulary.ts';

export type AttemptRole = Extract<TraceEvent, { kind: 'attempt-start' }>['role'];

/** Times are world milliseconds since the request arrived. */
export type AttemptRecord = {
  readonly number: number;
  readonly target: TargetId;
  readonly route: RouteId;
  readonly queuedAtMs: number;
  /** Undefined until it is sent; for ever where it never was. */
  startedAtMs: number | undefined;
  role: AttemptRole | undefined;
  hedge: HedgeReason | undefined;
  endedAtMs: number | undefined;
  /** `delivered`, a kind of failure, or `not-sent`; undefined while it runs. */
  outcome: string | undefined;
  /** The cause behind the kind: `timeout`, `rate-limited`... */
  fault: string | undefined;
  /** Of the provider's answer, where it was a failure and had one. */
  httpStatus: number | undefined;
  billedMicroUsd: number;
  possiblyBilledMicroUsd: number;
  usage: Usage | undefined;
};

export type EndedRun = {
  readonly requestId: string;
  readonly part: RunPart | undefined;
  readonly arrivedAt: InstantMs;
  readonly attempts: readonly AttemptRecord[];
  /** The number of the delivered attempt. */
  readonly delivered: number | undefined;
  /** The chance its first plan gave it; undefined where there was no plan. */
  readonly chance: number | undefined;
  /**
   * Whether the plan's promise came true. `void`: it says nothing about the plan, because the caller left or the prompt
   * itself was turned down.
   */
  readonly verdict: 'met' | 'missed' | 'void';
};

/** What one event was about. */
export type Told = { readonly attempt: AttemptRecord | undefined; readonly ended: EndedRun | undefined };

type OpenRun = { readonly arrivedAt: InstantMs; chance: number | undefined; readonly attempts: AttemptRecord[] };

/** Runs open at once; a gateway turns work away long before. */
const MOST_RUNS = 200_000;
/** Ends that no plan foresees and no route is to blame for. */
const OF_THE_PROMPT: ReadonlySet<string> = new Set(['refused', 'invalid']);

export class RunBook {
  readonly #open = new BoundedMap<string, OpenRun>(MOST_RUNS);

  take(requestId: string, event: TraceEvent, now: InstantMs): Told {
    const key = event.part === undefined ? requestId : `${requestId}/${event.part}`;
    switch (event.kind) {
      case 'plan':
        if (event.plan.kind === 'plan') this.#runFor(key, event, now).chance ??= event.plan.chance;
        return NOTHING;
      case 'attempt-queued':
        return { attempt: queue(this.#runFor(key, event, now), event), ended: undefined };
      case 'attempt-start':
        return { attempt: start(this.#runFor(key, event, now), event), ended: undefined };
      case 'attempt-end':
        return { attempt: end(this.#open.get(key), event), ended: undefined };
      case 'end':
        return { attempt: undefined, ended: this.#close(key, requestId, event, now) };
      default:
        return NOTHING;
    }
  }

  #runFor(key: string, { atMs }: TraceEvent, now: InstantMs): OpenRun {
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const run: OpenRun = { arrivedAt: after(now, -atMs), chance: undefined, attempts: [] };
    this.#open.set(key, run);
    return run;
  }

  #close(key: string, requestId: string, event: Extract<TraceEvent, { kind: 'end' }>, now: InstantMs): EndedRun {
    const run = this.#open.take(key);
    const { arrivedAt = after(now, -event.atMs), chance, attempts = [] } = run ?? {};
    const delivered = event.end === 'delivered' ? event.attempt : undefined;
    return { requestId, part: event.part, arrivedAt, attempts, delivered, chance, verdict: verdictOf(event.end, attempts) };
  }
}

const NOTHING: Told = { attempt: undefined, ended: undefined };

function verdictOf(end: 'delivered' | 'failed' | 'cancelled', attempts: readonly AttemptRecord[]): EndedRun['verdict'] {
  if (end === 'delivered') return 'met';
  if (end === 'cancelled') return 'void';
  return attempts.some(({ outcome }) => OF_THE_PROMPT.has(outcome ?? '')) ? 'void' : 'missed';
}

function queue(run: OpenRun, event: Extract<TraceEvent, { kind: 'attempt-queued' | 'attempt-start' }>): AttemptRecord {
  const record: AttemptRecord = {
    number: event.attempt,
    target: event.target,
    route: event.route,
    queuedAtMs: event.atMs,
    startedAtMs: undefined,
    role: undefined,
    hedge: undefined,
    endedAtMs: undefined,
    outcome: undefined,
    fault: undefined,
    httpStatus: undefined,
    billedMicroUsd: 0,
    possiblyBilledMicroUsd: 0,
    usage: undefined,
  };
  run.attempts.push(record);
  return record;
}

function start(run: OpenRun, event: Extract<TraceEvent, { kind: 'attempt-start' }>): AttemptRecord {
  const record = run.attempts.find(({ number }) => number === event.attempt) ?? queue(run, event);
  record.startedAtMs = event.atMs;
  record.role = event.role;
  record.hedge = event.hedge;
  return record;
}

function end(run: OpenRun | undefined, event: Extract<TraceEvent, { kind: 'attempt-end' }>): AttemptRecord | undefined {
  const record = run?.attempts.find(({ number }) => number === event.attempt);
  if (record === undefined) return undefined;
  const failure = event.end.kind === 'failed' ? event.end.failure : undefined;
  record.endedAtMs = event.atMs;
  record.outcome = failure?.kind ?? event.end.kind;
  record.fault = failure?.fault;
  record.httpStatus = failure?.status;
  record.billedMicroUsd = event.billed;
  record.possiblyBilledMicroUsd = event.possiblyBilled;
  record.usage = event.usage;
  return record;
}
