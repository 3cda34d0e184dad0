// What is believed of every target, folded from the calls that start and end: latency, success, silence, rate limits.
// It believes and warns; it admits nothing and refuses nothing (breakers do) and reads no clock (`now` is an argument), so
// the same calls give the same beliefs in production, in a test and under virtual time. Every map in it is bounded.
import { ByTarget } from '../domain/by-target.ts';
import type { LatencyDistribution, LatencyShape } from '../domain/latency.ts';
import type { Target, TargetId } from '../domain/route.ts';
import { after, type InstantMs } from '../domain/time.ts';
import type { LatencyProfile, Operation } from '../domain/vocabulary.ts';
import { type AlarmCause, Detector } from './detector.ts';
import { LearnedLatency } from './learned-latency.ts';
import { type Evidence, SuccessBelief } from './success.ts';

/** Longest silence a provider may ask for; a longer Retry-After is a misconfigured proxy's more often than a true quota's. */
const MAX_RETRY_AFTER_MS = 60 * 60_000;
/** A call that never ended is forgotten after two hours: no attempt lasts a tenth of that, so it is a leak. */
const OLDEST_CALL_MS = 2 * 60 * 60_000;
/** The exact shape people's summaries are given for. */
const TYPICAL_SHAPE: Omit<LatencyShape, 'resolution'> = { size: { width: 1024, height: 1024 }, n: 1, references: 0, complexity: 'normal' };

export type StartedCall = {
  /** Unique among calls in flight. */
  readonly id: string;
  readonly target: TargetId;
  readonly operation: Operation;
  readonly shape: LatencyShape;
};

export type CallEnd = {
  readonly evidence: Evidence;
  /** Whether the provider said anything: image, error or refusal. False for timeout, cancel and lost connection. */
  readonly answered: boolean;
  /** From send to last byte; only for a delivered image. */
  readonly latencyMs: number | undefined;
  /** The provider asked for silence; `scope` says for whom. */
  readonly retryAfterMs: number | undefined;
  readonly scope: 'route' | 'endpoint';
};

export type Alarm = { readonly target: TargetId; readonly operation: Operation; readonly cause: AlarmCause };

/** The parts of a `TargetView` that health knows. `latency` answers for the view's instant; ask while planning. */
export type TargetBelief = {
  readonly success: number;
  readonly notBefore: InstantMs | undefined;
  readonly silent: boolean;
  readonly inFlight: number;
  latency(shape: LatencyShape): LatencyDistribution;
};

/** One row for people, of a 1024x1024 image of normal complexity. */
export type HealthRow = {
  readonly target: TargetId;
  readonly operation: Operation;
  readonly latencyMsP50: number;
  readonly latencyMsP95: number;
  /** How much slower than its prior the route runs. */
  readonly drift: number;
  /** Images seen, faded by age. */
  readonly observations: number;
  readonly success: number;
  readonly inFlight: number;
  readonly oldestMs: number | undefined;
  /** The evidence of silence, 0 to about 12, where the alarm is. */
  readonly silence: number;
  readonly silent: boolean;
  readonly notBefore: InstantMs | undefined;
};

export interface Health {
  callStarted(call: StartedCall, now: InstantMs): void;
  /** Ends a call; an unknown id is ignored, since its call was forgotten. */
  callEnded(id: string, end: CallEnd, now: InstantMs): void;
  alarms(now: InstantMs): readonly Alarm[];
  /** The breaker opened: the alarm is answered and evidence starts afresh. */
  acknowledge(target: TargetId, operation: Operation, now: InstantMs): void;
  /** Throws RangeError for a target or operation the catalogue does not have, as every method here does. */
  view(target: TargetId, operation: Operation, now: InstantMs): TargetBelief;
  snapshot(now: InstantMs): readonly HealthRow[];
}

type Belief = {
  readonly target: Target;
  readonly operation: Operation;
  readonly latency: LearnedLatency;
  readonly success: SuccessBelief;
  /** What the endpoint's other routes have seen. */
  readonly siblings: SuccessBelief[];
  readonly detector: Detector;
  /** Start of every call in flight, oldest first. */
  readonly inFlight: Map<string, InstantMs>;
  notBefore: InstantMs | undefined;
};

type Flight = { readonly belief: Belief; readonly shape: LatencyShape; readonly startedAt: InstantMs };

