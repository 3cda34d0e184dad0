// One transaction that changes jobs, many at a time: each step is one statement however many they are. Events are collected and
// written at the end, numbered in their order, with what webhooks are to be told of them. Whoever changes a job holds its row
// locked, in the order of their numbers, so the numbers of its events have no gaps and nobody waits in a circle.
import type { EndedState, Job, JobError } from '../../../domain/job.ts';
import { ZERO_USD } from '../../../domain/money.ts';
import { addCosts, type Cost, NO_COST } from '../../../domain/result.ts';
import { attemptEndEvent, type BareEvent, endedEvent, queuedEvent } from '../../../jobs/job-events.ts';
import type { EndedAttempt, JobEnd } from '../../../jobs/job-store.ts';
import { jobOf, money, partOf, partText } from '../job-rows.ts';
import { periodsOf } from '../periods.ts';
import { countEnds } from './batch-tally.ts';
import type { Row, Run } from './database.ts';
import { queueDeliveries } from './postgres-webhooks.ts';
import type { Queue } from './queue.ts';

/** A job whose row this transaction holds. `previews`: JSON, those it has. */
export type JobRow = { readonly number: number; readonly id: string; readonly priority: number; readonly previews: string };
export const JOB_ROW = 'j.number, j.id, j.priority, j.previews';

export function rowOf({ number, id, priority, previews }: Row): JobRow {
  return { number: Number(number), id: String(id), priority: Number(priority), previews: String(previews) };
}

type Happened = { readonly number: number; readonly at: number; readonly event: BareEvent; readonly tellOf: Job | undefined };

/** What jobs spent, by their numbers. */
export type Costs = ReadonlyMap<number, Cost>;

export class JobChange {
  readonly run: Run;
  readonly queue: Queue;
  /** Jobs with something new. */
  readonly changed = new Set<string>();
  /** Whether jobs wait that did not before. */
  hasWork = false;
  /** The running job that is asked to stop. */
  cancelAsked: string | undefined;
  #happened: Happened[] = [];

  constructor(run: Run, queue: Queue) {
    this.run = run;
    this.queue = queue;
  }

  /** `tellOf`: the job as it is now, when its webhooks are to hear of it. */
  addEvent({ number, id }: Pick<JobRow, 'number' | 'id'>, at: number, event: BareEvent, tellOf?: Job): void {
    this.#happened.push({ number, at, event, tellOf });
    this.changed.add(id);
  }

  /** Of jobs that are being forgotten. */
  dropEvents(): void {
    this.#happened = [];
  }

  /** The last step. */
  async writeEvents(): Promise<void> {
    const happened = this.#happened.splice(0);
    if (happened.length === 0) return;
    const rows = await this.run(
      `INSERT INTO image_router.job_events (job, seq, at, kind, data)
       SELECT e.job, coalesce((SELECT max(x.seq) FROM image_router.job_events x WHERE x.job = e.job), 0)
         + row_number() OVER (PARTITION BY e.job ORDER BY e.place), e.at, e.kind, e.data
       FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS e (job, at, kind, data, place)
       RETURNING job, seq`,
      [
        happened.map(({ number }) => number),
        happened.map(({ at }) => at),
        happened.map(({ event }) => event.kind),
        happened.map(({ event }) => JSON.stringify(event.data)),
      ],
    );
    const seqs = new Map<number, number[]>();
    for (const { job, seq } of rows) seqs.set(Number(job), [...(seqs.get(Number(job)) ?? []), Number(seq)]);
    for (const numbers of seqs.values()) numbers.sort((a, b) => a - b);
    const news = happened.flatMap(({ number, at, event, tellOf }) => {
      const seq = seqs.get(number)?.shift() ?? 0;
      return tellOf === undefined ? [] : [{ job: tellOf, event: { seq, at, ...event } }];
    });
    await queueDeliveries(this.run, news);
  }
}

/** So that nobody takes their pictures for forgotten ones. */
export async function nameBlobs(
  { run }: JobChange,
  named: readonly { readonly number: number; readonly blobs: readonly string[] }[],
): Promise<void> {
  const pairs = named.flatMap(({ number, blobs }) => blobs.map((blob) => ({ number, blob })));
  if (pairs.length === 0) return;
  await run('INSERT INTO image_router.job_blobs SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING', [
    pairs.map(({ number }) => number),
    pairs.map(({ blob }) => blob),
  ]);
}

export type RunEnds = { readonly row: JobRow; readonly run: number; readonly ends: readonly EndedAttempt[] };

