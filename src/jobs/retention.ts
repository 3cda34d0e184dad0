// Forgets what is old, a bounded number at a time, so that nobody waits for it: jobs and batches that ended long ago, then the
// pictures no job names any more. Any number of processes may do it side by side: forgetting twice is forgetting once.
import type { CancelTimer, Clock } from '../system/clock.ts';
import type { BatchStore } from './batch-store.ts';
import type { BlobStore } from './blob-store.ts';
import type { JobStore } from './job-store.ts';
import { sweepBlobs } from './sweep-blobs.ts';
import type { WebhookStore } from './webhook-store.ts';

export type RetentionParts = {
  readonly jobs: Pick<JobStore, 'sweep' | 'named'>;
  readonly batches: Pick<BatchStore, 'sweep'>;
  readonly webhooks: Pick<WebhookStore, 'sweepDeliveries'>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** What the blob store's clock shows: never scaled. */
  readonly blobsClock: Clock;
  /** World milliseconds that a job is kept after its end. */
  readonly keepMs: () => number;
  readonly onTrouble: (error: unknown) => void;
};

/** Real milliseconds. Pictures left by a crash are rare, and looking for them reads every name. */
const SWEEP_EVERY_MS = 60_000;
const SWEEPS_PER_SEARCH = 60;
/** Of one step; steps are made until nothing old is left. */
const MOST_JOBS = 200;
const MOST_BATCHES = 10;
const MOST_DELIVERIES = 500;
const MOST_IDLE_STEPS = 20;

export class Retention {
  readonly #parts: RetentionParts;
  #sweeps = 0;
  #cancel: CancelTimer | undefined;
  #isStopped = false;
  #working: Promise<void> = Promise.resolve();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock } = this.#parts;
    const work = (): void => {
      this.#working = this.sweep()
        .catch(this.#parts.onTrouble)
        .finally(() => this.#isStopped || this.start());
    };
    this.#cancel = clock.timer(SWEEP_EVERY_MS * clock.speed, work, { background: true });
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#working;
  }

  /** Everything that is old now. */
  async sweep(): Promise<void> {
    const { jobs, batches, webhooks, blobs, clock, blobsClock, keepMs } = this.#parts;
    const before = clock.wall().getTime() - keepMs();
    while (!this.#isStopped && (await batches.sweep(before, MOST_BATCHES)) === MOST_BATCHES);
    while (!this.#isStopped && (await webhooks.sweepDeliveries(before, MOST_DELIVERIES)) === MOST_DELIVERIES);
    // Jobs without pictures leave nothing to remove, so a step that gives none back need not be the last.
    for (let idle = 0; idle < MOST_IDLE_STEPS && !this.#isStopped; ) {
      const forgotten = await jobs.sweep(before, MOST_JOBS);
      if (forgotten.length === 0) idle += 1;
      else await blobs.remove(forgotten);
    }
    if (this.#sweeps % SWEEPS_PER_SEARCH === 0) await sweepBlobs({ jobs, blobs, clock: blobsClock });
    this.#sweeps += 1;
  }
}