export function createHealth(options: { readonly targets: readonly Target[]; readonly profile: LatencyProfile }): Health {
  const beliefs = createBeliefs(options.targets, options.profile);
  const all = beliefs.values();
  /** Calls in flight, oldest first. */
  const flights = new Map<string, Flight>();

  return {
    callStarted: (call, now) => {
      forgetLeaked(flights, now);
      if (flights.has(call.id)) throw new RangeError(`call ids must be unique among calls in flight, got "${call.id}" twice`);
      const belief = find(beliefs, call.target, call.operation);
      flights.set(call.id, { belief, shape: call.shape, startedAt: now });
      belief.inFlight.set(call.id, now);
      const medianMs = belief.latency.distribution(call.shape, now).quantile(0.5);
      belief.detector.callStarted(call.id, medianMs, belief.latency.observations(now), now);
    },
    callEnded: (id, end, now) => {
      const flight = flights.get(id);
      if (flight === undefined) return;
      flights.delete(id);
      flight.belief.inFlight.delete(id);
      flight.belief.detector.callEnded(id, end, now);
      flight.belief.success.record(end.evidence, now);
      if (end.latencyMs !== undefined) flight.belief.latency.record(flight.shape, end.latencyMs, now);
      if (end.retryAfterMs !== undefined) holdBack(all, flight.belief, end.scope, end.retryAfterMs, now);
    },
    alarms: (now) => all.flatMap((belief) => alarmOf(belief, now)),
    acknowledge: (target, operation, now) => find(beliefs, target, operation).detector.acknowledge(now),
    view: (target, operation, now) => viewOf(find(beliefs, target, operation), now),
    snapshot: (now) => all.map((belief) => rowOf(belief, now)),
  };
}

function createBeliefs(targets: readonly Target[], profile: LatencyProfile): ByTarget<Belief> {
  const beliefs = new ByTarget<Belief>();
  for (const target of targets) {
    const prior = target.route.latency[profile].success;
    for (const operation of new Set(target.route.capabilities.operations)) {
      beliefs.add(target.id, operation, {
        target,
        operation,
        latency: new LearnedLatency(target.route.latency, profile),
        success: new SuccessBelief(prior),
        siblings: [],
        detector: new Detector(prior),
        inFlight: new Map(),
        notBefore: undefined,
      });
    }
  }
  for (const belief of beliefs.values()) {
    for (const other of beliefs.values()) {
      if (other !== belief && other.target.endpoint === belief.target.endpoint) belief.siblings.push(other.success);
    }
  }
  return beliefs;
}

function find(beliefs: ByTarget<Belief>, target: TargetId, operation: Operation): Belief {
  const belief = beliefs.get(target, operation);
  if (belief === undefined) throw new RangeError(`health must know every target, got ${target} for "${operation}"`);
  return belief;
}

function forgetLeaked(flights: Map<string, Flight>, now: InstantMs): void {
  for (const [id, flight] of flights) {
    if (now - flight.startedAt <= OLDEST_CALL_MS) return;
    flights.delete(id);
    flight.belief.inFlight.delete(id);
  }
}

/** A rate limit counts per model, so `endpoint` holds every route of the endpoint that asks for the same one. */
function holdBack(all: readonly Belief[], asked: Belief, scope: 'route' | 'endpoint', retryAfterMs: number, now: InstantMs): void {
  const until = after(now, Math.min(Math.max(0, retryAfterMs), MAX_RETRY_AFTER_MS));
  const { target } = asked;
  for (const belief of all) {
    const other = belief.target;
    const sharesLimit = other.endpoint === target.endpoint && other.route.model === target.route.model;
    if (other.id !== target.id && !(scope === 'endpoint' && sharesLimit)) continue;
    if (belief.notBefore === undefined || belief.notBefore < until) belief.notBefore = until;
  }
}

function notBeforeOf(belief: Belief, now: InstantMs): InstantMs | undefined {
  return belief.notBefore !== undefined && belief.notBefore > now ? belief.notBefore : undefined;
}

/** Success posterior, times the probability that the route has not gone silent meanwhile: open is only its limit. */
function successOf(belief: Belief, now: InstantMs): number {
  return belief.success.estimate(belief.siblings, now) * Math.max(1e-3, 1 - belief.detector.suspicion(now));
}

function alarmOf(belief: Belief, now: InstantMs): readonly Alarm[] {
  const verdict = belief.detector.verdict(now);
  return verdict.kind === 'alarm' ? [{ target: belief.target.id, operation: belief.operation, cause: verdict.cause }] : [];
}

function viewOf(belief: Belief, now: InstantMs): TargetBelief {
  return {
    success: successOf(belief, now),
    notBefore: notBeforeOf(belief, now),
    silent: belief.detector.isSilent(now),
    inFlight: belief.inFlight.size,
    latency: (shape) => belief.latency.distribution(shape, now),
  };
}

function rowOf(belief: Belief, now: InstantMs): HealthRow {
  const { sizes } = belief.target.route.capabilities;
  const resolution = sizes.kind === 'ratios' ? Object.keys(sizes.resolutions)[0] : undefined;
  const typical = belief.latency.distribution({ ...TYPICAL_SHAPE, resolution }, now);
  const oldest = belief.inFlight.values().next();
  return {
    target: belief.target.id,
    operation: belief.operation,
    latencyMsP50: typical.quantile(0.5),
    latencyMsP95: typical.quantile(0.95),
    drift: belief.latency.drift(now),
    observations: belief.latency.observations(now),
    success: successOf(belief, now),
    inFlight: belief.inFlight.size,
    oldestMs: oldest.done ? undefined : now - oldest.value,
    silence: belief.detector.silence(now),
    silent: belief.detector.isSilent(now),
    notBefore: notBeforeOf(belief, now),
  };
}
