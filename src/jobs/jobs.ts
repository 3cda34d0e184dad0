// Jobs as whoever serves them sees them: hand one in, look, watch, cancel, continue. Limits and money of the caller's key are
// the caller's business beforehand; what is handed in here is already reserved under the job's id.

import type { Job, JobAttempt, JobEvent, JobOrigin, StoredImage } from '../domain/job.ts';
import type { MicroUsd } from '../domain/money.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { BlobRange } from './blob-store.ts';
import type { Family, ListJobs, QueueDepth } from './job-store.ts';

/**
 * A request as the caller wrote it, checked already (`ImageRouter.explain` throws for one that is not). Two of its fields say
 * nothing to whoever makes it: a job has `lifeMs` in the place of `latencyBudgetMs`, which is left out, and what a run may
 * cost is what is left of `maxCost`; `request.maxCostUsd` is the cap of the whole family, kept for the jobs that continue it.
 */
export type JobOrder = {
  readonly id: string;
  readonly principal: string;
  readonly request: ImageRequest;
  readonly model: string;
  readonly origin: JobOrigin;
  /** Of the family; undefined: it is the first. */
  readonly lineage: string | undefined;
  /** All runs of this job together; what its family has cost is taken off already. Undefined: no cap. */
  readonly maxCost: MicroUsd | undefined;
  /** Of one that is not the first: the newest of its family when `maxCost` was reckoned. */
  readonly newestSeen?: number | undefined;
  /** From acceptance; undefined: the settings' default. World milliseconds. */
  readonly lifeMs: number | undefined;
};

/** `share`: elapsed against what is expected, at most 0.95 while it runs. An estimate, and said to be one. */
export type Progress = { readonly share: number; readonly expectedEndAt: number | undefined; readonly isEstimate: true };

export interface Jobs {
  /**
   * Durable when it resolves. Reference pictures are put into the blob store first. `overtaken`: nothing was accepted, for a
   * family has a newer job than was seen. Rejects with StoreError; where that says `mayBeWritten`, only the job itself can tell.
   */
  submit(orders: readonly JobOrder[]): Promise<readonly Job[] | 'overtaken'>;
  find(principal: string, id: string): Promise<Job | undefined>;
  list(query: ListJobs): Promise<readonly Job[]>;
  attempts(principal: string, id: string): Promise<readonly JobAttempt[]>;
  /** As it was handed in, with its pictures read back, for a job that continues it; undefined when one of them is gone. */
  request(job: Job): Promise<ImageRequest | undefined>;
  family(principal: string, lineage: string): Promise<Family>;
  /** What happened after event number `after`, then what happens, until the job's last event or the signal. */
  watch(principal: string, id: string, after: number, signal: AbortSignal): AsyncIterable<JobEvent>;
  progress(job: Job): Progress;
  /** The job as it is afterwards; undefined: there is none. */
  cancel(principal: string, id: string): Promise<Job | undefined>;
  depth(): Promise<QueueDepth>;
  /** Bytes of one of a job's pictures; undefined when they are gone. */
  content(image: StoredImage, range: BlobRange | undefined): Promise<Uint8Array | undefined>;
  /** Deletes everything of a principal. */
  forget(principal: string): Promise<void>;
}
