// Jobs for whoever serves them, over the store and the blob store. It makes nothing itself: workers do, here or elsewhere.
// Pictures are durable before the job that names them is accepted, and removed again when it was not.

import { hasEnded, type Job, type JobAttempt, type JobEvent, type StoredImage } from '../domain/job.ts';
import type { ImageRequest } from '../domain/request.ts';
import { NO_COST } from '../domain/result.ts';
import { mayBeWritten } from '../domain/store-error.ts';
import type { Clock } from '../system/clock.ts';
import type { Ids } from '../system/ids.ts';
import type { BlobRange, BlobStore } from './blob-store.ts';
import type { Family, JobStore, ListJobs, NewJob, QueueDepth } from './job-store.ts';
import { JobWatch } from './job-watch.ts';
import type { JobOrder, Jobs, Progress } from './jobs.ts';
import { blobsOf, readRequest, writtenRequest } from './pictures.ts';

export type JobSettings = {
  /** How long a job that does not say may take, from acceptance. World milliseconds. */
  readonly lifeMs: number;
};

/** A day, as providers give batches: their outages are over by then. */
const DEFAULT_JOB_SETTINGS: JobSettings = { lifeMs: 86_400_000 };

/** Rows of a batch wait for whoever waits in person. */
const PRIORITY = { single: 0, row: 10 } as const;

export type JobsParts = {
  readonly store: JobStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly settings?: JobSettings;
  /** Hears of what could not be tidied up. */
  readonly onTrouble: (error: unknown) => void;
};

export function createJobs(parts: JobsParts): Jobs {
  return new JobsService(parts);
}

class JobsService implements Jobs {
  readonly #parts: JobsParts;
  readonly #watch: JobWatch;

  constructor(parts: JobsParts) {
    this.#parts = parts;
    this.#watch = new JobWatch(parts.store, parts.clock);
  }

  async submit(orders: readonly JobOrder[]): Promise<readonly Job[] | 'overtaken'> {
    const jobs: NewJob[] = [];
    try {
      for (const order of orders) jobs.push(await this.#written(order));
      if ((await this.#parts.store.accept(jobs)) === 'accepted') return jobs.map(asAccepted);
      await this.#removePictures(jobs);
      return 'overtaken';
    } catch (error) {
      if (!mayBeWritten(error)) await this.#removePictures(jobs);
      else if (await this.#isThere(jobs)) return jobs.map(asAccepted);
      throw error;
    }
  }

  /** What stays behind all the same is found by the sweeper. */
  async #removePictures(jobs: readonly NewJob[]): Promise<void> {
    const put = jobs.flatMap(({ request }) => blobsOf(request));
    if (put.length > 0) await this.#parts.blobs.remove(put).catch(this.#parts.onTrouble);
  }

  /** One of them stands for all. False says nothing: what is on its way to the disk may still arrive there. */
  async #isThere([job]: readonly NewJob[]): Promise<boolean> {
    if (job === undefined) return true;
    return this.#parts.store.isAccepted(job.principal, job.id).catch(() => false);
  }

  async #written({ id, principal, request, model, origin, lineage, maxCost, newestSeen, lifeMs }: JobOrder): Promise<NewJob> {
    const { blobs, ids, clock, settings = DEFAULT_JOB_SETTINGS } = this.#parts;
    const written = await writtenRequest(blobs, ids, request);
    const createdAt = clock.wall().getTime();
    return {
      id,
      principal,
      lineage: lineage ?? id,
      origin,
      request: written,
      model,
      createdAt,
      deadlineAt: createdAt + Math.round(lifeMs ?? settings.lifeMs),
      maxCost,
      newestSeen,
      priority: origin.kind === 'batch' ? PRIORITY.row : PRIORITY.single,
    };
  }

  find(principal: string, id: string): Promise<Job | undefined> {
    return this.#parts.store.find(principal, id);
  }

  list(query: ListJobs): Promise<readonly Job[]> {
    return this.#parts.store.list(query);
  }

  attempts(principal: string, id: string): Promise<readonly JobAttempt[]> {
    return this.#parts.store.attempts(principal, id);
  }

  request(job: Job): Promise<ImageRequest | undefined> {
    return readRequest(this.#parts.blobs, job.request);
  }

  family(principal: string, lineage: string): Promise<Family> {
    return this.#parts.store.family(principal, lineage);
  }

  watch(principal: string, id: string, after: number, signal: AbortSignal): AsyncIterable<JobEvent> {
    return this.#watch.events(principal, id, after, signal);
  }

  progress(job: Job): Progress {
    return progressOf(job, this.#parts.clock.wall().getTime());
  }

  async cancel(principal: string, id: string): Promise<Job | undefined> {
    const { store, clock } = this.#parts;
    if ((await store.cancel(principal, id, clock.wall().getTime())) === undefined) return undefined;
    return store.find(principal, id);
  }

  depth(): Promise<QueueDepth> {
    return this.#parts.store.depth();
  }

  content({ blob }: StoredImage, range: BlobRange | undefined): Promise<Uint8Array | undefined> {
    return this.#parts.blobs.get(blob, range);
  }

  async forget(principal: string): Promise<void> {
    const { store, blobs, clock } = this.#parts;
    await blobs.remove(await store.forget(principal, clock.wall().getTime()));
  }
}

/** A job as the store holds it in its first moment: reading it back would cost a look at the database. */
function asAccepted({ priority: _, newestSeen: __, ...job }: NewJob): Job {
  return {
    ...job,
    state: 'queued',
    startedAt: undefined,
    endedAt: undefined,
    expectedMs: undefined,
    runs: 0,
    isCancelAsked: false,
    cost: NO_COST,
    previews: [],
    images: [],
    degraded: undefined,
    error: undefined,
    traceId: undefined,
  };
}

/** What runs is never said to be nearly done for longer than it takes to be believed. */
const MOST_WHILE_RUNNING = 0.95;

/** Pure: elapsed against what is expected. What waits has not begun; what nobody can estimate has no share. */
export function progressOf(job: Job, now: number): Progress {
  const estimate = (share: number, expectedEndAt: number | undefined): Progress => ({
    share: Math.round(share * 1_000) / 1_000,
    expectedEndAt,
    isEstimate: true,
  });
  if (hasEnded(job.state)) return estimate(1, undefined);
  const { startedAt, expectedMs } = job;
  if (job.state === 'queued' || startedAt === undefined || expectedMs === undefined) return estimate(0, undefined);
  const share = expectedMs <= 0 ? MOST_WHILE_RUNNING : Math.min(MOST_WHILE_RUNNING, Math.max(0, now - startedAt) / expectedMs);
  return estimate(share, Math.min(job.deadlineAt, startedAt + expectedMs));
}
