// How far a batch's jobs are, without reading them all: those that are open are counted, and there are never more of them than
// the batch may have at once; those that ended were counted when they did, in the same transaction.
import { type EndedState, type Job, OPEN_STATES } from '../../domain/job.ts';
import { addCosts } from '../../domain/result.ts';
import type { BatchTally } from '../../jobs/job-store.ts';
import { money } from './job-rows.ts';
import type { Row, Sql } from './sql.ts';

const OPEN = OPEN_STATES.map((state) => `'${state}'`).join(', ');

/** Of a batch that was forgotten nothing is counted any more. */
export function countEnd(sql: Sql, { origin, principal, cost }: Job, state: EndedState): void {
  if (origin.kind !== 'batch') return;
  sql
    .prepare(
      `INSERT INTO batch_ends (batch, state, principal, jobs, billed, possibly)
       SELECT id, :state, :principal, 1, :billed, :possibly FROM batches WHERE id = :batch
       ON CONFLICT DO UPDATE SET jobs = jobs + 1, billed = billed + :billed, possibly = possibly + :possibly`,
    )
    .run({ batch: origin.batch, state, principal, billed: cost.billed, possibly: cost.possiblyBilled });
}

export function batchTally(sql: Sql, principal: string, batch: string): BatchTally {
  const rows = sql
    .prepare(
      `SELECT state, count(*) AS jobs, sum(billed) AS billed, sum(possibly) AS possibly FROM jobs INDEXED BY jobs_by_batch
       WHERE batch = :batch AND principal = :principal AND state IN (${OPEN}) GROUP BY state
       UNION ALL SELECT state, jobs, billed, possibly FROM batch_ends WHERE batch = :batch AND principal = :principal`,
    )
    .all({ batch, principal });
  return tallyOf(rows);
}

export function tallyOf(rows: readonly Row[]): BatchTally {
  return {
    states: Object.fromEntries(rows.map(({ state, jobs }) => [String(state), Number(jobs)])),
    cost: addCosts(...rows.map(({ billed, possibly }) => ({ billed: money(billed), possiblyBilled: money(possibly) }))),
  };
}
