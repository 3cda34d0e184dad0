// What is true when metrics are read: breakers, lanes, beliefs, load, memory, the event loop; and the sums of the plans'
// calibration, which are kept elsewhere. Nothing here is computed until somebody asks.
import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import type { TargetHealth } from '../../index.ts';
import type { RouterEvent } from '../../telemetry/event.ts';
import type { Calibration, Tenth } from './calibration.ts';
import type { EventLoopMonitor } from './event-loop.ts';

/** What is true now, asked when metrics are read. */
export type Gauges = {
  readonly health: () => readonly TargetHealth[];
  /** Image requests that run, and bytes of pictures held for their callers. */
  readonly load: () => { readonly running: number; readonly heldBytes: number };
};

type BreakerChange = Extract<RouterEvent, { kind: 'breaker-change' }>;

/** A breaker whose probe is in flight admits nobody and is half-open all the same: only its changes tell. */
export class BreakerStates {
  readonly #last = new Map<string, BreakerChange['to']>();

  take({ target, operation, to }: BreakerChange): void {
    this.#last.set(`${target} ${operation}`, to);
  }

  /** 0 closed, 1 half-open, 2 open. */
  of({ target, operation, admission }: TargetHealth): 0 | 1 | 2 {
    if (admission.kind === 'closed') return 0;
    return admission.kind === 'probe' || this.#last.get(`${target} ${operation}`) === 'half-open' ? 1 : 2;
  }
}

export type Sources = {
  readonly gauges: Gauges;
  readonly breakers: BreakerStates;
  readonly calibration: Calibration;
  readonly eventLoop: EventLoopMonitor;
};

export function addGauges(meter: Meter, sources: Sources): void {
  const gauge = (name: string, description: string, observe: (result: ObservableResult) => void): void =>
    meter.createObservableGauge(`image_router_${name}`, { description }).addCallback(observe);
  addTargetGauges(gauge, sources);
  addProcessGauges(gauge, sources);
  addCalibration(meter, sources.calibration);
}

type AddGauge = (name: string, description: string, observe: (result: ObservableResult) => void) => void;

function addTargetGauges(gauge: AddGauge, { gauges, breakers }: Sources): void {
  const perRow = (name: string, description: string, figure: (row: TargetHealth) => number): void =>
    gauge(name, description, (result) => {
      for (const row of gauges.health()) result.observe(figure(row), { ...labelsOf(row), operation: row.operation });
    });
  perRow('breaker_state', '0 closed, 1 half-open, 2 open', (row) => breakers.of(row));
  perRow('success_belief', 'Believed probability that a call ends in an image', (row) => row.success);
  gauge('latency_belief_seconds', 'Learned latency of one 1024x1024 image, in world seconds', (result) => {
    for (const row of gauges.health()) {
      const labels = { ...labelsOf(row), operation: row.operation };
      result.observe(row.latencyMsP50 / 1_000, { ...labels, quantile: '0.5' });
      result.observe(row.latencyMsP95 / 1_000, { ...labels, quantile: '0.95' });
    }
  });
  // A lane serves all operations of a target: one series each, so that sums are true.
  const perLane = (name: string, description: string, figure: (row: TargetHealth) => number): void =>
    gauge(name, description, (result) => {
      const lanes = new Map(gauges.health().map((row) => [row.target, row]));
      for (const row of lanes.values()) result.observe(figure(row), labelsOf(row));
    });
  perLane('lane_waiting', 'Calls waiting in front of a target', (row) => row.waiting);
  perLane('lane_running', 'Calls running at a target', (row) => row.running);
}

function addProcessGauges(gauge: AddGauge, { gauges, eventLoop }: Sources): void {
  gauge('open_requests', 'Image requests that run', (result) => result.observe(gauges.load().running));
  gauge('held_bytes', 'Bytes of pictures held for callers', (result) => result.observe(gauges.load().heldBytes));
  gauge('event_loop_lag_seconds', 'Delay of the event loop in the last minute or two, real seconds; quantile 1: the longest', (result) => {
    const { p50, p99, max } = eventLoop.read();
    result.observe(p50, { quantile: '0.5' });
    result.observe(p99, { quantile: '0.99' });
    result.observe(max, { quantile: '1' });
  });
  gauge('resident_memory_bytes', 'Resident memory of the process', (result) => result.observe(process.memoryUsage.rss()));
}

function addCalibration(meter: Meter, { tenths }: Calibration): void {
  const sum = (name: string, description: string, figure: (tenth: Tenth) => number): void =>
    meter.createObservableCounter(`image_router_${name}`, { description }).addCallback((result) => {
      for (const tenth of tenths) result.observe(figure(tenth), { chance: tenth.chance });
    });
  sum('predictions_total', 'Runs whose first plan gave a chance in this tenth', (tenth) => tenth.runs);
  sum('predicted_chance_total', 'The chances they were given, added up', (tenth) => tenth.chanceSum);
  sum('predictions_met_total', 'Of these runs, the ones whose image came in time', (tenth) => tenth.met);
}

function labelsOf({ route, target }: TargetHealth): Attributes {
  return { route, target };
}
