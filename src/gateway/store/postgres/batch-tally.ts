// How far a batch's jobs are, without reading them all: those that are open are counted, and there are never more of them than
// the batch may have at once; those that ended were counted when they did, in the same transaction.
import { type Job, OPEN_STATES } from '../../../domain/job.ts';
import { addUsd } from '../../../domain/money.ts';
import type { BatchTally } from '../../../jobs/job-store.ts';
import { tallyOf } from '../batch-tally-sql.ts';
import type { Database, Run } from './database.ts';

/** Of a batch that was forgotten nothing is counted any more. In an order of their own, so that nobody waits in a circle. */
export async function countEnds(run: Run, jobs: readonly Job[]): Promise<void> {
  const rows = jobs.flatMap((job) => (job.origin.kind === 'batch' ? [{ ...job, batch: job.origin.batch }] : []));
  if (rows.length === 0) return;
  const ends = [...Map.groupBy(rows, ({ batch, state }) => JSON.stringify([batch, state])).values()].flatMap((alike) => {
    const [first] = alike;
    const billed = addUsd(...alike.map(({ cost }) => cost.billed));
    const possibly = addUsd(...alike.map(({ cost }) => cost.possiblyBilled));
    return first === undefined ? [] : [{ ...first, count: alike.length, billed, possibly }];
  });
  await run(
    `INSERT INTO image_router.batch_ends AS t (batch, state, principal, jobs, billed, possibly)
     SELECT e.* FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[]) AS e (batch, state, principal, jobs, billed, possibly)
     JOIN (SELECT id FROM image_router.batches WHERE id = ANY($1) ORDER BY id FOR KEY SHARE) b ON b.id = e.batch
     ORDER BY e.batch, e.state
     ON CONFLICT (batch, state) DO UPDATE
       SET jobs = t.jobs + excluded.jobs, billed = t.billed + excluded.billed, possibly = t.possibly + excluded.possibly`,
    [
      ends.map(({ batch }) => batch),
      ends.map(({ state }) => state),
      ends.map(({ principal }) => principal),
      ends.map(({ count }) => count),
      ends.map(({ billed }) => billed),
      ends.map(({ possibly }) => possibly),
    ],
  );
}

export async function batchTally(database: Database, principal: string, batch: string): Promise<BatchTally> {
  const rows = await database.run(
    // One read a state: of several at once the server may rather read the whole batch.
    `SELECT s.state, j.jobs, j.billed, j.possibly FROM unnest($3::text[]) AS s (state) CROSS JOIN LATERAL (
       SELECT count(*) AS jobs, sum(billed) AS billed, sum(possibly) AS possibly FROM image_router.jobs
       WHERE batch = $1 AND state = s.state AND principal = $2
     ) j WHERE j.jobs > 0
     UNION ALL SELECT state, jobs, billed, possibly FROM image_router.batch_ends WHERE batch = $1 AND principal = $2`,
    [batch, principal, OPEN_STATES],
  );
  return tallyOf(rows);
}
