// Jobs as whoever serves them sees them: hand one in, look, watch, cancel, continue. Limits and money of the caller's key are
// the caller's business beforehand; what is handed in here is already reserved under the job's id.

import type { Job, JobAttempt, JobEvent, JobOrigin, StoredImage } from '../domain/job.ts';
import type { MicroUsd } from '../domain/money.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { BlobRange } from './blob-store.ts';
import type { ListJobs } from './job-store.ts';

/** A request as the caller wrote it, checked already (`ImageRouter.explain` throws for one that is not). */
export type JobOrder = {
  readonly id: string;
  readonly principal: string;
  readonly request: ImageRequest;
  readonly model: string;
  readonly origin: JobOrigin;
  /** Of the family; undefined: it is the first. */
  readonly lineage: string | undefined;
  /** All runs together, and what its family has cost already taken off; undefined: no cap. */
  readonly maxCost: MicroUsd | undefined;
  /** From acceptance; undefined: the settings' default. World milliseconds. */
  readonly lifeMs: number | undefined;
};

/** A synchronous call that is being carried over: its making goes on, and its end becomes the job's. */
export type RunningCall = {
  readonly attempts: readonly JobAttempt[];
  /** Settles as `ImageRouter.generate` does. */
  readonly result: Promise<import('../domain/result.ts').ImageResult>;
};

/** `share`: elapsed against what is expected, at most 0.95 while it runs. An estimate, and said to be one. */
export type Progress = { readonly share: number; readonly expectedEndAt: number | undefined; readonly isEstimate: true };

export interface Jobs {
  /** Durable when it resolves. Reference pictures are put into the blob store first. Rejects with StoreError `unavailable`. */
  submit(orders: readonly JobOrder[]): Promise<readonly Job[]>;
  adopt(order: JobOrder, running: RunningCall): Promise<Job>;
  find(principal: string, id: string): Promise<Job | undefined>;
  list(query: ListJobs): Promise<readonly Job[]>;
  attempts(principal: string, id: string): Promise<readonly JobAttempt[]>;
  /** What happened after event number `after`, then what happens, until the job's last event or the signal. */
  watch(principal: string, id: string, after: number, signal: AbortSignal): AsyncIterable<JobEvent>;
  progress(job: Job): Progress;
  /** The job as it is afterwards; undefined: there is none. */
  cancel(principal: string, id: string): Promise<Job | undefined>;
  /** Bytes of one of a job's pictures; undefined when they are gone. */
  content(image: StoredImage, range: BlobRange | undefined): Promise<Uint8Array | undefined>;
  /** Deletes everything of a principal. */
  forget(principal: string): Promise<void>;
}
