// Batches as rows. Requests are JSON: they are only ever read whole, and were written by these stores alone.
import { BATCH_STATES, type Batch, type BatchRow } from '../../domain/batch.ts';
import type { JobRequest } from '../../domain/job.ts';
import { money } from './job-rows.ts';
import type { Row } from './sql.ts';

export function batchOf(row: Row): Batch {
  const state = BATCH_STATES.find((known) => known === row.state);
  if (state === undefined) throw new Error(`invariant: ${String(row.state)} is no state of a batch`);
  return {
    id: String(row.id),
    principal: String(row.principal),
    state,
    createdAt: Number(row.created_at),
    endedAt: row.ended_at === null ? undefined : Number(row.ended_at),
    deadlineAt: Number(row.deadline_at),
    rows: Number(row.rows),
    fed: Number(row.fed),
    concurrency: Number(row.concurrency),
    maxCost: row.max_cost === null ? undefined : money(row.max_cost),
  };
}

export function batchRowOf(row: Row): BatchRow {
  return {
    row: Number(row.row),
    customId: row.custom_id === null ? undefined : String(row.custom_id),
    job: String(row.job),
    request: JSON.parse(String(row.request)) as JobRequest,
    model: String(row.model),
    maxCost: money(row.max_cost),
  };
}
