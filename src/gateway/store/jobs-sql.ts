// Jobs as their owners see them: handed in, looked at, listed, cancelled, forgotten. Whatever is asked is answered from an
// index, however many jobs there are.

import { ENDED_STATES, hasEnded, JOB_STATES, type Job, type JobState } from '../../domain/job.ts';
import { addCosts, NO_COST } from '../../domain/result.ts';
import { queuedEvent } from '../../jobs/job-events.ts';
import type { Acceptance, Family, ListJobs, NewJob } from '../../jobs/job-store.ts';
import {
  addEvent,
  endWithoutImages,
  type JobChange,
  type JobRow,
  nameBlobs,
  rowOf,
  settleJob,
  settleOpenAttempts,
} from './job-changes-sql.ts';
import { jobOf, money } from './job-rows.ts';
import type { Row, Sql } from './sql.ts';

export function acceptJobs(change: JobChange, jobs: readonly NewJob[]): Acceptance {
  const { sql } = change;
  if (jobs.some((job) => isOvertaken(sql, job))) return 'overtaken';
  const findBatch = sql.prepare('SELECT 1 FROM batches WHERE id = ?');
  const insert = `INSERT INTO jobs (id, principal, lineage, batch, origin, request, model, state, priority, created_at, deadline_at, max_cost)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?)`;
  // From now on its reservation is nobody's but the job's.
  const leave = sql.prepare("UPDATE reservations SET owner = '' WHERE id = ?");
  for (const job of jobs) {
    const { id, principal, lineage, origin, request, model, priority, createdAt, deadlineAt, maxCost } = job;
    const batch = origin.kind === 'batch' ? origin.batch : null;
    if (batch !== null && findBatch.get(batch) === undefined) continue;
    const texts = [JSON.stringify(origin), JSON.stringify(request), model] as const;
    // Two feeders may hand in the same row.
    const statement = sql.prepare(batch === null ? insert : `${insert} ON CONFLICT (id) DO NOTHING`);
    const { changes, lastInsertRowid } = statement.run(
      id,
      principal,
      lineage,
      batch,
      ...texts,
      priority,
      createdAt,
      deadlineAt,
      maxCost ?? null,
    );
    if (changes === 0) continue;
    const row = { number: Number(lastInsertRowid), id };
    nameBlobs(sql, row.number, [...(request.referenceBlobs ?? []), ...(request.maskBlob === undefined ? [] : [request.maskBlob])]);
    addEvent(change, row, createdAt, queuedEvent());
    leave.run(id);
  }
  change.hasWork = true;
  return 'accepted';
}

/** Only what continues others has a family to look at. */
function isOvertaken(sql: Sql, { principal, lineage, newestSeen }: NewJob): boolean {
  return newestSeen !== undefined && familyOf(sql, principal, lineage).newest > newestSeen;
}

export function findRow(sql: Sql, principal: string, id: string): Row | undefined {
  return sql.prepare('SELECT * FROM jobs WHERE id = ? AND principal = ?').get(id, principal);
}

/** One read a state, each in the order of its index, merged: neither many jobs nor few of a state make it slow. */
export function listJobs(sql: Sql, query: ListJobs): readonly Job[] {
  const { principal, states = JOB_STATES, batch, lineage, after, limit } = query;
  const [index, isOne, value] =
    batch !== undefined
      ? ['jobs_by_batch', 'batch = ?', batch]
      : lineage !== undefined
        ? ['jobs_continuing', 'lineage <> id AND lineage = ?', lineage]
        : ['jobs_by_principal', 'principal = ?', principal];
  const select = sql.prepare(
    `SELECT * FROM jobs INDEXED BY ${index} WHERE ${isOne} AND state = ? AND principal = ?
     AND (? IS NULL OR lineage = ?) AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?`,
  );
  const from = after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' };
  const found = [...new Set(states)].flatMap((state) =>
    select.all(value, state, principal, lineage ?? null, lineage ?? null, from.createdAt, from.id, limit).map(jobOf),
  );
  const first = index === 'jobs_continuing' ? firstOf(sql, principal, value) : undefined;
  if (first !== undefined && states.includes(first.state) && newestFirst(first, from) > 0) found.push(first);
  return found.sort(newestFirst).slice(0, limit);
}

