// Jobs as workers see them: taken, worked on behind a fence, handed back or ended. A fence names one run; whoever holds an
// older one finds nothing to change.

import { type JobAttempt, MOST_LOST_RUNS, type StoredImage } from '../../domain/job.ts';
import { addCosts, NO_COST } from '../../domain/result.ts';
import {
  attemptStartEvent,
  expiredError,
  LOST_TOO_OFTEN,
  previewReadyEvent,
  RUN_GIVEN_UP,
  runningEvent,
  WORKER_LOST,
} from '../../jobs/job-events.ts';
import type { Claimed, EndedAttempt, Fence, JobEnd, JobRetry, Order } from '../../jobs/job-store.ts';
import { LONGEST_WAIT_MS } from '../../jobs/job-store.ts';
import {
  APPENDED,
  addEvent,
  endAttempts,
  endJob,
  endWithoutImages,
  type JobChange,
  type JobRow,
  nameBlobs,
  type Requeue,
  requeue,
  rowOf,
  settleOpenAttempts,
} from './job-changes-sql.ts';
import { attemptOf, errorIn, jobOf, partText } from './job-rows.ts';
import type { Row, Sql } from './sql.ts';
import { queueDeliveries } from './sqlite-webhooks.ts';

type Recorded = 'recorded' | 'lost';

/** More that fall due at once wait for the next claim. */
const MOST_DUE = 1_000;
/** Ended in one transaction; the rest at the next beat. */
const MOST_EXPIRED = 500;

/** `owner`: the process, as its lock names it. */
type Worker = { readonly owner: string; readonly worker: string };

export function claimJobs(change: JobChange, { owner, worker }: Worker, most: number, at: number): readonly Claimed[] {
  const { sql } = change;
  endWaits(sql, at);
  const waiting = sql
    .prepare(
      `SELECT number FROM jobs INDEXED BY jobs_waiting WHERE state = 'queued' AND not_before = 0 AND deadline_at > ?
       ORDER BY priority, number LIMIT ?`,
    )
    .all(at, most);
  const take = sql.prepare(
    "UPDATE jobs SET state = 'running', runs = runs + 1, owner = ?, worker = ?, started_at = ? WHERE number = ? RETURNING *",
  );
  return waiting.flatMap(({ number }) => {
    const row = take.get(owner, worker, at, Number(number));
    if (row === undefined) return [];
    const job = jobOf(row);
    addEvent(change, rowOf(row), at, runningEvent(job.runs));
    const left = sql.prepare('SELECT * FROM job_attempts WHERE job = ? AND is_left = 1').all(Number(number)).map(attemptOf);
    return [{ fence: { job: job.id, run: job.runs }, job, left }];
  });
}

/** Jobs whose time to wait is over, or was written by a clock that ran ahead. */
function endWaits(sql: Sql, at: number): void {
  const due = `UPDATE jobs SET not_before = 0 WHERE number IN (
    SELECT number FROM jobs INDEXED BY jobs_later WHERE state = 'queued' AND not_before > 0 AND not_before > ? AND not_before <= ? LIMIT ${MOST_DUE})`;
  sql.prepare(due).run(0, at);
  sql.prepare(due).run(at + LONGEST_WAIT_MS, Number.MAX_SAFE_INTEGER);
}

/** Undefined: the run is over, or somebody else's. */
function held(sql: Sql, { job, run }: Fence): JobRow | undefined {
  const row = sql.prepare('SELECT number, id FROM jobs WHERE id = ? AND runs = ? AND owner IS NOT NULL').get(job, run);
  return row === undefined ? undefined : rowOf(row);
}

/** Jobs it was given and does not name. */
export function requeueUnknown(change: JobChange, { owner, worker }: Worker, fences: readonly Fence[], at: number): void {
  const known = new Set(fences.map(({ job, run }) => `${job} ${run}`));
  const rows = change.sql.prepare('SELECT number, id, runs, is_cancel_asked FROM jobs WHERE owner = ? AND worker = ?').all(owner, worker);
  for (const row of rows) if (!known.has(`${row.id} ${row.runs}`)) backToQueue(change, row, { at, reason: RUN_GIVEN_UP, isLost: false });
}

function backToQueue(change: JobChange, row: Row, why: Pick<Requeue, 'at' | 'reason' | 'isLost'>): void {
  const job = rowOf(row);
  const { at } = why;
  const spent = settleOpenAttempts(change, job, at);
  if (Number(row.is_cancel_asked) === 1) endWithoutImages(change, job, { state: 'cancelled', at, error: undefined }, spent);
  else if (why.isLost && Number(row.lost) + 1 >= MOST_LOST_RUNS)
    endWithoutImages(change, job, { state: 'failed', at, error: LOST_TOO_OFTEN }, spent);
  else requeue(change, job, { ...why, notBefore: at }, spent);
}

