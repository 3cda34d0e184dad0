// What workers write about jobs they hold, on PostgreSQL: of many jobs in one transaction. A fence names one run; whoever holds
// an older one finds no row to lock, and changes nothing.

import type { JobAttempt, StoredImage } from '../../../domain/job.ts';
import { NO_COST } from '../../../domain/result.ts';
import { attemptStartEvent, previewReadyEvent } from '../../../jobs/job-events.ts';
import type { EndedAttempt, Fence, JobEnd, JobRetry } from '../../../jobs/job-store.ts';
import { jobOf, partText } from '../job-rows.ts';
import type { Run } from './database.ts';
import {
  type Costs,
  endAttempts,
  endJobs,
  JOB_ROW,
  type JobChange,
  type JobRow,
  nameBlobs,
  requeueJobs,
  rowOf,
  settleOpenAttempts,
  withoutImages,
  withPreviews,
} from './job-change.ts';

export type Recorded = 'recorded' | 'lost';

/** What the holder of a fence writes. */
export type Step = { readonly fence: Fence } & (
  | { readonly kind: 'start'; readonly call: Omit<JobAttempt, 'run' | 'end'>; readonly ends: readonly EndedAttempt[] }
  | { readonly kind: 'expect'; readonly expectedMs: number; readonly ends: readonly EndedAttempt[] }
  | { readonly kind: 'preview'; readonly previews: readonly StoredImage[]; readonly ends: readonly EndedAttempt[]; readonly at: number }
  | ({ readonly kind: 'finish' } & { readonly end: JobEnd; readonly ends: readonly EndedAttempt[]; readonly at: number })
  | ({ readonly kind: 'retry' } & { readonly retry: JobRetry; readonly ends: readonly EndedAttempt[]; readonly at: number })
);
type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

type Held<Kind extends Step['kind'] = Step['kind']> = {
  readonly step: StepOf<Kind>;
  readonly row: JobRow;
  readonly isCancelAsked: boolean;
};

/** Of different jobs, in one transaction. */
export async function takeSteps(change: JobChange, steps: readonly Step[]): Promise<readonly Recorded[]> {
  const held = await heldFor(change.run, steps);
  const known = await endAttempts(
    change,
    held.map(({ step, row }) => ({ row, run: step.fence.run, ends: step.ends })),
  );
  const starts = held.flatMap(({ step, ...rest }) => (step.kind === 'start' ? [{ step, ...rest }] : []));
  const guesses = held.flatMap(({ step, ...rest }) => (step.kind === 'expect' ? [{ step, ...rest }] : []));
  const previews = held.flatMap(({ step, ...rest }) => (step.kind === 'preview' ? [{ step, ...rest }] : []));
  const last = held.flatMap(({ step, ...rest }) => (step.kind === 'finish' || step.kind === 'retry' ? [{ step, ...rest }] : []));
  await startAttempts(change, starts);
  await countCosts(
    change.run,
    starts.map(({ row }) => row),
    known,
  );
  await expectJobs(change, guesses);
  await showPreviews(change, previews, known);
  await close(change, last, known);
  const jobs = new Set(held.map(({ row }) => row.id));
  return steps.map(({ fence }) => (jobs.has(fence.job) ? 'recorded' : 'lost'));
}

