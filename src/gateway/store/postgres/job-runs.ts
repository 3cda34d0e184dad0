// Jobs between runs on PostgreSQL: taken by workers, taken over from dead ones, ended where nobody began them in time.

import { MOST_LOST_RUNS } from '../../../domain/job.ts';
import { NO_COST } from '../../../domain/result.ts';
import { expiredError, LOST_TOO_OFTEN, RUN_GIVEN_UP, runningEvent, WORKER_LOST } from '../../../jobs/job-events.ts';
import { type Claimed, type Fence, LONGEST_WAIT_MS, type Order } from '../../../jobs/job-store.ts';
import { attemptOf, errorIn, jobOf } from '../job-rows.ts';
import type { Row, Run } from './database.ts';
import {
  endJobs,
  JOB_ROW,
  type JobChange,
  type JobRow,
  type Requeue,
  requeueJobs,
  rowOf,
  settleOpenAttempts,
  withoutImages,
} from './job-change.ts';

/** More that fall due at once wait for the next claim. */
const MOST_DUE = 1_000;
/** Changed in one transaction; the rest at the next beat. */
const MOST_EXPIRED = 500;
const MOST_TAKEN_OVER = 500;

/** `owner`: the process, as its session names it. */
export type Worker = { readonly owner: string; readonly worker: string };

export async function claimJobs(change: JobChange, worker: Worker, most: number, at: number): Promise<readonly Claimed[]> {
  await endWaits(change, at);
  const claimed: Claimed[] = [];
  // An entry may be of a job that is past its deadline: it is left where it is, to expire, and another is asked for.
  for (let missing = most; missing > 0; missing = most - claimed.length) {
    const ids = await change.queue.take(change.run, missing);
    if (ids.length === 0) break;
    claimed.push(...(await begin(change, worker, ids, at)));
    if (ids.length < missing) break;
  }
  return claimed;
}

async function begin(change: JobChange, { owner, worker }: Worker, ids: readonly string[], at: number): Promise<readonly Claimed[]> {
  // Written so that no index but the ids' is of use: the one over deadlines holds all that wait.
  const rows = await change.run(
    `UPDATE image_router.jobs SET state = 'running', runs = runs + 1, owner = $2, worker = $4, started_at = $3
     WHERE id = ANY($1) AND state || '' = 'queued' AND not_before + 0 = 0 AND deadline_at + 0 > $3 RETURNING *`,
    [ids, owner, at, worker],
  );
  const sorted = rows.toSorted((a, b) => Number(a.priority) - Number(b.priority) || Number(a.number) - Number(b.number));
  const again = sorted.filter(({ runs }) => Number(runs) > 1).map(({ number }) => Number(number));
  const find = 'SELECT * FROM image_router.job_attempts WHERE job = ANY($1) AND is_left ORDER BY job, run, part, attempt';
  const left = again.length === 0 ? [] : await change.run(find, [again]);
  return sorted.map((row) => {
    const job = jobOf(row);
    change.addEvent(rowOf(row), at, runningEvent(job.runs));
    return { fence: { job: job.id, run: job.runs }, job, left: left.filter((call) => call.job === row.number).map(attemptOf) };
  });
}

/** Jobs whose time to wait is over, or was written by a clock that ran ahead. */
async function endWaits(change: JobChange, at: number): Promise<void> {
  const rows = await change.run(
    `UPDATE image_router.jobs j SET not_before = 0 WHERE number IN (
       SELECT number FROM image_router.jobs WHERE not_before > 0 AND (not_before <= $1 OR not_before > $2)
       LIMIT ${MOST_DUE} FOR UPDATE SKIP LOCKED
     ) RETURNING ${JOB_ROW}`,
    [at, at + LONGEST_WAIT_MS],
  );
  await change.queue.again(change.run, rows.map(rowOf));
}

export async function ordersFor(run: Run, fences: readonly Fence[]): Promise<readonly Order[]> {
  if (fences.length === 0) return [];
  const rows = await run(
    `SELECT j.is_cancel_asked FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS f (id, run, place)
     LEFT JOIN image_router.jobs j ON j.id = f.id AND j.runs = f.run AND j.owner IS NOT NULL ORDER BY f.place`,
    [fences.map(({ job }) => job), fences.map(({ run }) => run)],
  );
  return fences.flatMap((fence, index): readonly Order[] => {
    const asked = rows[index]?.is_cancel_asked;
    if (asked === null || asked === undefined) return [{ fence, kind: 'lost' }];
    return asked === true ? [{ fence, kind: 'cancel' }] : [];
  });
}