export function ordersFor(sql: Sql, fences: readonly Fence[]): readonly Order[] {
  const find = sql.prepare('SELECT is_cancel_asked FROM jobs WHERE id = ? AND runs = ? AND owner IS NOT NULL');
  return fences.flatMap((fence): readonly Order[] => {
    const row = find.get(fence.job, fence.run);
    if (row === undefined) return [{ fence, kind: 'lost' }];
    return Number(row.is_cancel_asked) === 1 ? [{ fence, kind: 'cancel' }] : [];
  });
}

/** Of everybody who is gone. */
export function takeOverJobs(change: JobChange, at: number, isGone: (owner: string) => boolean): number {
  const { sql } = change;
  const owners = sql.prepare('SELECT DISTINCT owner FROM jobs WHERE owner IS NOT NULL').all();
  const rows = owners
    .map(({ owner }) => String(owner))
    .filter(isGone)
    .flatMap((owner) => sql.prepare('SELECT number, id, lost, is_cancel_asked FROM jobs WHERE owner = ?').all(owner));
  for (const row of rows) backToQueue(change, row, { at, reason: WORKER_LOST, isLost: true });
  return rows.length;
}

export function expireJobs(change: JobChange, at: number): number {
  const late = change.sql
    .prepare("SELECT number, id, reason FROM jobs INDEXED BY jobs_by_deadline WHERE state = 'queued' AND deadline_at <= ? LIMIT ?")
    .all(at, MOST_EXPIRED);
  for (const row of late) {
    endWithoutImages(change, rowOf(row), { state: 'expired', at, error: expiredError(errorIn(row.reason)) }, NO_COST);
  }
  return late.length;
}

type NewAttempt = Omit<JobAttempt, 'run' | 'end'>;

export function startAttempt(change: JobChange, fence: Fence, call: NewAttempt, ends: readonly EndedAttempt[]): Recorded {
  const { sql } = change;
  const job = held(sql, fence);
  if (job === undefined) return 'lost';
  countEnds(change, job, fence.run, ends);
  const { part, attempt, target, route, startedAt, ceiling } = call;
  const { changes } = sql
    .prepare(
      `INSERT INTO job_attempts (job, run, part, attempt, target, route, started_at, ceiling) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    .run(job.number, fence.run, partText(part), attempt, target, route, startedAt, ceiling);
  if (changes === 1) addEvent(change, job, startedAt, attemptStartEvent(fence.run, call));
  return 'recorded';
}

export function previewReady(
  change: JobChange,
  fence: Fence,
  previews: readonly StoredImage[],
  ends: readonly EndedAttempt[],
  at: number,
): Recorded {
  const { sql } = change;
  const row = held(sql, fence);
  if (row === undefined) return 'lost';
  countEnds(change, row, fence.run, ends);
  nameBlobs(
    sql,
    row.number,
    previews.map(({ blob }) => blob),
  );
  const changed = sql
    .prepare(`UPDATE jobs SET state = 'preview_ready', previews = ${APPENDED} WHERE number = ? RETURNING *`)
    .get(JSON.stringify(previews), row.number);
  if (changed === undefined) throw new Error(`invariant: job ${row.id} is gone while it runs`);
  const job = jobOf(changed);
  queueDeliveries(sql, job, addEvent(change, row, at, previewReadyEvent(job.previews.length)));
  return 'recorded';
}

export function finishJob(change: JobChange, fence: Fence, { ends, ...words }: JobEnd): Recorded {
  const job = held(change.sql, fence);
  if (job === undefined) return 'lost';
  const known = endAttempts(change, job, fence.run, ends);
  endJob(change, job, words, addCosts(known, settleOpenAttempts(change, job, words.at)));
  return 'recorded';
}

export function retryJob(change: JobChange, fence: Fence, { at, notBefore, reason, ends }: JobRetry): Recorded {
  const { sql } = change;
  const job = held(sql, fence);
  if (job === undefined) return 'lost';
  const known = endAttempts(change, job, fence.run, ends);
  const spent = addCosts(known, settleOpenAttempts(change, job, at));
  const asked = sql.prepare('SELECT is_cancel_asked FROM jobs WHERE number = ?').get(job.number);
  if (Number(asked?.is_cancel_asked) === 1) endWithoutImages(change, job, { state: 'cancelled', at, error: undefined }, spent);
  else requeue(change, job, { at, notBefore, reason, isLost: false }, spent);
  return 'recorded';
}

export function expectJob(sql: Sql, { job, run }: Fence, expectedMs: number): void {
  sql.prepare('UPDATE jobs SET expected_ms = ? WHERE id = ? AND runs = ? AND owner IS NOT NULL').run(expectedMs, job, run);
}

function countEnds(change: JobChange, job: JobRow, run: number, ends: readonly EndedAttempt[]): void {
  const { billed, possiblyBilled } = endAttempts(change, job, run, ends);
  if (billed + possiblyBilled === 0) return;
  change.sql
    .prepare('UPDATE jobs SET billed = billed + ?, possibly = possibly + ? WHERE number = ?')
    .run(billed, possiblyBilled, job.number);
}
