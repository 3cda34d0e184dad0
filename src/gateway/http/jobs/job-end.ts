// The answer to a caller who waited for a job and saw its end: what a synchronous request would have been answered, with the
// job's id beside it. The pictures come from the blob store, whole, because base64 in JSON can be no other way.
import { ERROR_CODES } from '../../../domain/error.ts';
import { mediaTypeOf } from '../../../domain/image.ts';
import type { Job, StoredImage } from '../../../domain/job.ts';
import { dollars } from '../../../domain/money.ts';
import { formatSize } from '../../../domain/size.ts';
import type { Answer } from '../answer.ts';
import type { Call } from '../call.ts';
import type { ImageFacts } from '../http-event.ts';
import { base64Of, imagesBody, qualityOf, shortHeader, usageObject } from '../openai/envelope.ts';
import { errorAnswer, wireCode, wireProblem, wireText } from '../openai/errors.ts';
import type { Note } from '../openai/order.ts';
import { Refusal } from '../refusal.ts';
import { costObject, pathOf } from './job-object.ts';
import type { JobParts } from './job-parts.ts';

/** `budgetMs`: the caller's own; undefined: the job's life was its budget. World milliseconds. */
type Waited = { readonly budgetMs: number | undefined; readonly notes: readonly Note[] };

export async function endedAnswer(call: Call, { jobs }: JobParts, job: Job, { budgetMs, notes }: Waited): Promise<Answer> {
  const spentMicroUsd = job.cost.billed + job.cost.possiblyBilled;
  if (job.state !== 'completed') return errorAnswer(failureOf(job), { facts: { costMicroUsd: spentMicroUsd }, spentMicroUsd });
  const pictures = await Promise.all(job.images.map((image) => jobs.content(image, undefined)));
  const [first] = job.images;
  if (first === undefined || pictures.includes(undefined)) throw new Refusal(picturesGone(job));
  const target = await targetOf(jobs, job, first);
  const elapsedMs = Math.round((job.endedAt ?? job.createdAt) - job.createdAt);
  const deadlineLeftMs = Math.round(budgetMs ?? job.deadlineAt - job.createdAt) - elapsedMs;
  const head = {
    created: Math.floor((job.endedAt ?? job.createdAt) / 1_000),
    background: job.request.background === 'transparent' ? 'transparent' : 'opaque',
    output_format: first.format,
    quality: qualityOf(first.route, call.gateway.options()),
    size: formatSize(first),
  };
  const about = {
    id: job.traceId ?? job.id,
    job_id: job.id,
    route: first.route,
    target,
    tier: first.tier,
    degraded: job.degraded ?? null,
    cost_usd: costObject(job.cost),
    elapsed_ms: elapsedMs,
    deadline_left_ms: deadlineLeftMs,
    warnings: notes.map(({ code, detail }) => ({ code, detail })),
    images: job.images.map(({ route, width, height, format }) => ({ route, width, height, media_type: mediaTypeOf(format) })),
  };
  const payloads = pictures.flatMap((bytes) => (bytes === undefined ? [] : [base64Of(bytes)]));
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'content-location': pathOf(job),
      'x-image-router-route': first.route,
      'x-image-router-tier': first.tier,
      ...(job.degraded === undefined ? {} : { 'x-image-router-degraded': shortHeader(job.degraded) }),
      'x-image-router-cost-usd': String(dollars(job.cost.billed)),
      'x-image-router-trace-id': about.id,
      'x-image-router-deadline-left-ms': String(deadlineLeftMs),
    },
    body: imagesBody(head, payloads, { ...(first.usage === undefined ? {} : { usage: usageObject(first.usage) }), image_router: about }),
    facts: factsOf(job, first),
    spentMicroUsd,
  };
}

function factsOf(job: Job, { route, tier }: StoredImage): ImageFacts {
  return {
    ...(job.traceId === undefined ? {} : { traceId: job.traceId }),
    route,
    tier,
    degraded: job.degraded !== undefined,
    costMicroUsd: job.cost.billed + job.cost.possiblyBilled,
  };
}

/** The route at the endpoint it was asked at; its calls know. */
async function targetOf(jobs: JobParts['jobs'], job: Job, { route }: StoredImage): Promise<string> {
  const attempts = await jobs.attempts(job.principal, job.id);
  return attempts.findLast((attempt) => attempt.route === route)?.target ?? route;
}

/** What a job's own endings are called as answers. */
const STATUS_OF_STATE = { failed: 502, cancelled: 409, expired: 504 } as const;
const CODE_OF_STATE = { failed: 'providers_failed', cancelled: 'job_cancelled', expired: 'job_expired' } as const;
const WORDS_OF_STATE = {
  failed: 'The job failed.',
  cancelled: 'The job was cancelled.',
  expired: 'The job was not made within the time it had.',
} as const;

function failureOf(job: Job): Refusal {
  const state = job.state === 'failed' || job.state === 'cancelled' ? job.state : 'expired';
  const { code, message, problems = [] } = job.error ?? { code: undefined, message: WORDS_OF_STATE[state] };
  const known =
    code === 'price_cap_reached' ? ERROR_CODES.infeasible.http : Object.entries(ERROR_CODES).find(([name]) => name === code)?.[1].http;
  return new Refusal({
    status: known === 499 || known === undefined ? STATUS_OF_STATE[state] : known,
    code: code === undefined || code === 'cancelled' ? CODE_OF_STATE[state] : wireCode(code),
    message: wireText(message),
    mayRepeat: false,
    extras: {
      ...(problems.length === 0 ? {} : { problems: problems.map(wireProblem) }),
      ...(job.traceId === undefined ? {} : { trace_id: job.traceId }),
      job_id: job.id,
      cost_usd: costObject(job.cost),
    },
  });
}

export function picturesGone({ id }: Pick<Job, 'id'>) {
  return {
    status: 410,
    code: 'pictures_gone',
    message: `The pictures of ${id} are not kept any more.`,
    mayRepeat: false,
  } as const;
}
