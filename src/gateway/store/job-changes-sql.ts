// Steps that several changes of a job share, each inside the transaction of the change: an event, the end of calls, the end of
// the job with everything that follows from it. Who was told of what is collected, and told once it is on disk.
import type { EndedState, Job, JobAttemptEnd, JobError, JobEvent } from '../../domain/job.ts';
import { ZERO_USD } from '../../domain/money.ts';
import { addCosts, type Cost, NO_COST } from '../../domain/result.ts';
import { attemptEndEvent, type BareEvent, endedEvent, queuedEvent } from '../../jobs/job-events.ts';
import type { EndedAttempt, JobEnd } from '../../jobs/job-store.ts';
import { countEnd } from './batch-tally-sql.ts';
import { jobOf, money, partOf, partText } from './job-rows.ts';
import { settlePart, settleReservation } from './limits-sql.ts';
import { figure, type Row, type Sql } from './sql.ts';
import { queueDeliveries } from './sqlite-webhooks.ts';

/** One transaction that changes jobs. */
export type JobChange = {
  readonly sql: Sql;
  /** Jobs with something new. */
  readonly changed: Set<string>;
  /** Whether jobs wait that did not before. */
  hasWork: boolean;
  /** The running job that is asked to stop. */
  cancelAsked: string | undefined;
};

/** The number is a job's place in the order in which they came, and what its rows in other tables name it by. */
export type JobRow = { readonly number: number; readonly id: string };

export function rowOf(row: Row): JobRow {
  return { number: Number(row.number), id: String(row.id) };
}

export function addEvent({ sql, changed }: JobChange, { number, id }: JobRow, at: number, { kind, data }: BareEvent): JobEvent {
  const row = sql
    .prepare(
      `INSERT INTO job_events (job, seq, at, kind, data)
       VALUES (:job, (SELECT coalesce(max(seq), 0) + 1 FROM job_events WHERE job = :job), :at, :kind, :data) RETURNING seq`,
    )
    .get({ job: number, at, kind, data: JSON.stringify(data) });
  changed.add(id);
  return { seq: figure(row, 'seq'), at, kind, data };
}

/** So that nobody takes its pictures for forgotten ones. */
export function nameBlobs(sql: Sql, number: number, blobs: readonly string[]): void {
  const name = sql.prepare('INSERT INTO job_blobs VALUES (?, ?) ON CONFLICT DO NOTHING');
  for (const blob of blobs) name.run(number, blob);
}

/** Writes how calls of a run ended that were open; what they cost. An end written before, or of a call never written down, counts nothing. */
export function endAttempts(change: JobChange, job: JobRow, run: number, ends: readonly EndedAttempt[]): Cost {
  const write = change.sql.prepare(
    `UPDATE job_attempts SET outcome = ?, billed = ?, possibly = ?, request_id = ?, ended_at = ?
     WHERE job = ? AND run = ? AND part = ? AND attempt = ? AND outcome IS NULL`,
  );
  return ends.reduce((sum, { part, attempt, end }) => {
    const { outcome, billed, possiblyBilled, requestId, endedAt } = end;
    const place = [job.number, run, partText(part), attempt] as const;
    if (write.run(outcome, billed, possiblyBilled, requestId ?? null, endedAt, ...place).changes === 0) return sum;
    addEvent(change, job, endedAt, attemptEndEvent(run, { part, attempt }, end));
    return addCosts(sum, end);
  }, NO_COST);
}

/** Calls nobody will hear of any more count as possibly billed, at their ceiling. */
export function settleOpenAttempts(change: JobChange, job: JobRow, at: number): Cost {
  const left = change.sql
    .prepare(
      `UPDATE job_attempts SET outcome = 'unknown', billed = 0, possibly = ceiling, ended_at = ?, is_left = 1
       WHERE job = ? AND outcome IS NULL RETURNING run, part, attempt, ceiling`,
    )
    .all(at, job.number);
  return left.reduce<Cost>((sum, row) => {
    const end: Pick<JobAttemptEnd, 'outcome' | 'billed' | 'possiblyBilled'> = {
      outcome: 'unknown',
      billed: ZERO_USD,
      possiblyBilled: money(row.ceiling),
    };
    addEvent(change, job, at, attemptEndEvent(Number(row.run), { part: partOf(row.part), attempt: Number(row.attempt) }, end));
    return addCosts(sum, end);
  }, NO_COST);
}

export type FinalWords = Omit<JobEnd, 'ends'>;

/** `spent`: what is to be added to its cost. */
export function endJob(change: JobChange, { number, id }: JobRow, words: FinalWords, spent: Cost): void {
  const { sql } = change;
  const { state, at, images, previews, degraded, error, traceId } = words;
  nameBlobs(
    sql,
    number,
    [...images, ...previews].map(({ blob }) => blob),
  );
  const row = sql
    .prepare(
      `UPDATE jobs SET state = ?, ended_at = ?, owner = NULL, not_before = 0, images = ?, previews = ${APPENDED}, degraded = ?,
       error = ?, trace_id = coalesce(?, trace_id), billed = billed + ?, possibly = possibly + ? WHERE number = ? RETURNING *`,
    )
    .get(
      state,
      at,
      JSON.stringify(images),
      JSON.stringify(previews),
      degraded ?? null,
      error === undefined ? null : JSON.stringify(error),
      traceId ?? null,
      spent.billed,
      spent.possiblyBilled,
      number,
    );
  if (row === undefined) throw new Error(`invariant: job ${id} is gone while it ends`);
  const job = jobOf(row);
  countEnd(sql, job, state);
  settleJob(sql, job, job.cost);
  queueDeliveries(sql, job, addEvent(change, { number, id }, at, endedEvent(state, words, job.cost)));
}

/** A row of a batch draws on the batch's reservation, any other job has its own. */
export function settleJob(sql: Sql, { id, principal, origin, createdAt, maxCost = ZERO_USD }: Job, cost: Cost): void {
  if (origin.kind === 'batch') settlePart(sql, { id: origin.batch, part: maxCost, principal, at: createdAt }, cost);
  else settleReservation(sql, id, cost);
}

/** The previews there are, and those given. */
export const APPENDED = `(SELECT json_group_array(json(value)) FROM (
  SELECT value FROM json_each(previews) UNION ALL SELECT value FROM json_each(?)))`;

/** A job that ends with nothing to show but what it has shown already. */
export function endWithoutImages(
  change: JobChange,
  job: JobRow,
  end: { readonly state: EndedState; readonly at: number; readonly error: JobError | undefined },
  spent: Cost,
): void {
  endJob(change, job, { ...end, images: [], previews: [], degraded: undefined, traceId: undefined }, spent);
}

export type Requeue = { readonly at: number; readonly notBefore: number; readonly reason: JobError; readonly isLost: boolean };

export function requeue(change: JobChange, job: JobRow, { at, notBefore, reason, isLost }: Requeue, spent: Cost): void {
  change.sql
    .prepare(
      `UPDATE jobs SET state = 'queued', owner = NULL, not_before = ?, reason = ?, lost = lost + ?,
       billed = billed + ?, possibly = possibly + ? WHERE number = ?`,
    )
    .run(notBefore > at ? notBefore : 0, JSON.stringify(reason), isLost ? 1 : 0, spent.billed, spent.possiblyBilled, job.number);
  addEvent(change, job, at, queuedEvent({ reason, notBefore }));
  change.hasWork = true;
}
