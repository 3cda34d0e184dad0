// Jobs as their owners see them on PostgreSQL: handed in, looked at, listed, cancelled, forgotten. Whatever is asked is
// answered from an index, however many jobs there are.
import { hasEnded, JOB_STATES, type Job, type JobState } from '../../../domain/job.ts';
import { addCosts, type Cost, NO_COST } from '../../../domain/result.ts';
import { queuedEvent } from '../../../jobs/job-events.ts';
import type { Acceptance, Family, ListJobs, NewJob } from '../../../jobs/job-store.ts';
import { jobOf, money } from '../job-rows.ts';
import type { Database, Run } from './database.ts';
import { endJobs, JOB_ROW, type JobChange, nameBlobs, rowOf, settleOpenAttempts, settleReservations, withoutImages } from './job-change.ts';

/** No two of the same family at once. */
export async function acceptJobs(change: JobChange, orders: readonly (readonly NewJob[])[]): Promise<readonly Acceptance[]> {
  const newest = await newestOf(
    change.run,
    orders.flat().flatMap(({ lineage, newestSeen }) => (newestSeen === undefined ? [] : [lineage])),
  );
  const isOvertaken = (jobs: readonly NewJob[]): boolean =>
    jobs.some(({ lineage, newestSeen = Infinity }) => (newest.get(lineage) ?? 0) > newestSeen);
  await insertAll(
    change,
    orders.flatMap((jobs) => (isOvertaken(jobs) ? [] : jobs)),
  );
  return orders.map((jobs) => (isOvertaken(jobs) ? 'overtaken' : 'accepted'));
}

/** Of each of these families; none of them grows before this transaction has ended. */
async function newestOf(run: Run, lineages: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (lineages.length === 0) return new Map();
  await run(`SELECT pg_advisory_xact_lock(hashtextextended('image_router family ' || lineage, 0)) FROM unnest($1::text[]) AS lineage`, [
    lineages.toSorted(),
  ]);
  const rows = await run('SELECT lineage, max(number) AS newest FROM image_router.jobs WHERE lineage = ANY($1) GROUP BY lineage', [
    lineages,
  ]);
  return new Map(rows.map(({ lineage, newest }) => [String(lineage), Number(newest)]));
}

async function insertAll(change: JobChange, jobs: readonly NewJob[]): Promise<void> {
  const { run } = change;
  const rows = jobs.filter(({ origin }) => origin.kind === 'batch');
  const accepted = [
    ...(await insertJobs(
      run,
      jobs.filter(({ origin }) => origin.kind !== 'batch'),
      '',
    )),
    // Two feeders may hand in the same row.
    ...(await insertJobs(run, await rowsOfBatches(run, rows), 'ON CONFLICT (id) DO NOTHING')),
  ];
  if (accepted.length === 0) return;
  await nameBlobs(
    change,
    accepted.map(({ number, request }) => ({
      number,
      blobs: [...(request.referenceBlobs ?? []), ...(request.maskBlob === undefined ? [] : [request.maskBlob])],
    })),
  );
  await change.queue.add(run, accepted);
  for (const job of accepted) change.addEvent(job, job.createdAt, queuedEvent());
  // From now on its reservation is nobody's but the job's.
  await run("UPDATE image_router.reservations SET owner = '' WHERE id = ANY($1)", [accepted.map(({ id }) => id)]);
  change.hasWork = true;
}

/** Those whose batch was not forgotten, nor is before this transaction has ended. */
async function rowsOfBatches(run: Run, rows: readonly NewJob[]): Promise<readonly NewJob[]> {
  const batches = [...new Set(rows.flatMap(({ origin }) => (origin.kind === 'batch' ? [origin.batch] : [])))];
  if (batches.length === 0) return [];
  const found = await run('SELECT id FROM image_router.batches WHERE id = ANY($1) ORDER BY id FOR KEY SHARE', [batches]);
  const known = new Set(found.map(({ id }) => String(id)));
  return rows.filter(({ origin }) => origin.kind === 'batch' && known.has(origin.batch));
}

/** Those that were not there before, in their order. */
async function insertJobs(
  run: Run,
  jobs: readonly NewJob[],
  onConflict: string,
): Promise<readonly (NewJob & { readonly number: number })[]> {
  if (jobs.length === 0) return [];
  const rows = await run(
    `INSERT INTO image_router.jobs (id, principal, lineage, batch, origin, request, model, state, priority, created_at, deadline_at, max_cost)
     SELECT id, principal, lineage, batch, origin, request, model, 'queued', priority, created_at, deadline_at, max_cost
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::bigint[], $10::bigint[], $11::bigint[])
       WITH ORDINALITY AS e (id, principal, lineage, batch, origin, request, model, priority, created_at, deadline_at, max_cost, place)
     ORDER BY place ${onConflict} RETURNING number, id`,
    [
      jobs.map(({ id }) => id),
      jobs.map(({ principal }) => principal),
      jobs.map(({ lineage }) => lineage),
      jobs.map(({ origin }) => (origin.kind === 'batch' ? origin.batch : null)),
      jobs.map(({ origin }) => JSON.stringify(origin)),
      jobs.map(({ request }) => JSON.stringify(request)),
      jobs.map(({ model }) => model),
      jobs.map(({ priority }) => priority),
      jobs.map(({ createdAt }) => createdAt),
      jobs.map(({ deadlineAt }) => deadlineAt),
      jobs.map(({ maxCost }) => maxCost ?? null),
    ],
  );
  const numbers = new Map(rows.map(({ number, id }) => [String(id), Number(number)]));
  return [...new Map(jobs.map((job) => [job.id, job])).values()].flatMap((job) => {
    const number = numbers.get(job.id);
    return number === undefined ? [] : [{ ...job, number }];
  });
}