async function heldFor(run: Run, steps: readonly Step[]): Promise<readonly Held[]> {
  const rows = await run(
    `SELECT ${JOB_ROW}, j.is_cancel_asked FROM image_router.jobs j JOIN unnest($1::text[], $2::int[]) AS f (id, run) ON j.id = f.id AND j.runs = f.run
     WHERE j.owner IS NOT NULL ORDER BY j.number FOR UPDATE OF j`,
    [steps.map(({ fence }) => fence.job), steps.map(({ fence }) => fence.run)],
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  return steps.flatMap((step) => {
    const row = found.get(step.fence.job);
    return row === undefined ? [] : [{ step, row: rowOf(row), isCancelAsked: row.is_cancel_asked === true }];
  });
}

async function startAttempts(change: JobChange, held: readonly Held<'start'>[]): Promise<void> {
  if (held.length === 0) return;
  const rows = await change.run(
    `INSERT INTO image_router.job_attempts (job, run, part, attempt, target, route, started_at, ceiling)
     SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
     ON CONFLICT DO NOTHING RETURNING job`,
    [
      held.map(({ row }) => row.number),
      held.map(({ step }) => step.fence.run),
      held.map(({ step }) => partText(step.call.part)),
      held.map(({ step }) => step.call.attempt),
      held.map(({ step }) => step.call.target),
      held.map(({ step }) => step.call.route),
      held.map(({ step }) => step.call.startedAt),
      held.map(({ step }) => step.call.ceiling),
    ],
  );
  const written = new Set(rows.map(({ job }) => Number(job)));
  for (const { row, step } of held) {
    if (written.has(row.number)) change.addEvent(row, step.call.startedAt, attemptStartEvent(step.fence.run, step.call));
  }
}

async function countCosts(run: Run, rows: readonly JobRow[], known: Costs): Promise<void> {
  const spent = rows.flatMap(({ number }) => {
    const cost = known.get(number);
    return cost === undefined ? [] : [{ number, cost }];
  });
  if (spent.length === 0) return;
  await run(
    `UPDATE image_router.jobs j SET billed = j.billed + e.billed, possibly = j.possibly + e.possibly
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS e (number, billed, possibly) WHERE j.number = e.number`,
    [spent.map(({ number }) => number), spent.map(({ cost }) => cost.billed), spent.map(({ cost }) => cost.possiblyBilled)],
  );
}

async function expectJobs(change: JobChange, held: readonly Held<'expect'>[]): Promise<void> {
  if (held.length === 0) return;
  await change.run(
    `UPDATE image_router.jobs j SET expected_ms = e.expected_ms FROM unnest($1::bigint[], $2::float8[]) AS e (number, expected_ms)
     WHERE j.number = e.number`,
    [held.map(({ row }) => row.number), held.map(({ step }) => step.expectedMs)],
  );
  for (const { row } of held) change.changed.add(row.id);
}

async function showPreviews(change: JobChange, held: readonly Held<'preview'>[], known: Costs): Promise<void> {
  if (held.length === 0) return;
  await nameBlobs(
    change,
    held.map(({ row, step }) => ({ number: row.number, blobs: step.previews.map(({ blob }) => blob) })),
  );
  const rows = await change.run(
    `UPDATE image_router.jobs j SET state = 'preview_ready', previews = coalesce(e.previews, j.previews),
       billed = j.billed + e.billed, possibly = j.possibly + e.possibly
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS e (number, previews, billed, possibly)
     WHERE j.number = e.number RETURNING j.*`,
    [
      held.map(({ row }) => row.number),
      held.map(({ row, step }) => withPreviews(row, step.previews)),
      held.map(({ row }) => known.get(row.number)?.billed ?? 0),
      held.map(({ row }) => known.get(row.number)?.possiblyBilled ?? 0),
    ],
  );
  const jobs = new Map(rows.map((row) => [Number(row.number), jobOf(row)]));
  for (const { row, step } of held) {
    const job = jobs.get(row.number);
    if (job === undefined) throw new Error(`invariant: job ${row.id} is gone while it runs`);
    change.addEvent(row, step.at, previewReadyEvent(job.previews.length), job);
  }
}

async function close(change: JobChange, held: readonly Held<'finish' | 'retry'>[], known: Costs): Promise<void> {
  const spent = await settleOpenAttempts(
    change,
    held.map(({ row, step }) => ({ row, at: step.at })),
    known,
  );
  const costOf = ({ number }: JobRow) => spent.get(number) ?? NO_COST;
  await endJobs(
    change,
    held.flatMap(({ row, step, isCancelAsked }) => {
      if (step.kind === 'finish') return [{ row, words: step.end, spent: costOf(row) }];
      return isCancelAsked ? [withoutImages(row, 'cancelled', step.at, undefined, costOf(row))] : [];
    }),
  );
  await requeueJobs(
    change,
    held.flatMap(({ row, step, isCancelAsked }) => {
      if (step.kind === 'finish' || isCancelAsked) return [];
      const { at, notBefore, reason } = step.retry;
      return [{ row, at, notBefore, reason, isLost: false, spent: costOf(row) }];
    }),
  );
}
