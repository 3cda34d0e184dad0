// What all runs of a router share: lanes, breakers, health, retries, and the watch over calls in flight. It turns calls
// that start and end into evidence, evidence into open breakers, and open breakers into new plans for running requests.
import type { Failure, Fault } from '../domain/failure.ts';
import type { LatencyShape } from '../domain/latency.ts';
import type { Target, TargetId } from '../domain/route.ts';
import type { InstantMs } from '../domain/time.ts';
import type { HealthView } from '../domain/view.ts';
import type { LatencyProfile, Operation, ProviderKind } from '../domain/vocabulary.ts';
import { createHealth, type Health } from '../health/health.ts';
import type { Provider } from '../providers/provider.ts';
import type { CancelTimer, Clock } from '../system/clock.ts';
import type { Ids } from '../system/ids.ts';
import type { Random } from '../system/random.ts';
import { type Listener, tell } from '../telemetry/event.ts';
import type { HealthNews, HealthNotice } from '../telemetry/health-news.ts';
import type { BreakerChange, Ticket } from './breaker.ts';
import { type Breakers, createBreakers } from './breakers.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { RetryEngine } from './retry.ts';

export type EngineOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly targets: readonly Target[];
  readonly providers: Readonly<Record<ProviderKind, Provider>>;
  readonly profile: LatencyProfile;
  readonly maxWaitingPerLane: number | undefined;
  readonly listener: Listener;
  /** What processes on the same store tell each other; undefined: there are none. */
  readonly news: HealthNews | undefined;
};

/** A run that wants to hear when beliefs about a target change. */
export interface Subscriber {
  healthChanged(target: TargetId, cause: string): void;
}

/** How a call ended, as far as health is concerned. */
export type CallReport = {
  readonly evidence: 'for' | 'against' | 'ignored';
  readonly latencyMs: number | undefined;
  readonly failure: Failure | undefined;
};

/** How often calls in flight are looked at, in world milliseconds: a hang on the fastest route shows within 22 s. */
const WATCH_INTERVAL_MS = 1_000;

/** Faults in which the provider said nothing. */
const WITHOUT_ANSWER: ReadonlySet<Fault> = new Set(['timeout', 'cancelled', 'connection-lost', 'connection-refused']);

export class Engine {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly targets: readonly Target[];
  readonly providers: Readonly<Record<ProviderKind, Provider>>;
  readonly lanes: Lanes;
  readonly breakers: Breakers;
  readonly health: Health;
  readonly retries: RetryEngine;
  readonly listener: Listener;
  readonly #subscribers = new Set<Subscriber>();
  readonly #concurrency: ReadonlyMap<TargetId, number>;
  readonly #profile: LatencyProfile;
  /** Hears of no call. */
  #unseen: Health | undefined;
  #inFlight = 0;
  #watch: CancelTimer | undefined;
  readonly #news: HealthNews | undefined;
  readonly #stopNews: (() => void) | undefined;

  constructor(options: EngineOptions) {
    this.#concurrency = new Map(options.targets.map((target) => [target.id, target.route.concurrency]));
    this.clock = options.clock;
    this.ids = options.ids;
    this.targets = options.targets;
    this.providers = options.providers;
    this.listener = options.listener;
    this.retries = new RetryEngine(options.random);
    this.#profile = options.profile;
    this.health = createHealth({ targets: options.targets, profile: options.profile });
    this.lanes = createLanes({
      concurrencyOf: (target) => this.#concurrency.get(target) ?? 1,
      ...(options.maxWaitingPerLane === undefined ? {} : { maxWaiting: options.maxWaitingPerLane }),
    });
    this.breakers = createBreakers({
      clock: options.clock,
      onChange: (change, isHearsay) => {
        if (!isHearsay) this.#publish(change);
        if (change.to === 'open') this.health.acknowledge(change.target, change.operation, change.at);
        tell(options.listener, { kind: 'breaker-change', ...change });
        this.#tell(change.target, `${change.target} is ${change.to}: ${change.reason}`);
      },
    });
    this.#news = options.news;
    this.#stopNews = options.news?.subscribe((notice) => this.#heed(notice));
  }

  /** The planner's view of every target at `now`, for a call that would wait with this priority. */
  viewAt(now: InstantMs, priority: number): HealthView {
    return (target, operation) => {
      const belief = this.health.view(target, operation, now);
      const { running, waiting } = this.lanes.depth(target);
      return {
        ...belief,
        target,
        admission: this.breakers.admission(target, operation),
        waiting,
        queueWaitMs: this.#queueWaitMs(target, running, priority, belief.latency),
      };
    };
  }

