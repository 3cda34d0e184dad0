// A batch as callers see it: how many of its rows are where, what they cost, and where to look further.
import type { Batch } from '../../../domain/batch.ts';
import { JOB_STATES, type JobState } from '../../../domain/job.ts';
import { dollars } from '../../../domain/money.ts';
import type { Call } from '../call.ts';
import { absolute, costObject } from '../jobs/job-object.ts';
import type { BatchParts } from './batch-parts.ts';

export async function batchObject(call: Call, { tally }: BatchParts, batch: Batch) {
  const { id, principal, state, createdAt, endedAt, deadlineAt, rows, fed, concurrency, maxCost } = batch;
  const { states, cost } = await tally.batchTally(principal, id);
  const counts = countsOf(states, rows - fed, state === 'cancelled');
  const ended = counts.completed + counts.failed + counts.cancelled + counts.expired;
  return {
    id,
    object: 'image.batch',
    status: state,
    created_at: seconds(createdAt),
    ended_at: endedAt === undefined ? null : seconds(endedAt),
    expires_at: seconds(deadlineAt),
    rows,
    counts,
    progress: { share: rows === 0 ? 1 : ended / rows },
    cost_usd: costObject(cost),
    max_cost_usd: maxCost === undefined ? null : dollars(maxCost),
    concurrency,
    urls: {
      get: absolute(call, pathOf(id)),
      results: absolute(call, `${pathOf(id)}/results`),
      cancel: absolute(call, `${pathOf(id)}/cancel`),
      jobs: absolute(call, `/v1/images/jobs?batch=${id}`),
    },
  };
}

export function pathOf(id: string): string {
  return `/v1/images/batches/${id}`;
}

/** Rows that are no jobs yet wait, until the batch is cancelled: then they never will be. */
function countsOf(states: Readonly<Partial<Record<JobState, number>>>, unfed: number, isCancelled: boolean): Record<JobState, number> {
  const count = (state: JobState): number => states[state] ?? 0;
  const all = Object.fromEntries(JOB_STATES.map((state) => [state, count(state)]));
  return {
    ...EMPTY,
    ...all,
    queued: count('queued') + (isCancelled ? 0 : unfed),
    cancelled: count('cancelled') + (isCancelled ? unfed : 0),
  };
}

const EMPTY: Record<JobState, number> = { queued: 0, running: 0, preview_ready: 0, completed: 0, failed: 0, cancelled: 0, expired: 0 };

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
