// Many operations, one fsync: what is asked for within one turn of the event loop is done in one transaction, and every
// caller hears of it when that is on disk. The fsync runs beside the event loop; what is asked for meanwhile goes into the next.
// Each has a savepoint of its own, so one that fails spoils none beside it. While another process writes, its turn is awaited by
// asking again: SQLite's own waiting would hold up every request here. An fsync that failed is told once by the system, and what
// was to be brought to the disk may be lost though the next one succeeds: nothing is taken until the log was emptied into the file.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreError } from '../../domain/store-error.ts';
import type { Clock } from '../../system/clock.ts';
import { atEndOfTurn } from '../../system/turn.ts';
import { isBusy, sqliteCode } from './sql.ts';
import { emptyLog } from './wal-sync.ts';

type Operation = {
  readonly run: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/** Real milliseconds: how long another process's transactions are waited for, and how often it is asked. */
const PATIENCE_MS = 5_000;
const ASK_AGAIN_MS = 2;
/** In one transaction; more would hold up the event loop for tens of milliseconds. */
const MOST_AT_ONCE = 256;

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #sync: () => Promise<void>;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  #waiting: Operation[] = [];
  #isScheduled = false;
  #isClosed = false;
  #busySince: number | undefined;
  #isSyncing = false;
  /** Since an fsync failed, until one has succeeded behind a checkpoint. */
  #isLogDoubtful = false;

  /**
   * The connection must not wait for locks by itself, nor for the disk: `sync` brings what was committed there, and rejects when
   * it cannot.
   */
  constructor(database: DatabaseSync, clock: Clock, sync: () => Promise<void>) {
    this.#database = database;
    this.#clock = clock;
    this.#sync = sync;
    this.#savepoint = database.prepare('SAVEPOINT one');
    this.#release = database.prepare('RELEASE one');
  }

  /** Resolves with what `run` returned once it is on disk. `run` is synchronous, and undone when it throws. */
  do<Result>(run: () => Result): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    if (this.#isClosed) reject(new StoreError('the store is closed'));
    else {
      // The result is handed back to the promise it came with.
      this.#waiting.push({ run, resolve: (result) => resolve(result as Result), reject });
      this.#schedule();
    }
    return promise;
  }

  /** Takes nothing any more. What still waits is refused. */
  close(): void {
    this.#isClosed = true;
    this.#refuse(new StoreError('the store is closed'));
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isSyncing || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    atEndOfTurn(() => this.#commit());
  }

  #commit(): void {
    this.#isScheduled = false;
    if (this.#waiting.length === 0 || !this.#begin()) return;
    const operations = this.#waiting.splice(0, MOST_AT_ONCE);
    const settlements: (() => void)[] = [];
    const settle = (): void => {
      for (const tell of settlements) tell();
    };
    const fail = (cause: unknown, mayBeWritten: boolean): void => {
      for (const { reject } of operations) reject(new StoreError('the store does not take records', { cause, mayBeWritten }));
    };
    try {
      for (const operation of operations) settlements.push(this.#attempt(operation));
      this.#database.exec('COMMIT');
      this.#bringToDisk(settle, (cause) => fail(cause, true));
    } catch (cause) {
      this.#rollBack();
      fail(cause, false);
    }
    this.#schedule();
  }

  #bringToDisk(settle: () => void, fail: (cause: unknown) => void): void {
    this.#isSyncing = true;
    void this.#sync()
      .then(
        () => {
          this.#isLogDoubtful = false;
          settle();
        },
        (cause: unknown) => {
          this.#isLogDoubtful = true;
          fail(cause);
        },
      )
      .finally(() => {
        this.#isSyncing = false;
        this.#schedule();
      });
  }

  /** False when the transaction could not begin: somebody else is at the file, and it is asked again; or nothing can be written. */
  #begin(): boolean {
    try {
      if (!this.#isLogDoubtful || emptyLog(this.#database)) {
        this.#database.exec('BEGIN IMMEDIATE');
        this.#busySince = undefined;
        return true;
      }
      this.#askAgain(new Error('the log cannot be emptied while others read it'));
    } catch (cause) {
      if (isBusy(cause)) this.#askAgain(cause);
      else this.#refuseAll(cause);
    }
    return false;
  }

  #askAgain(cause: unknown): void {
    const { speed } = this.#clock;
    const now = this.#clock.now();
    this.#busySince ??= now;
    if (now - this.#busySince < PATIENCE_MS * speed) {
      this.#isScheduled = true;
      this.#clock.timer(ASK_AGAIN_MS * speed, () => this.#commit());
    } else this.#refuseAll(cause);
  }

  #refuseAll(cause: unknown): void {
    this.#busySince = undefined;
    this.#refuse(new StoreError('the store does not take records', { cause }));
  }

  /** How to tell the caller, once the transaction is on disk. A disk that is full fails the whole group, not one of it. */
  #attempt({ run, resolve, reject }: Operation): () => void {
    this.#savepoint.run();
    try {
      const result = run();
      this.#release.run();
      return () => resolve(result);
    } catch (error) {
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('ROLLBACK TO one');
      this.#release.run();
      // What is not SQLite's complaint is the operation's own way out, or a defect; both go to who asked.
      const told = sqliteCode(error) === undefined ? error : new StoreError('the store refused a record', { cause: error });
      return () => reject(told);
    }
  }

  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch {
      // A connection that cannot even undo is of no use; the next transaction says so to who asks.
    }
  }

  #refuse(error: StoreError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
