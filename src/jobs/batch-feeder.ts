// Turns the rows of batches into jobs, in their order, as many at a time as each batch allows. Any number of processes may do so
// side by side: a row's job has its id before it exists, so handing it in twice is handing it in once, and how far a batch has
// come is read before its open jobs are counted, so that what is counted is never too little. A process that is killed in the
// middle leaves nothing half done; the next look goes on.
import type { Batch } from '../domain/batch.ts';
import { OPEN_STATES } from '../domain/job.ts';
import { StoreError } from '../domain/store-error.ts';
import type { CancelTimer, Clock } from '../system/clock.ts';
import type { BatchStore } from './batch-store.ts';
import type { JobStore } from './job-store.ts';
import type { Jobs } from './jobs.ts';

export type FeederParts = {
  readonly batches: BatchStore;
  readonly store: Pick<JobStore, 'batchTally' | 'subscribe'>;
  readonly jobs: Pick<Jobs, 'submit' | 'list' | 'cancel'>;
  readonly clock: Clock;
  /** Hears of what went wrong; it is tried again at the next look. */
  readonly onTrouble: (error: unknown) => void;
};

/** Real milliseconds. Hints may be lost, so it also looks by itself; with many jobs ending it looks only so often. */
const LOOK_EVERY_MS = 1_000;
const LEAST_BETWEEN_MS = 25;
/** Handed in at once; a batch that allows more gets there in a few looks. */
const MOST_AT_ONCE = 100;

export class BatchFeeder {
  readonly #parts: FeederParts;
  #unsubscribe: (() => void) | undefined;
  #cancelTimer: CancelTimer | undefined;
  #feeding: Promise<void> | undefined;
  #isWanted = false;
  #isClosed = false;

  constructor(parts: FeederParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unsubscribe = this.#parts.store.subscribe(({ kind }) => {
      if (kind === 'job') this.#lookIn(LEAST_BETWEEN_MS);
    });
    this.soon();
  }

  /** There is something new: a batch, or one to be cancelled. */
  soon(): void {
    if (this.#isClosed) return;
    if (this.#feeding !== undefined) this.#isWanted = true;
    else this.#look();
  }

  /** Resolves once nothing is being handed in any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe?.();
    this.#cancelTimer?.();
    await this.#feeding;
  }

  /** One look at everything open. */
  async feed(): Promise<void> {
    for (const batch of await this.#parts.batches.open()) {
      if (this.#isClosed) return;
      await this.#feedOne(batch);
    }
  }

  #lookIn(ms: number): void {
    if (this.#isClosed) return;
    if (this.#feeding !== undefined) {
      this.#isWanted = true;
      return;
    }
    const { clock } = this.#parts;
    this.#cancelTimer?.();
    this.#cancelTimer = clock.timer(ms * clock.speed, () => this.#look(), { background: true });
  }

  #look(): void {
    this.#cancelTimer?.();
    this.#isWanted = false;
    this.#feeding = this.feed()
      .catch((error: unknown) => this.#parts.onTrouble(error))
      .finally(() => {
        this.#feeding = undefined;
        this.#lookIn(this.#isWanted ? LEAST_BETWEEN_MS : LOOK_EVERY_MS);
      });
  }

  async #feedOne(batch: Batch): Promise<void> {
    const { batches, store, clock } = this.#parts;
    const { states } = await store.batchTally(batch.principal, batch.id);
    const open = OPEN_STATES.reduce((sum, state) => sum + (states[state] ?? 0), 0);
    const isCancelling = batch.state === 'cancelling';
    if (isCancelling && open > 0) return this.#cancelJobs(batch);
    if (!isCancelling && batch.fed < batch.rows) return this.#handIn(batch, batch.concurrency - open);
    if (open === 0) await batches.end(batch.id, isCancelling ? 'cancelled' : 'completed', clock.wall().getTime());
  }

  async #handIn({ id, principal, fed, deadlineAt }: Batch, room: number): Promise<void> {
    const { batches, jobs, clock } = this.#parts;
    if (room <= 0) return;
    const rows = await batches.rows(id, fed, Math.min(room, MOST_AT_ONCE));
    if (rows.length === 0) throw new StoreError(`the rows of ${id} cannot be read`);
    const lifeMs = Math.max(1, deadlineAt - clock.wall().getTime());
    await jobs.submit(
      rows.map(({ row, job, request: { referenceBlobs: _, maskBlob: __, ...request }, model, maxCost }) => ({
        id: job,
        principal,
        request,
        model,
        origin: { kind: 'batch', batch: id, row },
        lineage: undefined,
        maxCost,
        lifeMs,
      })),
    );
    await batches.advance(id, rows.at(-1)?.row ?? fed);
    this.#isWanted ||= rows.length === MOST_AT_ONCE;
  }

  async #cancelJobs({ id, principal, concurrency }: Batch): Promise<void> {
    const { jobs } = this.#parts;
    const query = { principal, batch: id, states: OPEN_STATES, lineage: undefined, after: undefined };
    for (const job of await jobs.list({ ...query, limit: concurrency })) if (!job.isCancelAsked) await jobs.cancel(principal, job.id);
  }
}
