// OpenTelemetry traces, when somebody collects them: a span for each HTTP request, and under it one for each upstream call.
// Spans are made when the request has ended, from its records, with the times things really happened; while it runs nothing
// is held but those records. The calls of a caller who left may end after the request's span: they hang under it all the same.

import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { BoundedMap } from '../../domain/bounded-map.ts';
import type { InstantMs } from '../../domain/time.ts';
import type { Clock } from '../../system/clock.ts';
import type { HttpEvent } from '../http/http-event.ts';
import type { AttemptRecord, EndedRun } from './runs.ts';
import { callAttributes, type ModelOf, requestAttributes } from './span-attributes.ts';
import { readTraceparent } from './traceparent.ts';
import { type SdkLoader, startTracing } from './tracing-sdk.ts';

export type Spans = {
  run(ended: EndedRun): void;
  http(event: HttpEvent): void;
  /** Sends what is left to send. */
  close(): Promise<void>;
};

export type SpansOptions = {
  /** Base URL of an OTLP/HTTP collector: `http://127.0.0.1:4318`. */
  readonly otlpEndpoint: string;
  readonly clock: Clock;
  readonly modelOf: ModelOf;
  readonly loadSdk: SdkLoader;
};

type SpanParent = ReturnType<Span['spanContext']>;

/** Runs whose HTTP request has not ended, and requests whose caller left before their runs ended. */
const MOST_KEPT = 10_000;
/** Status of a request whose caller left before there was an answer. */
const CALLER_LEFT = 499;

/** Rejects with `invalid_config` when the packages are not installed. */
export async function createSpans({ otlpEndpoint, clock, modelOf, loadSdk }: SpansOptions): Promise<Spans> {
  const { tracer, close } = await startTracing(otlpEndpoint, loadSdk);
  const realTime = realTimeOf(clock);
  const runs = new BoundedMap<string, readonly EndedRun[]>(MOST_KEPT);
  const left = new BoundedMap<string, SpanParent>(MOST_KEPT);

  const callSpan = (parent: SpanParent, run: EndedRun, attempt: AttemptRecord): void => {
    const { startedAtMs, endedAtMs } = attempt;
    if (startedAtMs === undefined) return;
    const startTime = realTime(run.arrivedAt, startedAtMs);
    const span = tracer.startSpan(
      `generate_content ${modelOf(attempt.target)?.model ?? attempt.route}`,
      { kind: SpanKind.CLIENT, startTime, attributes: callAttributes(attempt, run, modelOf) },
      trace.setSpanContext(context.active(), parent),
    );
    if (attempt.outcome !== 'delivered') span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endedAtMs === undefined ? startTime : realTime(run.arrivedAt, endedAtMs));
  };

  const callSpans = (parent: SpanParent, traceId: string | undefined): void => {
    for (const run of runs.take(traceId ?? '') ?? []) for (const attempt of run.attempts) callSpan(parent, run, attempt);
  };

  const requestSpan = (event: Extract<HttpEvent, { kind: 'request-end' }>): void => {
    const endedAt = realTime(clock.now(), 0);
    const caller = readTraceparent(event.traceparent);
    const span = tracer.startSpan(
      `${event.method} ${event.endpoint}`,
      { kind: SpanKind.SERVER, startTime: endedAt - event.ms, attributes: requestAttributes(event) },
      caller === undefined ? context.active() : trace.setSpanContext(context.active(), caller),
    );
    if (event.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    callSpans(span.spanContext(), event.traceId);
    if (event.status === CALLER_LEFT) left.set(event.id, span.spanContext());
    span.end(endedAt);
  };

  return {
    run: (ended) => runs.set(ended.requestId, [...(runs.get(ended.requestId) ?? []), ended]),
    http: (event) => {
      if (event.kind === 'request-end') requestSpan(event);
      if (event.kind !== 'images-end') return;
      const parent = left.take(event.id);
      if (parent !== undefined) callSpans(parent, event.traceId);
    },
    close,
  };
}

/** Milliseconds since 1970 of something that happened so many world milliseconds after an instant: what a person's watch said. */
function realTimeOf(clock: Clock): (instant: InstantMs, worldMs: number) => number {
  // The world's date runs ahead of the real one by what the world's clock runs too fast, from the moment it was started.
  const startedAt = clock.wall().getTime() - clock.now();
  return (instant, worldMs) => startedAt + (instant + worldMs) / clock.speed;
}
