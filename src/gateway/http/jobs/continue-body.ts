// The small bodies of requests that continue a job. Both may be left out altogether: a button has nothing to say.
import { z } from 'zod';
import { parseOrExplain } from '../../../domain/problem.ts';
import type { Call } from '../call.ts';
import { readJsonBody } from '../read-json.ts';

const maxCost = z
  .number('must be a number')
  .positive()
  .optional()
  .describe('Most dollars this job and all it continues may cost together. Default: what the first of them said.');

export const FinalizeBodySchema = z.strictObject({
  preview: z.int().min(0).default(0).describe('Which preview, counted from 0.'),
  use_as_reference: z
    .boolean('must be true or false')
    .default(false)
    .describe('Work from the preview itself, not only from its prompt: closer to what was accepted, and an edit.'),
  max_cost_usd: maxCost,
});

export const UpgradeBodySchema = z.strictObject({ max_cost_usd: maxCost });

/** Throws Refusal or ImageRouterError `invalid_request`. */
export async function readSmallBody<Schema extends z.ZodType>(call: Call, schema: Schema): Promise<z.output<Schema>> {
  const hasBody = call.headers.get('content-type') !== null || Number(call.headers.get('content-length') ?? 0) > 0;
  return parseOrExplain(schema, hasBody ? await readJsonBody(call) : {}, 'invalid_request', 'request');
}