/** Writes how calls ended that were open; what they cost. An end written before, or of a call never written down, counts nothing. */
export async function endAttempts(change: JobChange, runs: readonly RunEnds[]): Promise<Costs> {
  const all = runs.flatMap(({ row, run, ends }) => ends.map((ended) => ({ row, run, ...ended })));
  const costs = new Map<number, Cost>();
  if (all.length === 0) return costs;
  const rows = await change.run(
    `UPDATE image_router.job_attempts a
     SET outcome = e.outcome, billed = e.billed, possibly = e.possibly, request_id = e.request_id, ended_at = e.ended_at
     FROM unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[])
       WITH ORDINALITY AS e (job, run, part, attempt, outcome, billed, possibly, request_id, ended_at, place)
     WHERE a.job = e.job AND a.run = e.run AND a.part = e.part AND a.attempt = e.attempt AND a.outcome IS NULL RETURNING e.place`,
    [
      all.map(({ row }) => row.number),
      all.map(({ run }) => run),
      all.map(({ part }) => partText(part)),
      all.map(({ attempt }) => attempt),
      all.map(({ end }) => end.outcome),
      all.map(({ end }) => end.billed),
      all.map(({ end }) => end.possiblyBilled),
      all.map(({ end }) => end.requestId ?? null),
      all.map(({ end }) => end.endedAt),
    ],
  );
  const written = new Set(rows.map(({ place }) => Number(place) - 1));
  for (const [index, { row, run, part, attempt, end }] of all.entries()) {
    if (!written.has(index)) continue;
    change.addEvent(row, end.endedAt, attemptEndEvent(run, { part, attempt }, end));
    costs.set(row.number, addCosts(costs.get(row.number) ?? NO_COST, end));
  }
  return costs;
}

/** Calls nobody will hear of any more count as possibly billed, at their ceiling. `known`: what the jobs spent besides. */
export async function settleOpenAttempts(
  change: JobChange,
  jobs: readonly { readonly row: JobRow; readonly at: number }[],
  known: Costs = new Map(),
): Promise<Costs> {
  const costs = new Map(known);
  if (jobs.length === 0) return costs;
  const left = await change.run(
    `UPDATE image_router.job_attempts a SET outcome = 'unknown', billed = 0, possibly = ceiling, ended_at = e.at, is_left = true
     FROM unnest($1::bigint[], $2::bigint[]) AS e (job, at)
     WHERE a.job = e.job AND a.outcome IS NULL RETURNING a.job, a.run, a.part, a.attempt, a.ceiling, e.at`,
    [jobs.map(({ row }) => row.number), jobs.map(({ at }) => at)],
  );
  const rows = new Map(jobs.map(({ row }) => [row.number, row]));
  for (const { job, run, part, attempt, ceiling, at } of left) {
    const row = rows.get(Number(job));
    if (row === undefined) continue;
    const end = { outcome: 'unknown', billed: ZERO_USD, possiblyBilled: money(ceiling) };
    change.addEvent(row, Number(at), attemptEndEvent(Number(run), { part: partOf(part), attempt: Number(attempt) }, end));
    costs.set(row.number, addCosts(costs.get(row.number) ?? NO_COST, end));
  }
  return costs;
}

/** `spent`: what is to be added to its cost. */
export type Ending = { readonly row: JobRow; readonly words: Omit<JobEnd, 'ends'>; readonly spent: Cost };

export async function endJobs(change: JobChange, endings: readonly Ending[]): Promise<void> {
  if (endings.length === 0) return;
  await nameBlobs(
    change,
    endings.map(({ row, words }) => ({ number: row.number, blobs: [...words.images, ...words.previews].map(({ blob }) => blob) })),
  );
  const rows = await change.run(
    `UPDATE image_router.jobs j SET state = e.state, ended_at = e.at, owner = NULL, not_before = 0, images = e.images,
       previews = coalesce(e.previews, j.previews), degraded = e.degraded, error = e.error, trace_id = coalesce(e.trace_id, j.trace_id),
       billed = j.billed + e.billed, possibly = j.possibly + e.possibly
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[])
       AS e (number, state, at, images, previews, degraded, error, trace_id, billed, possibly)
     WHERE j.number = e.number RETURNING j.*`,
    [
      endings.map(({ row }) => row.number),
      endings.map(({ words }) => words.state),
      endings.map(({ words }) => words.at),
      endings.map(({ words }) => JSON.stringify(words.images)),
      endings.map(({ row, words }) => withPreviews(row, words.previews)),
      endings.map(({ words }) => words.degraded ?? null),
      endings.map(({ words }) => (words.error === undefined ? null : JSON.stringify(words.error))),
      endings.map(({ words }) => words.traceId ?? null),
      endings.map(({ spent }) => spent.billed),
      endings.map(({ spent }) => spent.possiblyBilled),
    ],
  );
  const jobs = new Map(rows.map((row) => [Number(row.number), jobOf(row)]));
  for (const { row, words } of endings) {
    const job = jobs.get(row.number);
    if (job === undefined) throw new Error(`invariant: job ${row.id} is gone while it ends`);
    change.addEvent(row, words.at, endedEvent(words.state, words, job.cost), job);
  }
  await change.queue.drop(
    change.run,
    endings.map(({ row }) => row.id),
  );
  await countEnds(change.run, [...jobs.values()]);
  await settleReservations(change.run, [...jobs.values()]);
}

