// From a body to what the router is asked for: the one place where OpenAI's field names and the router's meet.
import { createHash } from 'node:crypto';
import type { ImageRequest } from '../../../domain/request.ts';
import type { Principal } from '../../ports.ts';
import type { Gateway } from '../gateway.ts';
import { appliedText, preferenceIn } from '../jobs/prefer.ts';
import { Refusal } from '../refusal.ts';
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
  /** To be made as a job; undefined: while the caller waits. */
  readonly asJob: JobWish | undefined;
};

/** Waits are how long the caller waits for the end before hearing that it is a job; world milliseconds. */
export type JobWish =
  | {
      readonly kind: 'async';
      readonly waitMs: number;
      /** World milliseconds it may take altogether; undefined: the gateway's default. */
      readonly lifeMs: number | undefined;
      /** For the header Preference-Applied. */
      readonly applied: string | undefined;
    }
  /** A synchronous request that goes on as a job when it is late. Its tier is what its budget leads to. */
  | { readonly kind: 'late'; readonly budgetMs: number | undefined };

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
  purpose: 'images' | 'job' = 'images',
): ImageOrder {
  const body = parseBody(fields, headers, kind);
  const { name, ...choice } = chooseModel(body.model, gateway.settings().aliases, gateway.options());
  const user = body.safety_identifier ?? body.user;
  const stream = body.stream ?? false;
  const asJob = jobWish(gateway, body, headers, purpose);
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
      // A job's time is its life, whatever its caller waits.
      latencyBudgetMs: asJob === undefined ? body.latency_budget_ms : undefined,
      textAccuracy: body.text_accuracy,
      maxCostUsd: body.max_cost_usd,
      policy: body.policy,
      onLate: body.on_late === 'job' ? undefined : body.on_late,
      consistent: body.consistent,
      // A preview nobody is shown would be paid for in vain.
      preview: stream || asJob !== undefined ? body.preview : undefined,
      tenant: user === undefined ? undefined : tenantOf(principal, user),
    },
    model: name,
    stream,
    // Providers' events do not say which of several images they show: nobody could tell them apart.
    partialImages: makesSeveral(body) ? 0 : (body.partial_images ?? 0),
    notes: notesOn(body, stream, asJob !== undefined),
    asJob,
  };
}

/** A preference that cannot be met is ignored, as its RFC asks; a field that cannot is an error. */
function jobWish({ jobs, clock }: Gateway, body: Body, headers: Headers, purpose: 'images' | 'job'): JobWish | undefined {
  const { stream = false, on_late: onLate, latency_budget_ms: budgetMs } = body;
  if (stream && (purpose === 'job' || onLate === 'job')) throw noStreamOfJob();
  if (onLate === 'job' && jobs === undefined) throw noJobs();
  if (stream || jobs === undefined) return undefined;
  const preference = preferenceIn(headers);
  const waitMs = (preference.waitS ?? 0) * 1_000 * clock.speed;
  if (purpose === 'job' || preference.isAsync) return { kind: 'async', waitMs, lifeMs: budgetMs, applied: appliedText(preference) };
  return onLate === 'job' ? { kind: 'late', budgetMs } : undefined;
}

function noStreamOfJob(): Refusal {
  const remedy = 'leave stream out, and read GET /v1/images/jobs/{id}/events for what happens to the job';
  return new Refusal({ status: 400, code: 'invalid_value', message: 'A job is not streamed.', param: 'stream', remedy });
}

function noJobs(): Refusal {
  const remedy = 'use degrade or fail';
  return new Refusal({ status: 400, code: 'invalid_value', message: 'This gateway keeps no jobs.', param: 'on_late', remedy });
}

/** Two keys' users of the same name are different people, and neither name leaves the gateway. */
function tenantOf(principal: Principal, user: string): string {
  return createHash('sha256').update(`${principal.id}\n${user}`).digest('hex').slice(0, 32);
}

function makesSeveral({ n = 1 }: Body): boolean {
  return n > 1;
}

function notesOn(body: Body, stream: boolean, isJob: boolean): readonly Note[] {
  const hasPartials = (body.partial_images ?? 0) > 0;
  const ignored = (field: string, why: string): Note => ({ code: 'field-ignored', detail: `${field} has no effect: ${why}` });
  return [
    ...(body.moderation === undefined ? [] : [ignored('moderation', 'providers moderate as they do by default')]),
    ...(body.input_fidelity === undefined ? [] : [ignored('input_fidelity', 'reference images are always read at high fidelity')]),
    ...(body.preview === true && !stream && !isJob ? [ignored('preview', 'it needs stream: true, or a job')] : []),
    ...(hasPartials && !stream ? [ignored('partial_images', 'it needs stream: true')] : []),
    ...(hasPartials && stream && makesSeveral(body) ? [ignored('partial_images', 'they are shown of one image, and n is above 1')] : []),
  ];
}
