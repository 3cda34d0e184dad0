// Prometheus metrics of a gateway, folded from what it tells of itself. Labels are routes, tiers, outcomes and endpoints:
// names from configuration, never ids or anything a caller wrote, so their number is bounded. Counters are kept by
// OpenTelemetry's SDK and written in Prometheus' own format; gauges are read when somebody asks.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { TargetHealth } from '../../index.ts';
import type { RouterEvent } from '../../telemetry/event.ts';
import type { HttpEvent } from '../http/http-event.ts';
import { type EndedRun, outcomeOf } from './attempts.ts';

/** What is true now, asked when metrics are read. */
export type Gauges = {
  readonly health: () => readonly TargetHealth[];
  /** Image requests that run, and bytes of pictures held for their callers. */
  readonly load: () => { readonly running: number; readonly heldBytes: number };
};

export type Metrics = {
  router(event: RouterEvent, ended: EndedRun | undefined): void;
  http(event: HttpEvent): void;
  /** Prometheus text exposition format 0.0.4. */
  text(): Promise<string>;
  close(): Promise<void>;
};

/** From a preview to the longest render, in seconds. */
const DURATION_BUCKETS = [0.05, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600];
/** Event-loop delay is sampled this often, in milliseconds. */
const LAG_RESOLUTION_MS = 20;
const BREAKER_STATES = { closed: 0, probe: 1, open: 2 } as const;

export function createMetrics(gauges: Gauges): Metrics {
  const reader = new PulledReader();
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('image-router');
  const counters = countersOf(meter);
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  addGauges(meter, gauges, lag);
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return {
    router: (event, ended) => countRouter(counters, event, ended),
    http: (event) => countHttp(counters, event),
    text: async () => serializer.serialize((await reader.collect()).resourceMetrics),
    close: async () => {
      lag.disable();
      await provider.shutdown();
    },
  };
}

/** Collects when asked; nobody is pushed anything. */
class PulledReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

type Counters = ReturnType<typeof countersOf>;

function countersOf(meter: Meter) {
  const counter = (name: string, description: string, unit?: string) =>
    meter.createCounter(`image_router_${name}`, { description, ...(unit === undefined ? {} : { unit }) });
  return {
    requests: counter('requests_total', 'Requests answered, by endpoint, status and tier'),
    duration: meter.createHistogram('image_router_request_duration_seconds', {
      description: 'Real seconds from arrival to the last byte',
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    }),
    bytes: counter('response_bytes_total', 'Bytes of answers'),
    deadlines: counter('deadlines_total', 'Image requests by whether an image came inside the budget'),
    predictions: counter('predictions_total', 'Image requests by the chance their first plan predicted, in tenths'),
    predictionsMet: counter('predictions_met_total', 'Of these, the ones that were in time'),
    degraded: counter('degraded_total', 'Images below what was asked for'),
    attemptStarts: counter('attempt_starts_total', 'Upstream calls by route and role: first, fallback, hedge, retry, probe'),
    attempts: counter('attempts_total', 'Upstream calls that ended, by route and outcome'),
    spend: counter('spend_micro_usd_total', 'Millionths of a dollar, billed or possibly billed'),
    wasted: counter('wasted_spend_micro_usd_total', 'Of the spend, what paid for images that were not delivered'),
    breakers: counter('breaker_changes_total', 'Breakers that changed their state'),
    defects: counter('defects_total', 'Things that must not happen: bugs, and records a disk did not take'),
  };
}

