// /v1/images/jobs: renders that outlive their callers' connections. Handing one in, looking at it, watching, stopping and
// continuing it, and its pictures.

import { type Doors, machineDoors } from '../../../system/network/guarded-connector.ts';
import { fingerprintAt } from '../../idempotency/doors.ts';
import { NO_LIMITS } from '../../limits/no-limits.ts';
import { readEditOrGeneration } from '../../uploads/read-edit.ts';
import type { Call } from '../call.ts';
import type { Endpoint } from '../endpoint.ts';
import { finalizing, upgrading } from '../jobs/continuations.ts';
import { FinalizeBodySchema, readSmallBody, UpgradeBodySchema } from '../jobs/continue-body.ts';
import { acceptOnce, answerJob, type JobAsk } from '../jobs/job-answer.ts';
import { streamJobEvents } from '../jobs/job-events.ts';
import { listJobs } from '../jobs/job-list.ts';
import { jobOf, unknownJob } from '../jobs/job-lookup.ts';
import { jobObject, type PictureKind } from '../jobs/job-object.ts';
import type { JobParts } from '../jobs/job-parts.ts';
import { answerPicture } from '../jobs/picture-answer.ts';
import { retryAfterOf } from '../jobs/retry-after.ts';
import { readOrder } from '../openai/order.ts';
import { Refusal } from '../refusal.ts';
import { sendJson } from '../send.ts';
import { type EditSettings, uploadRules } from './edits.ts';

const PATH = '/v1/images/jobs';

/** The same `parts` must be the gateway's `jobs`. `doors`: how pictures are fetched where URLs are allowed. */
export function jobEndpoints(parts: JobParts, settings: () => EditSettings, doors: Doors = machineDoors): readonly Endpoint[] {
  const { jobs } = parts;
  const one = { method: 'GET', scope: 'images' } as const;
  const change = { method: 'POST', scope: 'images' } as const;
  return [
    {
      ...change,
      path: PATH,
      summary: 'Hand in a job: images that are made whether or not anybody waits',
      handle: (call) => handIn(call, settings(), doors),
    },
    {
      ...one,
      path: PATH,
      summary: 'List your jobs, newest first',
      handle: (call) => listJobs(call, parts),
    },
    {
      ...one,
      path: `${PATH}/:id`,
      summary: 'Look at a job',
      handle: async (call) => {
        const job = await jobOf(call, parts);
        const retryAfter = retryAfterOf(job, jobs, call.gateway.clock);
        const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
        return sendJson(call, 200, jobObject(call, parts, job, await jobs.attempts(job.principal, job.id)), headers);
      },
    },
    {
      ...one,
      path: `${PATH}/:id/events`,
      summary: 'Watch a job as server-sent events',
      handle: async (call) => streamJobEvents(call, parts, await jobOf(call, parts)),
    },
    pictures(parts, 'content', 'Get an image of a job'),
    pictures(parts, 'preview', 'Get a preview of a job'),
    {
      ...change,
      path: `${PATH}/:id/cancel`,
      summary: 'Cancel a job',
      handle: async (call) => {
        const job = await jobs.cancel(call.principal.id, call.keptId);
        if (job === undefined) throw unknownJob();
        return sendJson(call, 200, jobObject(call, parts, job));
      },
    },
    {
      ...change,
      path: `${PATH}/:id/finalize`,
      summary: 'Turn the accepted preview of a job into a premium image',
      handle: async (call) => {
        const body = await readSmallBody(call, FinalizeBodySchema);
        const { preview, use_as_reference: useAsReference, max_cost_usd: maxCostUsd } = body;
        const parent = await jobOf(call, parts);
        return goOn(call, () => finalizing(parts, parent, { preview, useAsReference, maxCostUsd }), `finalize ${JSON.stringify(body)}`);
      },
    },
    {
      ...change,
      path: `${PATH}/:id/upgrade`,
      summary: 'Make the images of a job again, a tier better',
      handle: async (call) => {
        const body = await readSmallBody(call, UpgradeBodySchema);
        const parent = await jobOf(call, parts);
        return goOn(call, () => upgrading(parts, parent, body.max_cost_usd), `upgrade ${JSON.stringify(body)}`);
      },
    },
  ];
}

async function handIn(call: Call, settings: EditSettings, doors: Doors): Promise<Response> {
  const { fields, images, mask } = await readEditOrGeneration(call.request, uploadRules(call, settings, doors));
  const kind = images.length > 0 || mask !== undefined ? 'edit' : 'generation';
  const order = readOrder(call.gateway, call.principal, fields, call.headers, kind, 'job');
  if (order.asJob === undefined) throw new Error('invariant: what is handed in as a job is read as one');
  const pictured = kind === 'edit' ? { ...order.request, referenceImages: [...images], mask } : order.request;
  return answerJob(call, { ...order, request: pictured }, kind, order.asJob);
}

function goOn(call: Call, wanted: JobAsk['wanted'], asked: string): Promise<Response> {
  const fingerprint = fingerprintAt('job', { rest: `${call.pathId} ${asked}` });
  return acceptOnce(call, { wanted, fingerprint, joinKey: undefined, waitMs: 0, budgetMs: undefined, notes: [], headers: {} });
}

function pictures(parts: JobParts, kind: PictureKind, summary: string): Endpoint {
  return {
    method: 'GET',
    path: `${PATH}/:id/${kind}/:index`,
    scope: 'images',
    summary: `${summary}; by key, or by a link that needs none for a while`,
    linkHolder: (call) => holderOf(call, parts),
    handle: async (call) => {
      const job = await jobOf(call, parts);
      return answerPicture(call, parts.jobs, job, kind);
    },
  };
}

/** Whoever holds a good link sees what its maker sees of that path. Throws Refusal for one that is not good. */
function holderOf(call: Call, { links }: JobParts) {
  const { query } = call;
  if (!query.has('signature')) return undefined;
  const id = links.principalOf(new URL(call.request.url).pathname, query);
  if (id === undefined)
    throw new Refusal({
      status: 403,
      code: 'invalid_link',
      message: 'The link was changed, or is too old.',
      remedy: 'ask for the job again: its links are new each time',
    });
  return { id, scopes: ['images'], limits: NO_LIMITS } as const;
}