type Place = Pick<Job, 'createdAt' | 'id'>;

function newestFirst(a: Place, b: Place): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

/** The job a family began with: its id is the family's name. */
function firstOf(sql: Sql, principal: string, lineage: string): Job | undefined {
  const row = findRow(sql, principal, lineage);
  return row === undefined || row.lineage !== row.id ? undefined : jobOf(row);
}

export function cancelJob(change: JobChange, principal: string, id: string, at: number): JobState | undefined {
  const { sql } = change;
  const found = findRow(sql, principal, id);
  if (found === undefined) return undefined;
  const { state } = jobOf(found);
  if (hasEnded(state)) return state;
  if (state === 'queued') {
    endWithoutImages(change, rowOf(found), { state: 'cancelled', at, error: undefined }, NO_COST);
    return 'cancelled';
  }
  sql.prepare('UPDATE jobs SET is_cancel_asked = 1 WHERE id = ?').run(id);
  change.changed.add(id);
  change.cancelAsked = id;
  return state;
}

export function familyOf(sql: Sql, principal: string, lineage: string): Family {
  const row = sql
    .prepare(
      `SELECT sum(billed) AS billed, sum(possibly) AS possibly, max(number) AS newest FROM (
         SELECT billed, possibly, number FROM jobs WHERE id = :lineage AND lineage = id AND principal = :principal
         UNION ALL SELECT billed, possibly, number FROM jobs INDEXED BY jobs_continuing
         WHERE lineage = :lineage AND lineage <> id AND principal = :principal
       )`,
    )
    .get({ lineage, principal });
  return { cost: { billed: money(row?.billed), possiblyBilled: money(row?.possibly) }, newest: Number(row?.newest ?? 0) };
}

export function sweepJobs(sql: Sql, before: number, most: number): readonly string[] {
  const old = sql.prepare('SELECT number, id FROM jobs WHERE ended_at < ? ORDER BY ended_at LIMIT ?').all(before, most);
  return old.flatMap((row) => forgetJob(sql, rowOf(row)));
}

/** Undefined: there are none left. */
export function forgetSome(change: JobChange, principal: string, at: number, most: number): readonly string[] | undefined {
  const { sql } = change;
  const rows = sql.prepare('SELECT * FROM jobs INDEXED BY jobs_by_principal WHERE principal = ? LIMIT ?').all(principal, most);
  if (rows.length === 0) return undefined;
  return rows.flatMap((row) => {
    const job = rowOf(row);
    if (!ENDED_STATES.some((state) => state === row.state)) {
      const left = settleOpenAttempts(change, job, at);
      const found = jobOf(row);
      settleJob(sql, found, addCosts(found.cost, left));
    }
    change.changed.add(job.id);
    return forgetJob(sql, job);
  });
}

/** Its blobs that no other job names. */
function forgetJob(sql: Sql, { number }: JobRow): readonly string[] {
  const blobs = sql
    .prepare(
      `SELECT blob FROM job_blobs AS mine WHERE job = ?
       AND NOT EXISTS (SELECT 1 FROM job_blobs AS theirs WHERE theirs.blob = mine.blob AND theirs.job <> mine.job)`,
    )
    .all(number);
  sql.prepare('DELETE FROM job_blobs WHERE job = ?').run(number);
  sql.prepare('DELETE FROM job_attempts WHERE job = ?').run(number);
  sql.prepare('DELETE FROM job_events WHERE job = ?').run(number);
  sql.prepare('DELETE FROM jobs WHERE number = ?').run(number);
  return blobs.map(({ blob }) => String(blob));
}