function countHttp(counters: Counters, event: HttpEvent): void {
  if (event.kind === 'request-defect') counters.defects.add(1, { where: event.where });
  if (event.kind !== 'request-end') return;
  const { endpoint, tier, predictedChance } = event;
  counters.requests.add(1, { endpoint, status: event.status, ...(tier === undefined ? {} : { tier }) });
  counters.duration.record(event.ms / 1_000, { endpoint });
  counters.bytes.add(event.bytes, { endpoint });
  if (event.degraded === true) counters.degraded.add(1, { ...(tier === undefined ? {} : { tier }) });
  if (event.deadlineMet === undefined) return;
  counters.deadlines.add(1, { outcome: event.deadlineMet ? 'met' : 'missed' });
  if (predictedChance === undefined) return;
  const chance = { chance: tenthOf(predictedChance) };
  counters.predictions.add(1, chance);
  counters.predictionsMet.add(event.deadlineMet ? 1 : 0, chance);
}

/** `0.9-1.0`. */
function tenthOf(chance: number): string {
  const tenth = Math.min(9, Math.max(0, Math.floor(chance * 10)));
  return `${(tenth / 10).toFixed(1)}-${((tenth + 1) / 10).toFixed(1)}`;
}

function countRouter(counters: Counters, told: RouterEvent, ended: EndedRun | undefined): void {
  if (told.kind === 'breaker-change') {
    counters.breakers.add(1, { target: told.target, operation: told.operation, to: told.to });
    return;
  }
  const { event } = told;
  if (event.kind === 'attempt-start') counters.attemptStarts.add(1, { route: event.route, role: event.role });
  if (event.kind === 'attempt-end') {
    counters.attempts.add(1, { target: event.target, outcome: outcomeOf(event) });
    counters.spend.add(event.billed, { target: event.target, certainty: 'billed' });
    counters.spend.add(event.possiblyBilled, { target: event.target, certainty: 'possibly' });
  }
  for (const attempt of ended?.attempts ?? []) {
    if (attempt.number === ended?.delivered) continue;
    counters.wasted.add(attempt.billedMicroUsd + attempt.possiblyBilledMicroUsd, { target: attempt.target });
  }
}

function addGauges(meter: Meter, gauges: Gauges, lag: ReturnType<typeof monitorEventLoopDelay>): void {
  const gauge = (name: string, description: string, observe: (result: ObservableResult) => void): void =>
    meter.createObservableGauge(`image_router_${name}`, { description }).addCallback(observe);
  const perTarget = (name: string, description: string, figure: (row: TargetHealth) => number): void =>
    gauge(name, description, (result) => {
      for (const row of gauges.health()) result.observe(figure(row), targetLabels(row));
    });
  perTarget('breaker_state', '0 closed, 1 lets a probe through, 2 open', (row) => BREAKER_STATES[row.admission.kind]);
  perTarget('lane_waiting', 'Requests waiting in front of a target', (row) => row.waiting);
  perTarget('calls_in_flight', 'Upstream calls running', (row) => row.inFlight);
  perTarget('success_belief', 'Believed probability that a call ends in an image', (row) => row.success);
  gauge('latency_belief_seconds', 'Learned latency of one 1024x1024 image, in world seconds', (result) => {
    for (const row of gauges.health()) {
      result.observe(row.latencyMsP50 / 1_000, { ...targetLabels(row), quantile: '0.5' });
      result.observe(row.latencyMsP95 / 1_000, { ...targetLabels(row), quantile: '0.95' });
    }
  });
  gauge('open_requests', 'Image requests that run', (result) => result.observe(gauges.load().running));
  gauge('held_bytes', 'Bytes of pictures held for callers', (result) => result.observe(gauges.load().heldBytes));
  gauge('event_loop_lag_seconds', 'Delay of the event loop since metrics were last read', (result) => {
    for (const quantile of [0.5, 0.99]) result.observe(lag.percentile(quantile * 100) / 1e9, { quantile: String(quantile) });
    result.observe(lag.max / 1e9, { quantile: '1' });
    lag.reset();
  });
  gauge('resident_memory_bytes', 'Resident memory of the process', (result) => result.observe(process.memoryUsage.rss()));
}

function targetLabels({ target, operation }: TargetHealth): Attributes {
  return { target, operation };
}
