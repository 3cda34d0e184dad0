// Jobs in the embedded store's file. Who lives is told by the locks gateways and workers hold (presence.ts), so a worker that
// is slow, or whose clock is wrong, keeps its jobs, and one that was killed loses them at the next look.
import type { Job, JobAttempt, JobEvent, JobState, StoredImage } from '../../domain/job.ts';
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
} from '../../jobs/job-store.ts';
import type { Clock } from '../../system/clock.ts';
import { batchTally } from './batch-tally-sql.ts';
import type { JobChange } from './job-changes-sql.ts';
import { JobFeed } from './job-feed.ts';
import { attemptOf, eventOf, jobOf } from './job-rows.ts';
import {
  claimJobs,
  expectJob,
  expireJobs,
  finishJob,
  ordersFor,
  previewReady,
  requeueUnknown,
  retryJob,
  startAttempt,
  takeOverJobs,
} from './job-runs-sql.ts';
import { acceptJobs, cancelJob, familyOf, findRow, forgetSome, listJobs, sweepJobs } from './jobs-sql.ts';
import { figure, type Sql } from './sql.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** Forgotten in one transaction; thousands would hold up every request meanwhile. */
const MOST_FORGOTTEN = 200;

export class SqliteJobs implements JobStore {
  readonly #file: SqliteFile;
  readonly #feed: JobFeed;

  constructor(file: SqliteFile, clock: Clock) {
    this.#file = file;
    this.#feed = new JobFeed(file, clock);
  }

  /** One transaction, told of when it is on disk. */
  async #change<Result>(run: (change: JobChange, owner: string) => Result): Promise<Result> {
    let made: JobChange | undefined;
    const result = await this.#file.writeAsOwner((sql, owner) => {
      made = { sql, changed: new Set(), hasWork: false, cancelAsked: undefined };
      return run(made, owner);
    });
    if (made !== undefined) this.#feed.told(made);
    return result;
  }

  accept(jobs: readonly NewJob[]): Promise<Acceptance> {
    return this.#change((change) => acceptJobs(change, jobs));
  }

  isAccepted(principal: string, id: string): Promise<boolean> {
    return this.#file.readDurable((sql) => findRow(sql, principal, id) !== undefined);
  }

  find(principal: string, id: string): Promise<Job | undefined> {
    return this.#file.read((sql) => {
      const row = findRow(sql, principal, id);
      return row === undefined ? undefined : jobOf(row);
    });
  }

  list(query: ListJobs): Promise<readonly Job[]> {
    return this.#file.read((sql) => listJobs(sql, query));
  }

  events(principal: string, id: string, after: number): Promise<readonly JobEvent[]> {
    return this.#file.read((sql) =>
      this.#ofJob(sql, principal, id, (number) =>
        sql.prepare('SELECT * FROM job_events WHERE job = ? AND seq > ? ORDER BY seq').all(number, after).map(eventOf),
      ),
    );
  }

  attempts(principal: string, id: string): Promise<readonly JobAttempt[]> {
    return this.#file.read((sql) =>
      this.#ofJob(sql, principal, id, (number) =>
        sql
          .prepare('SELECT * FROM job_attempts WHERE job = ? ORDER BY run, started_at, length(part) DESC, part, attempt')
          .all(number)
          .map(attemptOf),
      ),
    );
  }

  #ofJob<Value>(sql: Sql, principal: string, id: string, read: (number: number) => readonly Value[]): readonly Value[] {
    const row = sql.prepare('SELECT number FROM jobs WHERE id = ? AND principal = ?').get(id, principal);
    return row === undefined ? [] : read(Number(row.number));
  }

  depth(): Promise<QueueDepth> {
    return this.#file.read((sql) => ({
      queued: figure(sql.prepare("SELECT count(*) AS jobs FROM jobs INDEXED BY jobs_by_deadline WHERE state = 'queued'").get(), 'jobs'),
      running: figure(sql.prepare('SELECT count(*) AS jobs FROM jobs INDEXED BY jobs_by_owner WHERE owner IS NOT NULL').get(), 'jobs'),
    }));
  }

  claim(worker: string, most: number, at: number): Promise<readonly Claimed[]> {
    return this.#change((change, owner) => claimJobs(change, { owner, worker }, most, at));
  }

  beat(worker: string, fences: readonly Fence[], at: number): Promise<readonly Order[]> {
    return this.#change((change, owner) => {
      requeueUnknown(change, { owner, worker }, fences, at);
      return ordersFor(change.sql, fences);
    });
  }

  takeOver(at: number): Promise<number> {
    return this.#change((change) => takeOverJobs(change, at, (owner) => this.#file.isGone(owner)));
  }

  expire(at: number): Promise<number> {
    return this.#change((change) => expireJobs(change, at));
  }

  startAttempt(fence: Fence, attempt: Omit<JobAttempt, 'run' | 'end'>, ends: readonly EndedAttempt[]): Promise<'recorded' | 'lost'> {
    return this.#change((change) => startAttempt(change, fence, attempt, ends));
  }

  expect(fence: Fence, expectedMs: number): Promise<void> {
    return this.#change(({ sql, changed }) => {
      expectJob(sql, fence, expectedMs);
      changed.add(fence.job);
    });
  }

  previewReady(fence: Fence, previews: readonly StoredImage[], ends: readonly EndedAttempt[], at: number): Promise<'recorded' | 'lost'> {
    return this.#change((change) => previewReady(change, fence, previews, ends, at));
  }

  finish(fence: Fence, end: JobEnd): Promise<'recorded' | 'lost'> {
    return this.#change((change) => finishJob(change, fence, end));
  }

  retryLater(fence: Fence, retry: JobRetry): Promise<'recorded' | 'lost'> {
    return this.#change((change) => retryJob(change, fence, retry));
  }

  cancel(principal: string, id: string, at: number): Promise<JobState | undefined> {
    return this.#change((change) => cancelJob(change, principal, id, at));
  }

  batchTally(principal: string, batch: string): Promise<BatchTally> {
    return this.#file.read((sql) => batchTally(sql, principal, batch));
  }

  family(principal: string, lineage: string): Promise<Family> {
    return this.#file.read((sql) => familyOf(sql, principal, lineage));
  }

  sweep(before: number, most: number): Promise<readonly string[]> {
    return this.#file.write((sql) => sweepJobs(sql, before, most));
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

  named(blobs: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#file.read((sql) => {
      const find = sql.prepare('SELECT 1 FROM job_blobs WHERE blob = ? LIMIT 1');
      return new Set(blobs.filter((blob) => find.get(blob) !== undefined));
    });
  }

  subscribe(listener: (hint: JobHint) => void): () => void {
    return this.#feed.subscribe(listener);
  }
}