export async function findJob(database: Database, principal: string, id: string): Promise<Job | undefined> {
  const [row] = await database.run('SELECT * FROM image_router.jobs WHERE id = $1 AND principal = $2', [id, principal]);
  return row && jobOf(row);
}

/** One read a state, each in the order of its index, merged: neither many jobs nor few of a state make it slow. */
export async function listJobs(database: Database, query: ListJobs): Promise<readonly Job[]> {
  const { principal, states = JOB_STATES, batch, lineage, after, limit } = query;
  const [column, value] = batch !== undefined ? ['batch', batch] : lineage !== undefined ? ['lineage', lineage] : ['principal', principal];
  const rows = await database.run(
    `SELECT j.* FROM unnest($2::text[]) AS s (state) CROSS JOIN LATERAL (
       SELECT * FROM image_router.jobs WHERE ${column} = $1 AND state = s.state AND principal = $3 AND ($4::text IS NULL OR lineage = $4)
         AND (created_at, id) < ($5, $6) ORDER BY created_at DESC, id DESC LIMIT $7
     ) j ORDER BY j.created_at DESC, j.id DESC LIMIT $7`,
    [value, [...new Set(states)], principal, lineage ?? null, after?.createdAt ?? Number.MAX_SAFE_INTEGER, after?.id ?? '', limit],
  );
  return rows.map(jobOf);
}

export async function cancelJob(change: JobChange, principal: string, id: string, at: number): Promise<JobState | undefined> {
  const { run } = change;
  const [seen] = await run('SELECT state FROM image_router.jobs WHERE id = $1 AND principal = $2', [id, principal]);
  if (seen === undefined) return undefined;
  // Its entry first, like whoever takes it: the job is then either taken, or nobody else's.
  if (seen.state === 'queued') await change.queue.drop(run, [id]);
  const [row] = await run(`SELECT ${JOB_ROW}, j.state FROM image_router.jobs j WHERE j.id = $1 FOR UPDATE`, [id]);
  if (row === undefined) return undefined;
  const state = JOB_STATES.find((known) => known === row.state);
  if (state === undefined || hasEnded(state)) return state;
  if (state === 'queued') {
    await endJobs(change, [withoutImages(rowOf(row), 'cancelled', at, undefined, NO_COST)]);
    return 'cancelled';
  }
  await run('UPDATE image_router.jobs SET is_cancel_asked = true WHERE number = $1', [row.number]);
  change.changed.add(id);
  change.cancelAsked = id;
  return state;
}

export async function familyOf(database: Database, principal: string, lineage: string): Promise<Family> {
  const [row = {}] = await database.run(
    `SELECT sum(billed) AS billed, sum(possibly) AS possibly, max(number) AS newest FROM image_router.jobs
     WHERE lineage = $1 AND principal = $2`,
    [lineage, principal],
  );
  return { cost: costIn(row), newest: Number(row.newest ?? 0) };
}

function costIn({ billed, possibly }: { readonly billed?: unknown; readonly possibly?: unknown }): Cost {
  return { billed: money(billed), possiblyBilled: money(possibly) };
}

export async function sweepJobs(run: Run, before: number, most: number): Promise<readonly string[]> {
  const old = await run('SELECT number FROM image_router.jobs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED', [
    before,
    most,
  ]);
  return await forgetJobs(
    run,
    old.map(({ number }) => Number(number)),
  );
}

/** Undefined: there are none left. */
export async function forgetSome(change: JobChange, principal: string, at: number, most: number): Promise<readonly string[] | undefined> {
  const { run } = change;
  const rows = await run('SELECT * FROM image_router.jobs WHERE principal = $1 ORDER BY number LIMIT $2 FOR UPDATE', [principal, most]);
  if (rows.length === 0) return undefined;
  const jobs = rows.map((row) => ({ row: rowOf(row), job: jobOf(row) }));
  const open = jobs.filter(({ job }) => !hasEnded(job.state));
  const left = await settleOpenAttempts(
    change,
    open.map(({ row }) => ({ row, at })),
  );
  await settleReservations(
    run,
    open.map(({ row, job }) => ({ ...job, cost: addCosts(job.cost, left.get(row.number) ?? NO_COST) })),
  );
  await change.queue.drop(
    run,
    open.map(({ row }) => row.id),
  );
  change.dropEvents();
  for (const { row } of jobs) change.changed.add(row.id);
  return await forgetJobs(
    run,
    jobs.map(({ row }) => row.number),
  );
}

/** Their blobs that no other job names. */
async function forgetJobs(run: Run, numbers: readonly number[]): Promise<readonly string[]> {
  if (numbers.length === 0) return [];
  const blobs = await run(
    `SELECT DISTINCT blob FROM image_router.job_blobs mine WHERE job = ANY($1)
     AND NOT EXISTS (SELECT 1 FROM image_router.job_blobs theirs WHERE theirs.blob = mine.blob AND theirs.job <> ALL($1))`,
    [numbers],
  );
  for (const table of ['job_blobs', 'job_attempts', 'job_events'])
    await run(`DELETE FROM image_router.${table} WHERE job = ANY($1)`, [numbers]);
  await run('DELETE FROM image_router.jobs WHERE number = ANY($1)', [numbers]);
  return blobs.map(({ blob }) => String(blob));
}
