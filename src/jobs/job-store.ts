// Where jobs live: one port, two stores (an SQLite file, PostgreSQL with pg-boss), one contract suite. The store is the only
// truth about who works on what. Every method that changes something is one transaction, and what resolved is on disk. A run
// is fenced: whatever a worker writes names the run it was given, and a worker that was taken for dead is told 'lost' and has
// changed nothing. Leases are judged by the store's own sense of who lives, never by two machines' clocks.
import type { Job, JobAttempt, JobAttemptEnd, JobError, JobEvent, JobState, StoredImage } from '../domain/job.ts';
import type { Cost } from '../domain/result.ts';
import type { RunPart } from '../domain/trace.ts';

export type NewJob = Pick<Job, 'id' | 'principal' | 'lineage' | 'origin' | 'request' | 'model' | 'createdAt' | 'deadlineAt' | 'maxCost'> & {
  /** Of a job that continues others: the newest of its family when it was reckoned what is left for it. */
  readonly newestSeen?: number | undefined;
  /** Lower is sooner; equal ones in the order they came. Batch rows come after single jobs. */
  readonly priority: number;
};

/** Names one run of one job. */
export type Fence = { readonly job: string; readonly run: number };

/** A job given to a worker. `left`: calls of earlier runs whose end nobody knows, now counted as possibly billed. */
export type Claimed = { readonly fence: Fence; readonly job: Job; readonly left: readonly JobAttempt[] };

export type Acceptance = 'accepted' | 'overtaken';

/** All jobs of a lineage. `cost`: what they cost, and may have. `newest`: grows with every one that is accepted. */
export type Family = { readonly cost: Cost; readonly newest: number };

/** A batch's jobs by their states, and what all of them cost, and may have. */
export type BatchTally = { readonly states: Readonly<Partial<Record<JobState, number>>>; readonly cost: Cost };

/** How a run ended, to be written in one go with everything that follows from it. */
export type JobEnd = {
  readonly state: 'completed' | 'failed' | 'cancelled' | 'expired';
  readonly at: number;
  readonly images: readonly StoredImage[];
  /** Previews the run made and had not told of yet. */
  readonly previews: readonly StoredImage[];
  readonly degraded: string | undefined;
  readonly error: JobError | undefined;
  readonly traceId: string | undefined;
  /** Calls that ended since the last time they were written. */
  readonly ends: readonly EndedAttempt[];
};

/** `notBefore`: at most LONGEST_WAIT_MS after `at`; a later one was written by a clock that has since been set back. */
export type JobRetry = {
  readonly at: number;
  readonly notBefore: number;
  readonly reason: JobError;
  readonly ends: readonly EndedAttempt[];
};
export const LONGEST_WAIT_MS = 3_600_000;

export type EndedAttempt = { readonly part: RunPart | undefined; readonly attempt: number; readonly end: JobAttemptEnd };

export type ListJobs = {
  readonly principal: string;
  readonly states: readonly JobState[] | undefined;
  readonly batch: string | undefined;
  readonly lineage: string | undefined;
  /** The last job of the page before; newest first. */
  readonly after: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
};

export type Order = {
  /** What a fenced run is to do now. `lost`: it is somebody else's; stop and write nothing. */
  readonly fence: Fence;
  readonly kind: 'cancel' | 'lost';
};

export type QueueDepth = { readonly queued: number; readonly running: number };

export interface JobStore {
  /**
   * Jobs, their first events and queue entries, all or nothing; nothing where a family has a newer job than was seen. The key's
   * money is reserved beforehand under the job's id (`Store.reserve` with `keptBy: 'job'`): ending the job settles it in the same
   * transaction; a row of a batch settles its `maxCost` of the batch's; one that is a job already is left as it is, and one whose
   * batch was forgotten is none any more. Rejects with StoreError when the disk is full, and when nobody knows (`mayBeWritten`).
   */
  accept(jobs: readonly NewJob[]): Promise<Acceptance>;
  /** Whether a job is there for good, for whoever was not told so. Rejects with StoreError when that cannot be known either. */
  isAccepted(principal: string, id: string): Promise<boolean>;

