// Every counter of the gateway, by name: what docs/observability.md lists. A counter has the labels its meaning needs and
// no others; money is counted in whole micro-dollars, as everywhere.
import type { Meter } from '@opentelemetry/api';
import type { HedgeReason } from '../../domain/plan.ts';
import { GatheredCounter } from './gathered-counter.ts';

export type Counters = ReturnType<typeof countersOf>;

/** World seconds: from a quick preview to the longest render. */
const DURATION_BUCKETS = [0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600];

export const HEDGE_REASONS: readonly HedgeReason[] = ['gone-silent', 'tight-budget', 'much-faster'];

export function countersOf(meter: Meter) {
  const all: { handOver(): void }[] = [];
  const counter = <Label extends string>(name: string, labels: readonly Label[], description: string) => {
    const gathered = new GatheredCounter(meter.createCounter(`image_router_${name}`, { description }), labels);
    all.push(gathered);
    return gathered;
  };
  return {
    /** What was added up goes to the meter. */
    handOver: () => {
      for (const gathered of all) gathered.handOver();
    },
    requests: counter(
      'requests_total',
      ['endpoint', 'tier', 'status'],
      'Requests answered, by endpoint, status and tier; status 499: the caller left',
    ),
    duration: meter.createHistogram('image_router_request_duration_seconds', {
      description: 'World seconds from arrival to the last byte',
      advice: { explicitBucketBoundaries: DURATION_BUCKETS },
    }),
    bytes: counter('response_bytes_total', ['endpoint'], 'Bytes of answers'),
    deadlines: counter(
      'deadlines_total',
      ['policy', 'outcome'],
      'Image requests that were tried, by policy and whether an image came inside the budget',
    ),
    degraded: counter('degraded_total', ['tier'], 'Image requests answered with less than was asked for'),
    attemptStarts: counter(
      'attempt_starts_total',
      ['route', 'target', 'role'],
      'Upstream calls sent, by role: first, fallback, hedge, retry, probe',
    ),
    attempts: counter(
      'attempts_total',
      ['route', 'target', 'outcome', 'fault'],
      'Upstream calls that ended, by outcome and fault; not-sent: given up while queued',
    ),
    hedges: counter('hedges_total', ['route', 'target', 'reason'], 'Upstream calls sent beside one that still ran, by reason'),
    fallbacks: counter('fallbacks_total', ['route', 'target'], 'Upstream calls sent because another had ended without an image'),
    spend: counter('spend_micro_usd_total', ['route', 'target', 'certainty'], 'Millionths of a dollar, billed or possibly billed'),
    wasted: counter(
      'wasted_spend_micro_usd_total',
      ['route', 'target', 'certainty'],
      'Of the spend, what paid for calls whose image was not delivered',
    ),
    breakers: counter('breaker_changes_total', ['target', 'operation', 'to'], 'Breakers that changed their state'),
    defects: counter('defects_total', ['where'], 'Things that must not happen: bugs, records the store refused, and its outages'),
  };
}
