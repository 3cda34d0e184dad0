// From a body to what the router is asked for: the one place where OpenAI's field names and the router's meet.
import { createHash } from 'node:crypto';
import type { ImageRequest } from '../../../domain/request.ts';
import type { Principal } from '../../ports.ts';
import type { Gateway } from '../gateway.ts';
import { type Body, type BodyKind, parseBody } from './body.ts';
import { chooseModel } from './model-name.ts';

/** Something a caller should know of the way the request was read. */
export type Note = { readonly code: string; readonly detail: string };

export type ImageOrder = {
  /** Without pictures: an edit adds `referenceImages` and `mask`. */
  readonly request: ImageRequest;
  /** The model as asked for, after aliases. */
  readonly model: string;
  readonly stream: boolean;
  /** Most interim pictures to show, a preview not counted. */
  readonly partialImages: number;
  readonly notes: readonly Note[];
};

/** Field of the router's request -> what callers of the gateway know it as. */
export const WIRE_NAMES: Readonly<Record<string, string>> = {
  aspectRatio: 'aspect_ratio',
  format: 'output_format',
  compression: 'output_compression',
  referenceImages: 'image',
  latencyBudgetMs: 'latency_budget_ms',
  textAccuracy: 'text_accuracy',
  maxCostUsd: 'max_cost_usd',
  onLate: 'on_late',
  retryAfterMs: 'retry_after_ms',
  tenant: 'user',
  tier: 'model',
  route: 'model',
};

/** `fields`: of a JSON body, or of a form. Throws Refusal or ImageRouterError `invalid_request`; reads no pictures. */
export function readOrder(
  gateway: Gateway,
  principal: Principal,
  fields: Readonly<Record<string, unknown>>,
  headers: Headers,
  kind: BodyKind,
): ImageOrder {
  const body = parseBody(fields, headers, kind);
  const { name, ...choice } = chooseModel(body.model, gateway.settings().aliases, gateway.options());
  const user = body.safety_identifier ?? body.user;
  const stream = body.stream ?? false;
  return {
    request: {
      prompt: body.prompt,
      ...choice,
      n: body.n,
      size: body.size,
      aspectRatio: body.aspect_ratio,
      quality: body.quality,
      format: body.output_format,
      compression: body.output_compression,
      background: body.background,
      latencyBudgetMs: body.latency_budget_ms,
      textAccuracy: body.text_accuracy,
      maxCostUsd: body.max_cost_usd,
      policy: body.policy,
      onLate: body.on_late,
      consistent: body.consistent,
      // A preview nobody is shown would be paid for in vain.
      preview: stream ? body.preview : undefined,
      tenant: user === undefined ? undefined : tenantOf(principal, user),
    },
    model: name,
    stream,
    partialImages: body.partial_images ?? 0,
    notes: notesOn(body, stream),
  };
}

/** Two keys' users of the same name are different people, and neither name leaves the gateway. */
function tenantOf(principal: Principal, user: string): string {
  return createHash('sha256').update(`${principal.id}\n${user}`).digest('hex').slice(0, 32);
}

function notesOn(body: Body, stream: boolean): readonly Note[] {
  const ignored = (field: string, why: string): Note => ({ code: 'field-ignored', detail: `${field} has no effect: ${why}` });
  return [
    ...(body.moderation === undefined ? [] : [ignored('moderation', 'providers moderate as they do by default')]),
    ...(body.input_fidelity === undefined ? [] : [ignored('input_fidelity', 'reference images are always read at high fidelity')]),
    ...(body.preview === true && !stream ? [ignored('preview', 'it needs stream: true')] : []),
    ...((body.partial_images ?? 0) > 0 && !stream ? [ignored('partial_images', 'it needs stream: true')] : []),
  ];
}