/** A row of a batch draws on the batch's reservation, any other job has its own. By principal, as whoever else locks several of their rows does. */
export async function settleReservations(
  run: Run,
  jobs: readonly Pick<Job, 'id' | 'principal' | 'origin' | 'createdAt' | 'maxCost' | 'cost'>[],
): Promise<void> {
  if (jobs.length === 0) return;
  const sorted = jobs.toSorted((a, b) => (a.principal < b.principal ? -1 : a.principal > b.principal ? 1 : 0));
  const periods = sorted.map(({ createdAt }) => periodsOf(createdAt));
  await run(
    `SELECT count(CASE WHEN e.part IS NULL THEN image_router.settle(e.id, e.billed, e.possibly)
       ELSE image_router.settle_row(e.id, e.part, e.billed, e.possibly, e.principal, e.day, e.month) END)
     FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
       AS e (id, part, billed, possibly, principal, day, month)`,
    [
      sorted.map(({ id, origin }) => (origin.kind === 'batch' ? origin.batch : id)),
      sorted.map(({ origin, maxCost = 0 }) => (origin.kind === 'batch' ? maxCost : null)),
      sorted.map(({ cost }) => cost.billed),
      sorted.map(({ cost }) => cost.possiblyBilled),
      sorted.map(({ principal }) => principal),
      periods.map(({ day }) => day),
      periods.map(({ month }) => month),
    ],
  );
}

/** Null: as they were. */
export function withPreviews({ previews }: JobRow, more: JobEnd['previews']): string | null {
  return more.length === 0 ? null : JSON.stringify([...(JSON.parse(previews) as JobEnd['previews']), ...more]);
}

/** A job that ends with nothing to show but what it has shown already. */
export function withoutImages(row: JobRow, state: EndedState, at: number, error: JobError | undefined, spent: Cost): Ending {
  return { row, words: { state, at, error, images: [], previews: [], degraded: undefined, traceId: undefined }, spent };
}

export type Requeue = {
  readonly row: JobRow;
  readonly at: number;
  readonly notBefore: number;
  readonly reason: JobError;
  readonly isLost: boolean;
  readonly spent: Cost;
};

export async function requeueJobs(change: JobChange, jobs: readonly Requeue[]): Promise<void> {
  if (jobs.length === 0) return;
  await change.run(
    `UPDATE image_router.jobs j SET state = 'queued', owner = NULL, not_before = e.not_before, reason = e.reason, lost = j.lost + e.lost,
       billed = j.billed + e.billed, possibly = j.possibly + e.possibly
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::bigint[], $6::bigint[]) AS e (number, not_before, reason, lost, billed, possibly)
     WHERE j.number = e.number`,
    [
      jobs.map(({ row }) => row.number),
      jobs.map(({ at, notBefore }) => (notBefore > at ? notBefore : 0)),
      jobs.map(({ reason }) => JSON.stringify(reason)),
      jobs.map(({ isLost }) => (isLost ? 1 : 0)),
      jobs.map(({ spent }) => spent.billed),
      jobs.map(({ spent }) => spent.possiblyBilled),
    ],
  );
  for (const { row, at, notBefore, reason } of jobs) change.addEvent(row, at, queuedEvent({ reason, notBefore }));
  // What waits for later keeps its place until then.
  await change.queue.again(
    change.run,
    jobs.filter(({ at, notBefore }) => notBefore <= at).map(({ row }) => row),
  );
  change.hasWork = true;
}
