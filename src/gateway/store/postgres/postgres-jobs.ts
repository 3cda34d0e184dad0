// Jobs on PostgreSQL: any number of gateways and workers share one queue. What many ask for at once is done in one transaction;
// who lives is told by the sessions of their processes (docs/decisions/0011), so a worker that is slow keeps its jobs and one
// that was killed loses them within seconds.
import type { Job, JobAttempt, JobEvent, JobState, StoredImage } from '../../../domain/job.ts';
import type {
  Acceptance,
  BatchTally,
  Claimed,
  EndedAttempt,
  Family,
  Fence,
  JobEnd,
  JobHint,
  JobRetry,
  JobStore,
  ListJobs,
  NewJob,
  Order,
  QueueDepth,
} from '../../../jobs/job-store.ts';
import type { Clock } from '../../../system/clock.ts';
import { attemptOf, eventOf } from '../job-rows.ts';
import { batchTally } from './batch-tally.ts';
import type { Database } from './database.ts';
import { Grouped } from './grouped.ts';
import { JobChange } from './job-change.ts';
import { acceptJobs, cancelJob, familyOf, findJob, forgetSome, listJobs, sweepJobs } from './job-lists.ts';
import { JobNews } from './job-news.ts';
import { claimJobs, expireJobs, ordersFor, requeueUnknown, takeOverJobs } from './job-runs.ts';
import { type Recorded, type Step, takeSteps } from './job-steps.ts';
import { LOST_MS, type Postgres } from './postgres.ts';
import { Queue } from './queue.ts';

/** Forgotten in one transaction. */
const MOST_FORGOTTEN = 200;
/** While one transaction is on its way to the disk the next is made: more at once would only wait for each other's rows. */
const GROUPS = { most: 100, atOnce: 2 };

/** Rejects with StoreError. */
export async function openPostgresJobs(postgres: Postgres, clock: Clock): Promise<JobStore> {
  const queue = await Queue.open(postgres.database, clock);
  postgres.beforeClose(() => queue.close());
  const news = new JobNews(postgres, clock);
  await news.open();
  return new PostgresJobs(postgres, queue, news);
}

class PostgresJobs implements JobStore {
  readonly #postgres: Postgres;
  readonly #database: Database;
  readonly #queue: Queue;
  readonly #news: JobNews;
  readonly #accepting: Grouped<readonly NewJob[], Acceptance>;
  readonly #stepping: Grouped<Step, Recorded>;

