// A job as callers see it: OpenAI's manner of objects, its state and what became of it, with links in the place of pictures.
// What only the store needs (runs' fences, names of blobs) stays inside; so does the prompt, which its caller knows.
import { hasEnded, type Job, type JobAttempt, type JobOrigin, type StoredImage } from '../../../domain/job.ts';
import { dollars } from '../../../domain/money.ts';
import type { Cost } from '../../../domain/result.ts';
import { formatSize } from '../../../domain/size.ts';
import type { Call } from '../call.ts';
import { wireCode, wireProblem, wireText } from '../openai/errors.ts';
import { snakeCase } from '../snake-case.ts';
import type { JobParts } from './job-parts.ts';

export type PictureKind = 'content' | 'preview';

export function jobObject(call: Call, { jobs, links }: JobParts, job: Job, attempts?: readonly JobAttempt[]) {
  const picture = (image: StoredImage, index: number, kind: PictureKind) => {
    const link = links.sign(`${pathOf(job)}/${kind}/${index}`, job.principal);
    return {
      index,
      url: absolute(call, link.path),
      url_expires_at: seconds(link.expiresAt),
      route: image.route,
      tier: image.tier,
      size: formatSize(image),
      output_format: image.format,
      bytes: image.bytes,
    };
  };
  return {
    id: job.id,
    object: 'image.job',
    status: job.state,
    created_at: seconds(job.createdAt),
    started_at: seconds(job.startedAt),
    ended_at: seconds(job.endedAt),
    expires_at: seconds(job.deadlineAt),
    model: job.model,
    n: job.request.n ?? 1,
    lineage: job.lineage,
    origin: originObject(job.origin),
    progress: progressObject(jobs, job),
    previews: job.previews.map((image, index) => picture(image, index, 'preview')),
    images: job.images.map((image, index) => picture(image, index, 'content')),
    degraded: job.degraded ?? null,
    error: errorOf(job),
    cost_usd: costObject(job.cost),
    max_cost_usd: job.maxCost === undefined ? null : dollars(job.maxCost),
    trace_id: job.traceId ?? null,
    cancel_requested: job.isCancelAsked,
    runs: job.runs,
    urls: {
      get: absolute(call, pathOf(job)),
      events: absolute(call, `${pathOf(job)}/events`),
      cancel: absolute(call, `${pathOf(job)}/cancel`),
    },
    ...(attempts === undefined ? {} : { attempts: attempts.map(attemptObject) }),
  };
}

export function pathOf({ id }: Pick<Job, 'id'>): string {
  return `/v1/images/jobs/${id}`;
}

export function costObject({ billed, possiblyBilled }: Cost) {
  return { billed: dollars(billed), possibly_billed: dollars(possiblyBilled) };
}

/** As the operator says, else as the caller reached this gateway, so that a link works where the request did. */
export function absolute(call: Call, path: string): string {
  return new URL(path, call.gateway.settings().publicUrl ?? call.request.url).href;
}

function seconds(ms: number): number;
function seconds(ms: number | undefined): number | null;
function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1_000);
}

function originObject(origin: JobOrigin) {
  return snakeCase(origin);
}

/** Null for a job that has ended: there is nothing left to estimate. */
function progressObject(jobs: JobParts['jobs'], job: Job) {
  if (hasEnded(job.state)) return null;
  const { share, expectedEndAt } = jobs.progress(job);
  return { share, expected_end: seconds(expectedEndAt), estimate: true };
}

function errorOf({ error }: Job) {
  if (error === undefined) return null;
  const { code, message, problems } = error;
  return {
    code: wireCode(code),
    message: wireText(message),
    ...(problems === undefined || problems.length === 0 ? {} : { problems: problems.map(wireProblem) }),
  };
}

function attemptObject({ run, part, attempt, target, route, startedAt, ceiling, end }: JobAttempt) {
  return {
    run,
    part: part ?? null,
    attempt,
    route,
    target,
    started_at: seconds(startedAt),
    ended_at: seconds(end?.endedAt),
    // A call whose worker is gone may still have been made: nobody knows until it is taken over.
    outcome: end?.outcome ?? 'running',
    cost_usd: end === undefined ? null : { billed: dollars(end.billed), possibly_billed: dollars(end.possiblyBilled) },
    most_usd: dollars(ceiling),
    request_id: end?.requestId ?? null,
  };
}
