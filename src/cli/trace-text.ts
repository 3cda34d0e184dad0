// Steps of a request in words: the progress people watch, and the account they read afterwards. Steps that only repeat
// what the next one says are silent.
import type { AttemptEnd, NotSentReason } from '../domain/failure.ts';
import { dollars } from '../domain/money.ts';
import type { RunPart, TraceEvent } from '../domain/trace.ts';
import { planJson, priceJson } from './plan-text.ts';

const NOT_SENT: Readonly<Record<NotSentReason, string>> = {
  'breaker-open': 'its breaker is open',
  'lane-full': 'its queue is full',
  'too-late': 'it came too late',
  'no-longer-needed': 'it is no longer needed',
};

/** One line without its time; undefined for steps not worth one. Steps of a part of the request say which. */
export function describeEvent(event: TraceEvent): string | undefined {
  const text = describeStep(event);
  return text === undefined || event.part === undefined ? text : `${partName(event.part)}: ${text}`;
}

/** `preview`, or `image 2`. */
export function partName(part: RunPart): string {
  return part === 'preview' ? 'preview' : `image ${part}`;
}

function describeStep(event: TraceEvent): string | undefined {
  switch (event.kind) {
    case 'plan':
      return event.cause === 'request' || event.plan.kind === 'infeasible' ? undefined : replanned(event.plan.attempts.length, event.cause);
    case 'attempt-queued':
      return undefined;
    case 'attempt-start':
      return describeStart(event);
    case 'attempt-abort':
      return `attempt ${event.attempt} given up: ${event.cause}`;
    case 'attempt-end':
      return describeEnd(event.target, event.end);
    case 'image-held':
      return `image of attempt ${event.attempt} is below the need and held: ${event.cause}`;
    case 'caller-gone':
      return 'the caller left';
    case 'deadline':
      return 'the deadline is here';
    case 'end':
      return undefined;
  }
}

/** A second call says why there is one: it costs money. */
function describeStart({ role, target, cause }: Extract<TraceEvent, { kind: 'attempt-start' }>): string {
  switch (role) {
    case 'first':
      return `sent to ${target}`;
    case 'fallback':
      return `fallback to ${target}: ${cause}`;
    case 'retry':
      return `sent to ${target} again: ${cause}`;
    case 'hedge':
      return `hedge, a second call to ${target}: ${cause}`;
    case 'probe':
      return `probe, one call to see whether ${target} is back`;
  }
}

function replanned(attempts: number, cause: string): string | undefined {
  return attempts === 0 ? undefined : `planned anew: ${cause}`;
}

function describeEnd(target: string, end: AttemptEnd): string | undefined {
  switch (end.kind) {
    case 'delivered':
      return `${target} delivered`;
    case 'failed':
      return end.failure.fault === 'cancelled' ? undefined : `${target} failed: ${end.failure.fault}, ${end.failure.message}`;
    case 'not-sent':
      return end.reason === 'no-longer-needed' ? undefined : `${target} not sent: ${NOT_SENT[end.reason]}`;
  }
}

/** What waiting is for, while nothing happens. */
export function describeWaiting(event: TraceEvent): string | undefined {
  if (event.kind === 'attempt-queued') return `queued for ${event.target}`;
  if (event.kind === 'attempt-start') return `${event.role === 'first' ? '' : `${event.role}: `}waiting for ${event.target}`;
  return undefined;
}

/** An event with its money in dollars. */
export function eventJson(event: TraceEvent): Record<string, unknown> {
  switch (event.kind) {
    case 'plan':
      return { ...event, plan: planJson(event.plan) };
    case 'attempt-start':
      return { ...event, price: priceJson(event.price) };
    case 'attempt-end':
    case 'end': {
      const { billed, possiblyBilled, ...rest } = event;
      return { ...rest, billedUsd: dollars(billed), possiblyBilledUsd: dollars(possiblyBilled) };
    }
    default:
      return { ...event };
  }
}
