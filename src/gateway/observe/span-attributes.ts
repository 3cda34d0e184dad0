// What a span says: the GenAI conventions' names for an upstream call (their literals are written out, since the conventions
// are still in development), HTTP's for a request, and the router's own for what only it knows. No prompt and no picture.
import type { Attributes } from '@opentelemetry/api';
import type { HttpEvent } from '../http/http-event.ts';
import type { AttemptRecord, EndedRun } from './runs.ts';

/** Which model and provider a target speaks to. */
export type ModelOf = (target: string) => { readonly model: string; readonly provider: string } | undefined;

/** The conventions' names of providers, where they differ from ours. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = { google: 'gcp.gemini' };

export function requestAttributes(event: Extract<HttpEvent, { kind: 'request-end' }>): Attributes {
  return known({
    'http.request.method': event.method,
    'http.route': event.endpoint,
    'http.response.status_code': event.status,
    'http.response.body.size': event.bytes,
    'error.type': event.status >= 500 ? (event.code ?? String(event.status)) : undefined,
    'image_router.request_id': event.id,
    'image_router.trace_id': event.traceId,
    'image_router.principal': event.principal,
    'image_router.code': event.code,
    'image_router.route': event.route,
    'image_router.tier': event.tier,
    'image_router.degraded': event.degraded,
    'image_router.policy': event.policy,
    'image_router.attempts': event.attempts,
    'image_router.deadline_met': event.deadlineMet,
    'image_router.predicted_chance': event.predictedChance,
    'image_router.cost_micro_usd': event.costMicroUsd,
  });
}

export function callAttributes(attempt: AttemptRecord, { part, delivered }: EndedRun, modelOf: ModelOf): Attributes {
  const target = modelOf(attempt.target);
  const { usage, outcome, startedAtMs = attempt.queuedAtMs } = attempt;
  return known({
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.output.type': 'image',
    'gen_ai.provider.name': target && (PROVIDER_NAMES[target.provider] ?? target.provider),
    'gen_ai.request.model': target?.model,
    'gen_ai.usage.input_tokens': usage && usage.textInTokens + usage.imageInTokens,
    'gen_ai.usage.output_tokens': usage && usage.imageOutTokens + usage.textOutTokens,
    'http.response.status_code': attempt.httpStatus,
    'error.type': outcome === 'delivered' ? undefined : (attempt.fault ?? outcome ?? '_OTHER'),
    'image_router.route': attempt.route,
    'image_router.target': attempt.target,
    'image_router.role': attempt.role,
    'image_router.hedge_reason': attempt.hedge,
    'image_router.attempt': attempt.number,
    'image_router.part': part === undefined ? undefined : String(part),
    'image_router.chosen': attempt.number === delivered,
    'image_router.outcome': outcome,
    'image_router.queue_ms': Math.round(startedAtMs - attempt.queuedAtMs),
    'image_router.billed_micro_usd': attempt.billedMicroUsd,
    'image_router.possibly_billed_micro_usd': attempt.possiblyBilledMicroUsd,
  });
}

function known(attributes: Readonly<Record<string, string | number | boolean | undefined>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