  /** The view once everything is well and nobody waits: what was believed before anything was seen. */
  viewOnceWell(now: InstantMs): HealthView {
    this.#unseen ??= createHealth({ targets: this.targets, profile: this.#profile });
    const unseen = this.#unseen;
    return (target, operation) => ({
      ...unseen.view(target, operation, now),
      target,
      admission: { kind: 'closed' },
      waiting: 0,
      queueWaitMs: 0,
    });
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  callStarted(id: string, target: TargetId, operation: Operation, shape: LatencyShape): void {
    this.health.callStarted({ id, target, operation, shape }, this.clock.now());
    this.#inFlight += 1;
    this.#watch ??= this.#watchLater();
  }

  callEnded(id: string, ticket: Ticket, report: CallReport): void {
    const { failure } = report;
    // A provider that says when to come back is alive: the delay holds calls back, the breaker need not.
    const namesDelay = failure?.fault === 'rate-limited' && failure.retryAfterMs !== undefined;
    const evidence = namesDelay ? 'ignored' : report.evidence;
    const end = {
      evidence,
      answered: failure === undefined || !WITHOUT_ANSWER.has(failure.fault),
      latencyMs: report.latencyMs,
      retryAfterMs: failure?.retryAfterMs,
      scope: failure?.scope ?? 'route',
    } as const;
    this.health.callEnded(id, end, this.clock.now());
    this.#inFlight -= 1;
    // An answer that says nothing about health (a refusal, a named delay) leaves a probe to the next call; a probe that was
    // cut off unanswered does not.
    this.breakers.settle(ticket, evidence === 'ignored' && end.answered ? 'unused' : evidence);
    if (failure?.kind === 'account') this.#openFor(failure, ticket);
    this.#raiseAlarms();
  }

  /** Stops the watch and the breakers' timers. */
  close(): void {
    this.#watch?.();
    this.#watch = undefined;
    this.#stopNews?.();
    this.breakers.close();
  }

  #publish({ target, operation, to, reason, at }: BreakerChange): void {
    if (this.#news === undefined || to === 'half-open') return;
    if (to === 'closed') {
      this.#news.publish({ target, operation, state: 'closed' });
      return;
    }
    const admission = this.breakers.admission(target, operation);
    const retryAt = admission.kind === 'open' ? admission.retryAt : undefined;
    this.#news.publish({ target, operation, state: 'open', reason, waitMs: Math.max(0, (retryAt ?? at) - at) });
  }

  /** Others may serve targets that this one does not. */
  #heed({ target, operation, ...news }: HealthNotice): void {
    if (!this.targets.some((known) => known.id === target && known.route.capabilities.operations.includes(operation))) return;
    this.breakers.heed(target, operation, news.state === 'open' ? { ...news, reason: `found by another process: ${news.reason}` } : news);
  }

  /** An account fault is no matter of statistics: the route, or every route of the endpoint, opens at once. */
  #openFor(failure: Failure, ticket: Ticket): void {
    const origin = this.targets.find((target) => target.id === ticket.target);
    const affected = this.targets.filter(
      (target) => target.id === ticket.target || (failure.scope === 'endpoint' && target.endpoint === origin?.endpoint),
    );
    for (const target of affected) {
      for (const operation of target.route.capabilities.operations) {
        this.breakers.trip(target.id, operation, `${failure.fault}: ${failure.message}`);
      }
    }
  }

  #raiseAlarms(): void {
    const now = this.clock.now();
    for (const { target, operation, cause } of this.health.alarms(now)) {
      this.breakers.trip(target, operation, cause === 'silent' ? 'calls in flight have gone silent' : 'too many calls fail');
      // Also when it was open already: an alarm left standing would re-open it at its first probe.
      this.health.acknowledge(target, operation, now);
    }
  }

  #watchLater(): CancelTimer {
    return this.clock.timer(
      WATCH_INTERVAL_MS,
      () => {
        this.#raiseAlarms();
        this.#watch = this.#inFlight > 0 ? this.#watchLater() : undefined;
      },
      { background: true },
    );
  }

  #tell(target: TargetId, cause: string): void {
    for (const subscriber of [...this.#subscribers]) subscriber.healthChanged(target, cause);
  }

  /** Calls ahead, served `concurrency` at a time, each for a typical latency. None while a place is free. */
  #queueWaitMs(target: TargetId, running: number, priority: number, latency: ReturnType<Health['view']>['latency']): number {
    const concurrency = this.#concurrency.get(target) ?? 1;
    if (running < concurrency) return 0;
    const typical = latency({ size: { width: 1024, height: 1024 }, resolution: undefined, n: 1, references: 0, complexity: 'normal' });
    return ((this.lanes.ahead(target, priority) + 1) / concurrency) * typical.quantile(0.5);
  }
}