  /** Undefined also when it is somebody else's. */
  find(principal: string, id: string): Promise<Job | undefined>;
  list(query: ListJobs): Promise<readonly Job[]>;
  /** Events after `after`, in order. Empty for a job that is not the principal's. */
  events(principal: string, id: string, after: number): Promise<readonly JobEvent[]>;
  attempts(principal: string, id: string): Promise<readonly JobAttempt[]>;
  depth(): Promise<QueueDepth>;

  /** Takes up to `most` waiting jobs for a worker, none of them past its deadline: state running, a new run begun. */
  claim(worker: string, most: number, at: number): Promise<readonly Claimed[]>;
  /**
   * Says the worker and its runs live. To be called every few seconds, by wall time of the machine, and never while it claims.
   * What it is to stop comes back. A running job of this worker that is not among `fences` goes back into the queue: its claim
   * was recorded, but the answer was lost on the way, or the worker has given it up.
   */
  beat(worker: string, fences: readonly Fence[], at: number): Promise<readonly Order[]>;
  /**
   * Puts jobs of dead workers back into the queue, their open calls settled as possibly billed; ends those that were asked to
   * be cancelled, and as `lost_too_often` those that lost MOST_LOST_RUNS workers. Within 15 s of the death. How many jobs.
   */
  takeOver(at: number): Promise<number>;
  /** Ends queued jobs whose deadline has passed, a bounded number at a time. How many. */
  expire(at: number): Promise<number>;

  /** Before every upstream call; ends known so far are written along. `lost`: the call must not be made. */
  startAttempt(fence: Fence, attempt: Omit<JobAttempt, 'run' | 'end'>, ends: readonly EndedAttempt[]): Promise<'recorded' | 'lost'>;
  /** What a render is expected to take, when a run has planned. */
  expect(fence: Fence, expectedMs: number): Promise<void>;
  previewReady(fence: Fence, previews: readonly StoredImage[], ends: readonly EndedAttempt[], at: number): Promise<'recorded' | 'lost'>;
  /**
   * Ends the job, settles its calls (open ones as possibly billed) and its key's reservation, writes the event, and queues what
   * its webhooks are to be told; of one that expired they are told `job.failed`.
   */
  finish(fence: Fence, end: JobEnd): Promise<'recorded' | 'lost'>;
  /**
   * Back into the queue: the run ended for a reason that may pass. Its calls stay counted, open ones as possibly billed. One
   * that was asked to be cancelled ends so instead.
   */
  retryLater(fence: Fence, retry: JobRetry): Promise<'recorded' | 'lost'>;
  /** A queued job ends at once; a running one is asked to stop. Undefined: there is none of this principal. */
  cancel(principal: string, id: string, at: number): Promise<JobState | undefined>;

  /**
   * Every job of a batch, counted by state, with what it cost; also those that were forgotten since, for as long as the batch is
   * kept. Costs no more than what is open of it, so it may be asked often.
   */
  batchTally(principal: string, batch: string): Promise<BatchTally>;
  family(principal: string, lineage: string): Promise<Family>;

  /** Forgets jobs that ended before `before`, a bounded number at a time. Blobs nobody needs any more. */
  sweep(before: number, most: number): Promise<readonly string[]>;
  /** Forgets all jobs of a principal; the calls of one that runs count as possibly billed, and its worker is told `lost`. Their blobs. */
  forget(principal: string, at: number): Promise<readonly string[]>;
  /** Those of these blobs that a job names. There are too many to ask for all of them. */
  named(blobs: readonly string[]): Promise<ReadonlySet<string>>;

  /**
   * Hears of changes made here or by any other process: a job with something new (state or event), or `work` when jobs wait.
   * Hints only: they may be lost or come late, so whoever waits also looks now and then.
   */
  subscribe(listener: (hint: JobHint) => void): () => void;
}

/** `cancel`: one that runs is asked to stop; whoever makes it finds that confirmed by its next beat. */
export type JobHint = { readonly kind: 'work' } | { readonly kind: 'job' | 'cancel'; readonly id: string };
