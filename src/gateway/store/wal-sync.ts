// Brings a write-ahead log to the disk without holding up the event loop: SQLite's own way to do so (synchronous=FULL) is part of
// its COMMIT, and node:sqlite waits for it with every request behind it. The log's file is never locked by SQLite, so opening
// and closing it here costs nobody a lock (docs/decisions/0014).
import { type FileHandle, open } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sql.ts';

/** How often a file that others are just beginning to use is asked again; milliseconds. */
const ASK_AGAIN_MS = 5;

/**
 * Has the database write ahead to a log, waiting at most so many milliseconds for others that are about to do the same: SQLite
 * refuses some of them at once, however long a connection may wait, so this one must not wait by itself yet. It holds up this thread.
 * Throws what SQLite says.
 */
export function useLog(database: DatabaseSync, patienceMs: number): void {
  const sleeping = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; ; waitedMs += ASK_AGAIN_MS) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (cause) {
      if (!isBusy(cause) || waitedMs >= patienceMs) throw cause;
      Atomics.wait(sleeping, 0, 0, ASK_AGAIN_MS);
    }
  }
}

export class WalSync {
  readonly #path: string;
  #file: Promise<FileHandle> | undefined;

  /** `database`: the path of the database file, in use by a connection in WAL mode for as long as this is. */
  constructor(database: string) {
    this.#path = `${database}-wal`;
  }

  /** Resolves when everything that was committed before it was called is on disk. Rejects with what the system says. */
  async sync(): Promise<void> {
    // Reading would do where fdatasync takes any file; not every system does.
    this.#file ??= open(this.#path, 'r+');
    try {
      await (await this.#file).datasync();
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  close(): void {
    this.#file?.then((file) => file.close()).catch(() => undefined);
    this.#file = undefined;
  }
}

/**
 * Brings everything in the log into the database's own file, on disk, and cuts the log to nothing: what it held needs no sync of
 * its log any more. To be called outside a transaction, and it holds up the event loop. False: others are using the log. Throws
 * what SQLite says when the disk fails.
 */
export function emptyLog(database: DatabaseSync): boolean {
  return database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
}
