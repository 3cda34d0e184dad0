// A job of a jobs file as a row of a gateway's batch: the same wishes by the names they have on the wire. What a row cannot say
// there is a mistake told with its line, before anything is sent.
import type { Problem } from '../../domain/error.ts';
import { problemsError } from '../../domain/problem.ts';
import type { Job } from './job.ts';

/** Throws `invalid_request`. A row's latency budget stays behind: at a gateway the whole batch has one. */
export function wireRow(job: Job): Readonly<Record<string, unknown>> {
  const { prompt, n, size, aspectRatio, quality, format, compression, background, textAccuracy, maxCostUsd } = job.request;
  const { policy, onLate, consistent, preview, tenant, tier, route, model } = job.request;
  const models = [tier, route, model].filter((name) => name !== undefined);
  if (job.reference.length > 0)
    throw atLine(job, 'referenceImages', 'are not taken in a batch at a gateway', 'leave --gateway out for this file');
  if (models.length > 1) throw atLine(job, 'tier', 'must not be given together with route or model at a gateway', 'give one of them');
  const row = {
    custom_id: job.id,
    prompt,
    model: models[0],
    n,
    size,
    aspect_ratio: aspectRatio,
    quality,
    output_format: format,
    output_compression: compression,
    background,
    text_accuracy: textAccuracy,
    max_cost_usd: maxCostUsd,
    policy,
    on_late: onLate,
    consistent,
    preview,
    user: tenant,
  };
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}

function atLine({ line }: Job, field: string, rule: string, remedy: string): Error {
  const problem: Problem = { field: `line ${line}, ${field}`, rule, value: undefined, remedy };
  return problemsError('invalid_request', 'jobs', [problem]);
}
