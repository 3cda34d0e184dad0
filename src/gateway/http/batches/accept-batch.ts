// A batch is accepted whole or not at all: every row is checked first, its money is dealt out and reserved, and from the 202 on it
// is on disk. The same Idempotency-Key and file are the same batch.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Batch } from '../../../domain/batch.ts';
import { type MicroUsd, microUsd } from '../../../domain/money.ts';
import { parseOrExplain } from '../../../domain/problem.ts';
import { NO_COST } from '../../../domain/result.ts';
import { mayBeWritten } from '../../../domain/store-error.ts';
import { fingerprintAt } from '../../idempotency/doors.ts';
import { type JsonlUpload, readJsonl } from '../../uploads/jsonl-upload.ts';
import { type Answer, JSON_TYPE, utf8 } from '../answer.ts';
import type { Call } from '../call.ts';
import { type EditSettings, uploadRules } from '../endpoints/edits.ts';
import { readQuery } from '../list-query.ts';
import { fromDenial } from '../openai/errors.ts';
import { acceptedBefore, conflictRefusal, giveUpClaim, idempotencyKeyOf, keepAnswer, sendReplay } from '../repeats.ts';
import { sendAnswer } from '../send.ts';
import { batchObject, pathOf } from './batch-object.ts';
import type { BatchParts } from './batch-parts.ts';
import { type CheckedRow, checkRows, dealOut, totalOf } from './batch-rows.ts';

const MOST_CONCURRENCY = 1_000;
/** Twenty sketches in the time of four; the same as on the command line. */
const USUAL_CONCURRENCY = 5;
const DAY_MS = 86_400_000;

export const BatchSettingsSchema = z.strictObject({
  max_cost_usd: z.number('must be a number').positive().optional().describe('Most dollars all rows together may cost.'),
  concurrency: z
    .int()
    .min(1)
    .max(MOST_CONCURRENCY)
    .default(USUAL_CONCURRENCY)
    .describe(`Rows made at the same time, 1 to ${MOST_CONCURRENCY}. Default ${USUAL_CONCURRENCY}.`),
  latency_budget_ms: z
    .number('must be a number')
    .positive()
    .max(DAY_MS)
    .optional()
    .describe('Milliseconds the whole batch may take; what has not ended by then expires.'),
});
type Settings = z.output<typeof BatchSettingsSchema>;

export const BATCH_FIELDS = Object.keys(BatchSettingsSchema.shape);

/** Throws Refusal or ImageRouterError before anything was accepted. */
export async function acceptBatch(call: Call, parts: BatchParts, uploads: EditSettings): Promise<Response> {
  const { gateway, principal } = call;
  const upload = await readJsonl(call.request, { ...uploadRules(call, uploads), fieldNames: BATCH_FIELDS });
  const settings = settingsOf(call, upload);
  const key = idempotencyKeyOf(call);
  if (key === undefined)
    return sendAnswer(call, await answerOf(call, parts, await accept(call, parts, upload, settings, gateway.ids.next('batch'))));
  const rest = createHash('sha256').update(JSON.stringify(settings)).update(upload.text).digest('base64url');
  const fingerprint = fingerprintAt('batch', { rest });
  const claim = await gateway.idempotency.claim(principal, key, fingerprint);
  if (claim.kind === 'replay') return sendReplay(call, claim);
  if (claim.kind === 'conflict') {
    const known = await acceptedBefore(call, claim, claim.name && idOf(claim.name), {
      find: (id) => parts.batches.find(principal.id, id),
      accept: (id) => accept(call, parts, upload, settings, id),
    });
    if (known === undefined) throw conflictRefusal(claim);
    return sendAnswer(call, await answerOf(call, parts, known), { 'idempotent-replayed': 'true' });
  }
  try {
    const answer = await answerOf(call, parts, await accept(call, parts, upload, settings, idOf(claim.name)));
    gateway.work.track(keepAnswer(claim, answer, call));
    return sendAnswer(call, answer);
  } catch (error) {
    await giveUpClaim(claim, error);
    throw error;
  }
}

/** A claim's name is random, and on disk before the batch is. */
function idOf(claimName: string): string {
  return `batch_${claimName.slice(claimName.indexOf('_') + 1)}`;
}

/** Fields of the form, or of the query; both are text. */
function settingsOf(call: Call, { fields }: JsonlUpload): Settings {
  const texts = { ...readQuery(call, BATCH_FIELDS), ...fields };
  const header = call.headers.get('x-max-cost-usd');
  const all = { ...(header === null ? {} : { max_cost_usd: header }), ...texts };
  const evened = Object.entries(all).map(([name, text]) => [name, /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : text] as const);
  return parseOrExplain(BatchSettingsSchema, Object.fromEntries(evened), 'invalid_request', 'request');
}

async function accept(call: Call, parts: BatchParts, { text }: JsonlUpload, settings: Settings, id: string): Promise<Batch> {
  const { gateway, principal } = call;
  const lifeMs = settings.latency_budget_ms ?? parts.lifeMs();
  const maxCost = settings.max_cost_usd === undefined ? undefined : microUsd(settings.max_cost_usd);
  const rows = dealOut(await checkRows(gateway, principal, text, lifeMs), maxCost);
  const createdAt = gateway.clock.wall().getTime();
  const batch = {
    id,
    principal: principal.id,
    createdAt,
    deadlineAt: createdAt + lifeMs,
    rows: rows.length,
    concurrency: Math.min(settings.concurrency, principal.limits.concurrent ?? MOST_CONCURRENCY),
    maxCost,
  };
  const lease = await gateway.gatekeeper.admit(principal, askOf(call, id, rows, totalOf(rows)));
  if ('status' in lease) throw fromDenial(lease, gateway);
  try {
    await parts.batches.accept(
      batch,
      rows.map(({ row, customId, model, maxCost: most, request: { latencyBudgetMs: _, referenceImages: __, mask: ___, ...request } }) => ({
        ...{ row, customId, model, maxCost: most, request },
        job: gateway.ids.next('job'),
      })),
    );
  } catch (error) {
    const isThere = mayBeWritten(error) && (await parts.batches.isAccepted(principal.id, id).catch(() => false));
    if (!isThere) {
      gateway.work.track(lease.settle(NO_COST).catch(() => undefined));
      throw error;
    }
  }
  parts.feeder.soon();
  return { ...batch, state: 'running', fed: 0, endedAt: undefined };
}

/** A batch makes its images over hours: it takes a minute's worth of them at most. Policies and models were checked row by row. */
function askOf({ principal }: Call, requestId: string, rows: readonly CheckedRow[], most: MicroUsd) {
  const images = rows.reduce((sum, { request }) => sum + (request.n ?? 1), 0);
  const { imagesPerMinute = images, policies, models } = principal.limits;
  return {
    requestId,
    images: Math.min(images, imagesPerMinute),
    mostMicroUsd: most,
    policy: policies?.[0],
    model: models?.[0] ?? 'auto',
    keptBy: 'job',
  } as const;
}

async function answerOf(call: Call, parts: BatchParts, batch: Batch): Promise<Answer> {
  const body = [utf8(JSON.stringify(await batchObject(call, parts, batch)))];
  return { status: 202, headers: { ...JSON_TYPE, location: pathOf(batch.id) }, body, facts: {}, spentMicroUsd: 0 };
}