  constructor(postgres: Postgres, queue: Queue, news: JobNews) {
    this.#postgres = postgres;
    this.#database = postgres.database;
    this.#queue = queue;
    this.#news = news;
    this.#accepting = new Grouped(async (orders) => await this.#change((change) => acceptJobs(change, orders)), {
      ...GROUPS,
      nameOf: (jobs) => jobs[0]?.lineage ?? '',
    });
    this.#stepping = new Grouped(async (steps) => await this.#change((change) => takeSteps(change, steps)), {
      ...GROUPS,
      nameOf: ({ fence }) => fence.job,
    });
  }

  /** One transaction, told of when it is on disk. */
  async #change<Result>(work: (change: JobChange) => Promise<Result>): Promise<Result> {
    const { change, result } = await this.#database.transaction(async (run) => {
      const change = new JobChange(run, this.#queue);
      const result = await work(change);
      await change.writeEvents();
      return { change, result };
    });
    this.#news.told(change);
    return result;
  }

  accept(jobs: readonly NewJob[]): Promise<Acceptance> {
    return this.#accepting.do(jobs);
  }

  async isAccepted(principal: string, id: string): Promise<boolean> {
    return (await this.find(principal, id)) !== undefined;
  }

  find(principal: string, id: string): Promise<Job | undefined> {
    return findJob(this.#database, principal, id);
  }

  list(query: ListJobs): Promise<readonly Job[]> {
    return listJobs(this.#database, query);
  }

  async events(principal: string, id: string, after: number): Promise<readonly JobEvent[]> {
    const rows = await this.#database.run(
      `SELECT e.* FROM image_router.jobs j JOIN image_router.job_events e ON e.job = j.number
       WHERE j.id = $1 AND j.principal = $2 AND e.seq > $3 ORDER BY e.seq`,
      [id, principal, after],
    );
    return rows.map(eventOf);
  }

  async attempts(principal: string, id: string): Promise<readonly JobAttempt[]> {
    const rows = await this.#database.run(
      `SELECT a.* FROM image_router.jobs j JOIN image_router.job_attempts a ON a.job = j.number
       WHERE j.id = $1 AND j.principal = $2 ORDER BY a.run, a.started_at, a.part, a.attempt`,
      [id, principal],
    );
    return rows.map(attemptOf);
  }

  async depth(): Promise<QueueDepth> {
    const [row] = await this.#database.run(
      `SELECT (SELECT count(*) FROM image_router.jobs WHERE state = 'queued') AS queued,
              (SELECT count(*) FROM image_router.jobs WHERE owner IS NOT NULL) AS running`,
      [],
    );
    return { queued: Number(row?.queued ?? 0), running: Number(row?.running ?? 0) };
  }

  async claim(worker: string, most: number, at: number): Promise<readonly Claimed[]> {
    const { owner, session } = this.#postgres;
    await session.hold(owner);
    return await this.#change((change) => claimJobs(change, { owner, worker }, most, at));
  }

  async beat(worker: string, fences: readonly Fence[], at: number): Promise<readonly Order[]> {
    const { owner } = this.#postgres;
    await this.#postgres.beat();
    return await this.#change(async (change) => {
      await requeueUnknown(change, { owner, worker }, fences, at);
      return await ordersFor(change.run, fences);
    });
  }

  async takeOver(at: number): Promise<number> {
    const { owner, silentMs, session } = this.#postgres;
    await session.hold(owner);
    return await this.#change((change) => takeOverJobs(change, { owner, silentMs, lostMs: LOST_MS }, at));
  }

  expire(at: number): Promise<number> {
    return this.#change((change) => expireJobs(change, at));
  }

  startAttempt(fence: Fence, call: Omit<JobAttempt, 'run' | 'end'>, ends: readonly EndedAttempt[]): Promise<Recorded> {
    return this.#stepping.do({ kind: 'start', fence, call, ends });
  }

  async expect(fence: Fence, expectedMs: number): Promise<void> {
    await this.#stepping.do({ kind: 'expect', fence, expectedMs, ends: [] });
  }

  previewReady(fence: Fence, previews: readonly StoredImage[], ends: readonly EndedAttempt[], at: number): Promise<Recorded> {
    return this.#stepping.do({ kind: 'preview', fence, previews, ends, at });
  }

  finish(fence: Fence, end: JobEnd): Promise<Recorded> {
    return this.#stepping.do({ kind: 'finish', fence, end, ends: end.ends, at: end.at });
  }

  retryLater(fence: Fence, retry: JobRetry): Promise<Recorded> {
    return this.#stepping.do({ kind: 'retry', fence, retry, ends: retry.ends, at: retry.at });
  }

  cancel(principal: string, id: string, at: number): Promise<JobState | undefined> {
    return this.#change((change) => cancelJob(change, principal, id, at));
  }

  batchTally(principal: string, batch: string): Promise<BatchTally> {
    return batchTally(this.#database, principal, batch);
  }

  family(principal: string, lineage: string): Promise<Family> {
    return familyOf(this.#database, principal, lineage);
  }

  sweep(before: number, most: number): Promise<readonly string[]> {
    return this.#database.transaction((run) => sweepJobs(run, before, most));
  }

  /** In steps, each a transaction: what it was cut off from, asking again forgets. */
  async forget(principal: string, at: number): Promise<readonly string[]> {
    const blobs: string[] = [];
    for (;;) {
      const some = await this.#change((change) => forgetSome(change, principal, at, MOST_FORGOTTEN));
      if (some === undefined) return blobs;
      blobs.push(...some);
    }
  }

  async named(blobs: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#database.run(
      `SELECT asked.blob FROM unnest($1::text[]) AS asked (blob)
       WHERE EXISTS (SELECT 1 FROM image_router.job_blobs j WHERE j.blob = asked.blob)`,
      [blobs],
    );
    return new Set(rows.map(({ blob }) => String(blob)));
  }

  subscribe(listener: (hint: JobHint) => void): () => void {
    return this.#news.subscribe(listener);
  }
}
