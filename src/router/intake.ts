// From what a caller handed in to a need: parsing, policy, and the check of reference images, all before anything is
// planned or sent. Whatever is wrong is one invalid_request error with every problem in it.
import { classify } from '../classify/classify.ts';
import type { Attachments, Image } from '../domain/image.ts';
import type { Need } from '../domain/need.ts';
import type { Policy } from '../domain/policy.ts';
import { parseOrExplain, problemsError } from '../domain/problem.ts';
import { type ImageRequest, ImageRequestSchema, MAX_PROMPT_CHARACTERS, type ParsedRequest } from '../domain/request.ts';
import { type ResolvedOptions, unknownName } from '../options.ts';
import { checkMask, checkReference } from '../providers/image-check.ts';

export type Intake = { readonly request: ParsedRequest; readonly need: Need };

/** Parses and classifies. Throws ImageRouterError `invalid_request`. Synchronous, and cheap for a hostile prompt. */
export function takeIn(input: ImageRequest, options: ResolvedOptions): Intake {
  const request = parseRequest(input);
  return { request, need: classify(request, policyOf(request, options)) };
}

/** Whether `generate` could use the request's pictures, for whoever hands it in later. Rejects with `invalid_request`. */
export async function checkPictures(input: ImageRequest): Promise<void> {
  if (input.referenceImages !== undefined) await checkAttachments(parseRequest(input));
}

/**
 * Decodes and measures reference images and mask, one after another; rejects between two of them once `isOver` is aborted.
 * Rejects with `invalid_request` naming the one that is broken.
 */
export async function checkAttachments(request: ParsedRequest, isOver?: AbortSignal): Promise<Attachments> {
  const references: Image[] = [];
  for (const [index, bytes] of (request.referenceImages ?? []).entries()) {
    isOver?.throwIfAborted();
    const checked = await checkReference(bytes);
    if (checked.kind === 'broken') throw attachmentError(`referenceImages.${index}`, checked.reason);
    references.push(checked.image);
  }
  const [first] = references;
  if (request.mask === undefined || first === undefined) return { references, mask: undefined };
  isOver?.throwIfAborted();
  const mask = await checkMask(request.mask, first);
  if (mask.kind === 'broken') throw attachmentError('mask', mask.reason);
  return { references, mask: mask.image };
}

function attachmentError(field: string, reason: string) {
  const remedy = 'give a complete PNG, JPEG or WebP file; a mask must be a PNG with transparency, as large as the first reference';
  return problemsError('invalid_request', 'request', [{ field, rule: `must be a usable image: ${reason}`, value: undefined, remedy }]);
}

/** A long prompt is counted before anything reads it, so that a hostile one costs nothing. */
function parseRequest(input: ImageRequest): ParsedRequest {
  const { prompt } = input ?? {};
  if (typeof prompt === 'string' && prompt.length > MAX_PROMPT_CHARACTERS) {
    const rule = `must be at most ${MAX_PROMPT_CHARACTERS} characters`;
    const problem = { field: 'prompt', rule, value: `${prompt.length} characters`, remedy: 'shorten it; the first 200 words matter most' };
    throw problemsError('invalid_request', 'request', [problem]);
  }
  return parseOrExplain(ImageRequestSchema, input, 'invalid_request', 'request');
}

function policyOf(request: ParsedRequest, { policies, defaultPolicy, routes }: ResolvedOptions): Policy {
  if (request.route !== undefined && !routes.some((route) => route.id === request.route)) {
    throw problemsError('invalid_request', 'request', [unknownName('route', 'route', request.route, routes)]);
  }
  if (request.model !== undefined && !routes.some((route) => route.model === request.model)) {
    const models = [...new Set(routes.map((route) => route.model))].map((id) => ({ id }));
    throw problemsError('invalid_request', 'request', [unknownName('model', 'model', request.model, models)]);
  }
  if (request.policy === undefined) return defaultPolicy;
  const policy = policies.find((known) => known.id === request.policy);
  if (policy === undefined) throw problemsError('invalid_request', 'request', [unknownName('policy', 'policy', request.policy, policies)]);
  return policy;
}
