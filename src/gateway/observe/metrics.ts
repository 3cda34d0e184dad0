// Prometheus metrics of a gateway, folded from what it tells of itself. Labels are routes, targets, tiers, policies, outcomes
// and endpoints: names from the configuration or this code, never ids or anything a caller wrote, so their number is
// bounded. Counters are kept by OpenTelemetry's SDK and written in Prometheus' own format when somebody asks.
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { TraceEvent } from '../../domain/trace.ts';
import type { TargetHealth } from '../../index.ts';
import type { Clock } from '../../system/clock.ts';
import type { RouterEvent } from '../../telemetry/event.ts';
import type { HttpEvent, ImageFacts } from '../http/http-event.ts';
import { Calibration } from './calibration.ts';
import { type Counters, countersOf, HEDGE_REASONS } from './counters.ts';
import { monitorEventLoop } from './event-loop.ts';
import { addGauges, BreakerStates, type Gauges } from './gauges.ts';
import type { AttemptRecord, EndedRun, Told } from './runs.ts';

export type Metrics = {
  router(event: RouterEvent, told: Told): void;
  http(event: HttpEvent): void;
  defect(where: string): void;
  /** Prometheus text exposition format 0.0.4. */
  text(): Promise<string>;
  close(): Promise<void>;
};

export function createMetrics(gauges: Gauges, clock: Clock): Metrics {
  const reader = new PulledReader();
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('image-router');
  const counters = countersOf(meter);
  const calibration = new Calibration();
  const breakers = new BreakerStates();
  const eventLoop = monitorEventLoop(clock);
  // Read once for all gauges: the learned quantiles of every target take their time.
  let rows: readonly TargetHealth[] = [];
  addGauges(meter, { gauges: { health: () => rows, load: gauges.load }, breakers, calibration, eventLoop });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  const seeded = new Set<string>();
  return {
    router: (event, told) => {
      if (event.kind === 'breaker-change') {
        breakers.take(event);
        counters.breakers.add(1, { target: event.target, operation: event.operation, to: event.to });
        return;
      }
      if (told.attempt !== undefined) countAttempt(counters, event.event.kind, told.attempt);
      if (told.ended === undefined) return;
      calibration.add(told.ended);
      countWaste(counters, told.ended);
    },
    http: (event) => countHttp(counters, event, clock.speed),
    defect: (where) => counters.defects.add(1, { where }),
    text: async () => {
      rows = gauges.health();
      for (const row of rows) {
        if (!seeded.has(row.target)) seed(counters, { route: row.route, target: row.target });
        seeded.add(row.target);
      }
      counters.handOver();
      return serializer.serialize((await reader.collect()).resourceMetrics);
    },
    close: async () => {
      eventLoop.close();
      await provider.shutdown();
    },
  };
}

/** Collects when asked; nobody is pushed anything. */
class PulledReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** A series that starts at 1 has no rate: what may happen to a target is counted from 0 on. */
function seed(counters: Counters, labels: { readonly route: string; readonly target: string }): void {
  counters.attemptStarts.add(0, { ...labels, role: 'first' });
  counters.attempts.add(0, { ...labels, outcome: 'delivered' });
  counters.fallbacks.add(0, labels);
  for (const reason of HEDGE_REASONS) counters.hedges.add(0, { ...labels, reason });
  for (const certainty of ['billed', 'possibly']) {
    counters.spend.add(0, { ...labels, certainty });
    counters.wasted.add(0, { ...labels, certainty });
  }
}

function countHttp(counters: Counters, event: HttpEvent, speed: number): void {
  switch (event.kind) {
    case 'request-start':
      return;
    case 'request-defect':
      counters.defects.add(1, { where: event.where });
      return;
    case 'images-end':
      countImages(counters, event);
      return;
    case 'request-end': {
      const { endpoint, status, tier } = event;
      counters.requests.add(1, { endpoint, tier, status });
      counters.duration.record((event.ms * speed) / 1_000, tier === undefined ? { endpoint } : { endpoint, tier });
      counters.bytes.add(event.bytes, { endpoint });
      return;
    }
  }
}

function countImages(counters: Counters, { policy, tier, degraded, deadlineMet }: ImageFacts): void {
  if (degraded === true && tier !== undefined) counters.degraded.add(1, { tier });
  if (deadlineMet === undefined || policy === undefined) return;
  counters.deadlines.add(1, { policy, outcome: deadlineMet ? 'met' : 'missed' });
}

function countAttempt(counters: Counters, kind: TraceEvent['kind'], attempt: AttemptRecord): void {
  const { route, target, role, hedge, outcome, fault } = attempt;
  if (kind === 'attempt-start') {
    counters.attemptStarts.add(1, { route, target, role });
    if (hedge !== undefined) counters.hedges.add(1, { route, target, reason: hedge });
    if (role === 'fallback') counters.fallbacks.add(1, { route, target });
  }
  if (kind === 'attempt-end') {
    counters.attempts.add(1, { route, target, outcome, fault });
    countMoney(counters.spend, attempt);
  }
}

function countMoney(counter: Counters['spend'], { route, target, billedMicroUsd, possiblyBilledMicroUsd }: AttemptRecord): void {
  if (billedMicroUsd > 0) counter.add(billedMicroUsd, { route, target, certainty: 'billed' });
  if (possiblyBilledMicroUsd > 0) counter.add(possiblyBilledMicroUsd, { route, target, certainty: 'possibly' });
}

function countWaste(counters: Counters, { attempts, delivered }: EndedRun): void {
  for (const attempt of attempts) if (attempt.number !== delivered) countMoney(counters.wasted, attempt);
}
