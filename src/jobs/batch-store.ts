// Where batches and their rows live, beside the jobs they become. Nothing here decides: the feeder (batch-feeder.ts) reads what is
// open and writes how far it has come, and all it writes may be written twice by two of them. Rejects with StoreError when
// nothing can be recorded.
import type { Batch, BatchRow } from '../domain/batch.ts';

export type ListBatches = {
  readonly principal: string;
  /** The last of the page before; newest first. */
  readonly after: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
};

export interface BatchStore {
  /**
   * Batch and rows, all or nothing, in pieces that hold nobody up: until the last is written there is no such batch. Its money is
   * reserved beforehand under the batch's id (`Store.reserve` with `keptBy: 'job'`): each job of it that ends settles its
   * `maxCost` of that, and `end` gives back what is left.
   */
  accept(batch: Omit<Batch, 'state' | 'fed' | 'endedAt'>, rows: readonly BatchRow[]): Promise<void>;
  /** Whether a batch is there for good, for whoever was not told so. Rejects with StoreError when that cannot be known either. */
  isAccepted(principal: string, id: string): Promise<boolean>;
  /** Undefined also when it is somebody else's. */
  find(principal: string, id: string): Promise<Batch | undefined>;
  list(query: ListBatches): Promise<readonly Batch[]>;
  /** Rows after number `after`, in order. */
  rows(batch: string, after: number, limit: number): Promise<readonly BatchRow[]>;
  /** All that have not ended. */
  open(): Promise<readonly Batch[]>;
  /** The first `fed` rows are jobs by now. A smaller number changes nothing. */
  advance(batch: string, fed: number): Promise<void>;
  /** No row becomes a job any more. Undefined: there is none of this principal. One that has ended stays as it is. */
  cancel(principal: string, id: string): Promise<Batch | undefined>;
  /** Once; what its reservation still holds is given back. */
  end(batch: string, state: 'completed' | 'cancelled', at: number): Promise<void>;
  /** Forgets batches that ended before `before`, and pieces of one that was never whole and is as old. */
  sweep(before: number, most: number): Promise<number>;
  /** Forgets all of a principal's. */
  forget(principal: string): Promise<void>;
}
