// The embedded store's file and how it is used: a write-ahead log that is on disk before anybody hears of what it holds, so that
// what was acknowledged survives a power cut. node:sqlite is synchronous, so what is written in one turn of the event loop shares
// a transaction and its fsync, which alone runs beside the loop; what is read has a connection of its own and waits for no writer.
// Every store of a gateway shares one of these; recent traces have a file of their own (trace-file.ts).

import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { ImageRouterError } from '../../domain/error.ts';
import { StoreError } from '../../domain/store-error.ts';
import type { Clock } from '../../system/clock.ts';
import { GroupCommit } from './group-commit.ts';
import { Presence } from './presence.ts';
import { migrate } from './schema.ts';
import { openConnection, Sql, sqliteCode } from './sql.ts';
import { emptyLog, useLog, WalSync } from './wal-sync.ts';

export type SqliteOptions = {
  readonly dataDir: string;
  readonly clock: Clock;
  /** This process's name among gateways. */
  readonly owner: string;
  /** Who else lives; default: by locks in the data folder. */
  readonly presence?: Presence;
};

/** How long opening and reading wait for another process that tidies the file up; milliseconds. */
const BUSY_MS = 5_000;

/** Throws ImageRouterError `invalid_config` when the folder or the file cannot be used. */
export function openSqliteFile({ dataDir, clock, owner, presence }: SqliteOptions): SqliteFile {
  return openInFolder(dataDir, 'gateway.sqlite', (path) => {
    const reading = openConnection(path, (database) => {
      useLog(database, BUSY_MS);
      database.exec('PRAGMA synchronous = FULL');
      // A process that was killed may have left frames that its disk had refused. While others use the log it is theirs to know,
      // and they are not waited for: whoever empties it holds up all who write.
      emptyLog(database);
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      migrate(database);
    });
    // Its waiting, for locks and for the disk, is done by GroupCommit, so that requests are not held up meanwhile.
    const writing = openConnection(path, (database) => database.exec('PRAGMA synchronous = NORMAL'));
    return new SqliteFile(reading, writing, new WalSync(path), clock, owner, presence ?? new Presence(dataDir, owner));
  });
}

/** A file in the data folder, both made where they are not there. Throws ImageRouterError `invalid_config` when one cannot be used. */
export function openInFolder<Opened>(dataDir: string, name: string, open: (path: string) => Opened): Opened {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const path = join(dataDir, name);
    makePrivate(path);
    return open(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'name a folder this user may write to with --data or gateway.dataDir';
    throw new ImageRouterError('invalid_config', `the data folder ${dataDir} cannot be used: ${reason}`, { remedy, cause });
  }
}

/** Nobody else may read it, from its first byte on. A file that is there is never opened and closed: that would drop its locks. */
function makePrivate(file: string): void {
  if (existsSync(file)) chmodSync(file, 0o600);
  else closeSync(openSync(file, 'a', 0o600));
}

export class SqliteFile {
  /** This process's name among gateways. */
  readonly owner: string;
  readonly #reading: DatabaseSync;
  readonly #writing: DatabaseSync;
  readonly #reads: Sql;
  readonly #writes: Sql;
  readonly #wal: WalSync;
  readonly #commits: GroupCommit;
  readonly #presence: Presence;

  constructor(reading: DatabaseSync, writing: DatabaseSync, wal: WalSync, clock: Clock, owner: string, presence: Presence) {
    this.owner = owner;
    this.#reading = reading;
    this.#writing = writing;
    this.#reads = new Sql(reading);
    this.#writes = new Sql(writing);
    this.#wal = wal;
    this.#commits = new GroupCommit(writing, clock, () => wal.sync());
    this.#presence = presence;
  }

  /** One transaction, on disk when it resolves; undone when `run` throws. */
  write<Result>(run: (sql: Sql) => Result): Promise<Result> {
    return this.#commits.do(() => run(this.#writes));
  }

  /** What `run` finds, once it is on disk: what is merely read may be taken back by a power cut. */
  readDurable<Result>(run: (sql: Sql) => Result): Promise<Result> {
    return this.write(run);
  }

  /** For what has to be resolved if this gateway dies: others must be able to see that it lives. */
  writeAsOwner<Result>(run: (sql: Sql, owner: string) => Result): Promise<Result> {
    return this.write((sql) => {
      this.#presence.enter();
      return run(sql, this.owner);
    });
  }

  async read<Result>(run: (sql: Sql) => Result): Promise<Result> {
    if (!this.#reading.isOpen) throw new StoreError('the store is closed');
    try {
      return run(this.#reads);
    } catch (cause) {
      throw sqliteCode(cause) === undefined ? cause : new StoreError('the store cannot be read', { cause });
    }
  }

  /** Whether a gateway that had entered lives no more. To be asked within a write. */
  isGone(owner: string): boolean {
    return this.#presence.isGone(owner);
  }

  /** Nothing is taken afterwards. */
  close(): void {
    this.#commits.close();
    this.#wal.close();
    this.#writing.close();
    this.#reading.close();
    this.#presence.leave();
  }
}