export type Judge = { readonly owner: string; readonly silentMs: number; readonly lostMs: number };

/** Of everybody who is gone, as `image_router.is_gone` tells. */
export async function takeOverJobs(change: JobChange, judge: Judge, at: number): Promise<number> {
  const rows = await change.run(
    `WITH owners AS MATERIALIZED (SELECT DISTINCT owner FROM image_router.jobs WHERE owner IS NOT NULL AND owner <> $1),
     gone AS MATERIALIZED (SELECT owner FROM owners WHERE image_router.is_gone(owner, $2, $3))
     SELECT ${JOB_ROW}, j.lost, j.is_cancel_asked FROM image_router.jobs j JOIN gone ON gone.owner = j.owner
     ORDER BY j.number LIMIT ${MOST_TAKEN_OVER} FOR UPDATE OF j`,
    [judge.owner, judge.silentMs, judge.lostMs],
  );
  await backToQueue(change, rows, { at, reason: WORKER_LOST, isLost: true });
  return rows.length;
}

async function backToQueue(
  change: JobChange,
  rows: readonly Row[],
  { at, reason, isLost }: Pick<Requeue, 'at' | 'reason' | 'isLost'>,
): Promise<void> {
  const jobs = rows.map((row) => ({
    row: rowOf(row),
    isCancelAsked: row.is_cancel_asked === true,
    lost: Number(row.lost) + (isLost ? 1 : 0),
  }));
  const spent = await settleOpenAttempts(
    change,
    jobs.map(({ row }) => ({ row, at })),
  );
  const costOf = ({ number }: JobRow) => spent.get(number) ?? NO_COST;
  const hasKilledTooMany = (lost: number): boolean => isLost && lost >= MOST_LOST_RUNS;
  await endJobs(
    change,
    jobs.flatMap(({ row, isCancelAsked, lost }) => {
      if (isCancelAsked) return [withoutImages(row, 'cancelled', at, undefined, costOf(row))];
      return hasKilledTooMany(lost) ? [withoutImages(row, 'failed', at, LOST_TOO_OFTEN, costOf(row))] : [];
    }),
  );
  await requeueJobs(
    change,
    jobs
      .filter(({ isCancelAsked, lost }) => !isCancelAsked && !hasKilledTooMany(lost))
      .map(({ row }) => ({ row, at, notBefore: at, reason, isLost, spent: costOf(row) })),
  );
}

/** Jobs a worker was given and does not name. */
export async function requeueUnknown(change: JobChange, { owner, worker }: Worker, fences: readonly Fence[], at: number): Promise<void> {
  const rows = await change.run(
    `SELECT ${JOB_ROW}, j.lost, j.is_cancel_asked FROM image_router.jobs j WHERE j.owner = $1 AND j.worker = $2
     AND NOT EXISTS (SELECT 1 FROM unnest($3::text[], $4::int[]) AS f (id, run) WHERE f.id = j.id AND f.run = j.runs)
     ORDER BY j.number FOR UPDATE`,
    [owner, worker, fences.map(({ job }) => job), fences.map(({ run }) => run)],
  );
  await backToQueue(change, rows, { at, reason: RUN_GIVEN_UP, isLost: false });
}

export async function expireJobs(change: JobChange, at: number): Promise<number> {
  const late = await change.run(
    `SELECT id FROM image_router.jobs WHERE state = 'queued' AND deadline_at <= $1 ORDER BY deadline_at LIMIT ${MOST_EXPIRED}`,
    [at],
  );
  if (late.length === 0) return 0;
  const ids = late.map(({ id }) => String(id));
  // Entries first, like whoever takes them: a job that was taken in between is found to run, and left alone.
  await change.queue.drop(change.run, ids);
  const rows = await change.run(
    `SELECT ${JOB_ROW}, j.reason FROM image_router.jobs j WHERE j.id = ANY($1) AND j.state = 'queued' ORDER BY j.number FOR UPDATE`,
    [ids],
  );
  await endJobs(
    change,
    rows.map((row) => withoutImages(rowOf(row), 'expired', at, expiredError(errorIn(row.reason)), NO_COST)),
  );
  return rows.length;
}
