// OpenTelemetry traces, when somebody collects them: a span for each HTTP request, and under it one for each upstream call,
// with the GenAI conventions' names (their literals are written out: the conventions are still in development). Spans are
// made when the request has ended, from its records, with the times things really happened; while it runs nothing is held
// but those records. The SDK is an optional peer: it is loaded only when an endpoint is configured.
import { context, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { ImageRouterError } from '../../domain/error.ts';
import type { HttpEvent } from '../http/http-event.ts';
import type { AttemptRecord, EndedRun } from './attempts.ts';

export type Spans = {
  run(ended: EndedRun): void;
  http(event: HttpEvent): void;
  close(): Promise<void>;
};

export type SpansOptions = {
  /** Base URL of an OTLP/HTTP collector: `http://127.0.0.1:4318`. */
  readonly otlpEndpoint: string;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** World milliseconds per real millisecond: traces say what people waited. */
  readonly speed: number;
  /** Which model and provider a target speaks to. */
  readonly modelOf: (target: string) => { readonly model: string; readonly provider: string } | undefined;
};

/** Runs whose HTTP request has not ended yet; a router used beside the gateway never ends one. */
const MOST_RUNS = 10_000;
const PROVIDER_NAMES: Readonly<Record<string, string>> = { openai: 'openai', google: 'gcp.gemini' };

/** Rejects with `invalid_config` when the packages are not installed. */
export async function createSpans(options: SpansOptions): Promise<Spans> {
  const { TracerProvider, BatchSpanProcessor, OTLPTraceExporter } = await loadSdk();
  const exporter = new OTLPTraceExporter({ url: `${options.otlpEndpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('image-router');
  const runs = new Map<string, EndedRun[]>();

  const callSpan = (parent: Span, arrivedAtMs: number, attempt: AttemptRecord): void => {
    const at = (worldMs: number): number => arrivedAtMs + worldMs / options.speed;
    const span = tracer.startSpan(
      `generate_content ${options.modelOf(attempt.target)?.model ?? attempt.route}`,
      { kind: SpanKind.CLIENT, startTime: at(attempt.startedAtMs), attributes: attributesOf(attempt, options) },
      trace.setSpan(context.active(), parent),
    );
    if (attempt.outcome !== 'delivered') span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(at(attempt.endedAtMs ?? attempt.startedAtMs));
  };

  return {
    run: (ended) => {
      const known = runs.get(ended.requestId) ?? [];
      known.push(ended);
      runs.set(ended.requestId, known);
      const [oldest] = runs.keys();
      if (runs.size > MOST_RUNS && oldest !== undefined) runs.delete(oldest);
    },
    http: (event) => {
      if (event.kind !== 'request-end') return;
      const endedAtMs = options.wallMs();
      const arrivedAtMs = endedAtMs - event.ms;
      const span = tracer.startSpan(
        `${event.method} ${event.endpoint}`,
        { kind: SpanKind.SERVER, startTime: arrivedAtMs, attributes: requestAttributes(event) },
        parentIn(event.traceparent),
      );
      if (event.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      for (const run of runs.get(event.traceId ?? '') ?? []) for (const attempt of run.attempts) callSpan(span, arrivedAtMs, attempt);
      runs.delete(event.traceId ?? '');
      span.end(endedAtMs);
    },
    close: () => provider.shutdown(),
  };
}

async function loadSdk() {
  try {
    const [{ TracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    return { TracerProvider, BatchSpanProcessor, OTLPTraceExporter };
  } catch (cause) {
    const remedy = 'npm install @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http, or leave gateway.otlpEndpoint out';
    throw new ImageRouterError('invalid_config', 'gateway.otlpEndpoint needs packages that are not installed', { remedy, cause });
  }
}

function requestAttributes(event: Extract<HttpEvent, { kind: 'request-end' }>) {
  return {
    'http.request.method': event.method,
    'http.route': event.endpoint,
    'http.response.status_code': event.status,
    ...(event.traceId === undefined ? {} : { 'image_router.trace_id': event.traceId }),
    ...(event.route === undefined ? {} : { 'image_router.route': event.route }),
    ...(event.tier === undefined ? {} : { 'image_router.tier': event.tier }),
    ...(event.degraded === undefined ? {} : { 'image_router.degraded': event.degraded }),
    ...(event.costMicroUsd === undefined ? {} : { 'image_router.cost_micro_usd': event.costMicroUsd }),
    ...(event.code === undefined ? {} : { 'error.type': event.code }),
  };
}

function attributesOf(attempt: AttemptRecord, { modelOf }: SpansOptions) {
  const target = modelOf(attempt.target);
  return {
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.output.type': 'image',
    ...(target === undefined
      ? {}
      : { 'gen_ai.request.model': target.model, 'gen_ai.provider.name': PROVIDER_NAMES[target.provider] ?? target.provider }),
    'image_router.route': attempt.route,
    'image_router.target': attempt.target,
    'image_router.role': attempt.role,
    'image_router.billed_micro_usd': attempt.billedMicroUsd,
    'image_router.possibly_billed_micro_usd': attempt.possiblyBilledMicroUsd,
    ...(attempt.outcome === 'delivered' ? {} : { 'error.type': attempt.fault ?? attempt.outcome ?? 'unknown' }),
  };
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The caller's own span, when it names one as W3C Trace Context says. */
function parentIn(traceparent: string | undefined) {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return context.active();
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(context.active(), { traceId, spanId, traceFlags, isRemote: true });
}
