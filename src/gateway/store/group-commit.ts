// Many operations, one fsync: what is asked for within a millisecond is done in one transaction, and every caller hears of
// it when that is on disk. Each has a savepoint of its own, so one that fails spoils none beside it.
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../system/clock.ts';
import { StoreError } from './store.ts';

type Operation = { readonly run: () => unknown; readonly resolve: (result: unknown) => void; readonly reject: (error: unknown) => void };

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  #waiting: Operation[] = [];
  #isScheduled = false;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Resolves with what `run` returned once it is on disk. `run` is synchronous and throws to undo itself. */
  do<Result>(run: () => Result): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    // The result is handed back to the promise it came with.
    this.#waiting.push({ run, resolve: (result) => resolve(result as Result), reject });
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#clock.timer(0, () => this.flush());
    }
    return promise;
  }

  flush(): void {
    this.#isScheduled = false;
    const operations = this.#waiting;
    this.#waiting = [];
    if (operations.length === 0) return;
    const settlements: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const operation of operations) settlements.push(this.#attempt(operation));
      this.#database.exec('COMMIT');
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const { reject } of operations) reject(new StoreError('the store does not take records', { cause }));
      return;
    }
    for (const settle of settlements) settle();
  }

  /** How to tell the caller, once the transaction is on disk. A disk that is full fails the whole group, not one of it. */
  #attempt({ run, resolve, reject }: Operation): () => void {
    this.#database.exec('SAVEPOINT one');
    try {
      const result = run();
      this.#database.exec('RELEASE one');
      return () => resolve(result);
    } catch (error) {
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('ROLLBACK TO one');
      this.#database.exec('RELEASE one');
      return () => reject(error instanceof StoreError ? error : new StoreError('the store refused a record', { cause: error }));
    }
  }
}
