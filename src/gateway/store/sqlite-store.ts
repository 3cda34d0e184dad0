// The embedded store: one SQLite file in the data folder, several gateways on it if need be. Write-ahead log with
// synchronous=FULL: what was acknowledged survives a power cut. node:sqlite is synchronous, so what is written in one turn of
// the event loop shares a transaction and its fsync; what is read has a connection of its own and waits for no writer.

import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ImageRouterError } from '../../domain/error.ts';
import type { Cost } from '../../domain/result.ts';
import { StoreError } from '../../domain/store-error.ts';
import type { Trace } from '../../domain/trace.ts';
import type { Clock } from '../../system/clock.ts';
import type { KeptTrace } from '../ports.ts';
import { interruptClaims, sweepClaims, takeClaim } from './claims-sql.ts';
import { GroupCommit } from './group-commit.ts';
import { insertKey, keyOf } from './keys-sql.ts';
import { noteSpend, OverLimit, resolveReservations, settleReservation, takeReservation } from './limits-sql.ts';
import { Presence } from './presence.ts';
import { migrate } from './schema.ts';
import { type Row, Sql, sqliteCode } from './sql.ts';
import type { IdempotencyRow, NewClaim, Reservation, Reserved, SpendBatch, SpendRow, Store, StoredKey } from './store.ts';

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
export function openSqliteStore({ dataDir, clock, owner, presence }: SqliteOptions): Store {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const file = join(dataDir, 'gateway.sqlite');
    makePrivate(file);
    const reading = new DatabaseSync(file, { timeout: BUSY_MS });
    reading.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    migrate(reading);
    // Its waiting is done by GroupCommit, so that requests are not held up meanwhile.
    const writing = new DatabaseSync(file, { timeout: 0 });
    writing.exec('PRAGMA synchronous = FULL');
    return new SqliteStore(reading, writing, clock, owner, presence ?? new Presence(dataDir, owner));
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

class SqliteStore implements Store {
  readonly #reading: DatabaseSync;
  readonly #writing: DatabaseSync;
  readonly #reads: Sql;
  readonly #writes: Sql;
  readonly #commits: GroupCommit;
  readonly #owner: string;
  readonly #presence: Presence;

  constructor(reading: DatabaseSync, writing: DatabaseSync, clock: Clock, owner: string, presence: Presence) {
    this.#reading = reading;
    this.#writing = writing;
    this.#reads = new Sql(reading);
    this.#writes = new Sql(writing);
    this.#commits = new GroupCommit(writing, clock);
    this.#owner = owner;
    this.#presence = presence;
  }

  #write<Result>(run: (sql: Sql) => Result): Promise<Result> {
    return this.#commits.do(() => run(this.#writes));
  }

  /** For what has to be resolved if this gateway dies: others must be able to see that it lives. */
  #writeAsOwner<Result>(run: (sql: Sql, owner: string) => Result): Promise<Result> {
    return this.#write((sql) => {
      this.#presence.enter();
      return run(sql, this.#owner);
    });
  }

  async #read<Result>(run: (sql: Sql) => Result): Promise<Result> {
    if (!this.#reading.isOpen) throw new StoreError('the store is closed');
    try {
      return run(this.#reads);
    } catch (cause) {
      throw sqliteCode(cause) === undefined ? cause : new StoreError('the store cannot be read', { cause });
    }
  }

  addKey(key: StoredKey): Promise<void> {
    return this.#write((sql) => insertKey(sql, key));
  }

  findKey(id: string): Promise<StoredKey | undefined> {
    return this.#read((sql) => {
      const row = sql.prepare('SELECT * FROM keys WHERE id = ?').get(id);
      return row === undefined ? undefined : keyOf(row);
    });
  }

  listKeys(): Promise<readonly StoredKey[]> {
    return this.#read((sql) => sql.prepare('SELECT * FROM keys ORDER BY created_at, id').all().map(keyOf));
  }

  revokeKey(id: string, at: number): Promise<boolean> {
    return this.#write(
      (sql) => sql.prepare('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL').run(at, id).changes === 1,
    );
  }

  async reserve(reservation: Reservation): Promise<Reserved> {
    try {
      await this.#writeAsOwner((sql, owner) => takeReservation(sql, owner, reservation));
      return { kind: 'reserved' };
    } catch (error) {
      if (error instanceof OverLimit) return error.refusal;
      throw error;
    }
  }

  settle(id: string, cost: Cost): Promise<void> {
    return this.#write((sql) => settleReservation(sql, id, cost));
  }

  note(batch: SpendBatch): Promise<void> {
    return this.#writeAsOwner((sql, owner) => noteSpend(sql, owner, batch));
  }

  spendOf(principal: string): Promise<readonly SpendRow[]> {
    return this.#read((sql) => sql.prepare('SELECT * FROM spend WHERE principal = ? ORDER BY period DESC').all(principal).map(spendRowOf));
  }

  claim(claim: NewClaim): Promise<IdempotencyRow | undefined> {
    return this.#writeAsOwner((sql, owner) => takeClaim(sql, owner, claim));
  }

  async completeClaim(principal: string, key: string, { status, headers, bytes }: Parameters<Store['completeClaim']>[2]): Promise<void> {
    await this.#write((sql) =>
      sql
        .prepare("UPDATE claims SET state = 'done', status = ?, headers = ?, bytes = ? WHERE principal = ? AND key = ?")
        .run(status, JSON.stringify(headers), bytes, principal, key),
    );
  }

  async abandonClaim(principal: string, key: string): Promise<void> {
    await this.#write((sql) => sql.prepare("DELETE FROM claims WHERE principal = ? AND key = ? AND state = 'running'").run(principal, key));
  }

  sweepClaims(before: number, mostBytes: number): Promise<readonly string[]> {
    return this.#write((sql) => sweepClaims(sql, before, mostBytes));
  }

  answerFiles(): Promise<ReadonlySet<string>> {
    return this.#read(
      (sql) =>
        new Set(
          sql
            .prepare("SELECT file FROM claims WHERE state <> 'done' OR bytes > 0")
            .all()
            .map(({ file }) => String(file)),
        ),
    );
  }

  keepTraces(traces: readonly KeptTrace[]): Promise<void> {
    return this.#write((sql) => {
      const insert = sql.prepare('INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?)');
      for (const { principal, at, trace } of traces) insert.run(trace.requestId, principal, at, JSON.stringify(trace));
    });
  }

  findTrace(id: string): Promise<KeptTrace | undefined> {
    return this.#read((sql) => {
      const row = sql.prepare('SELECT * FROM traces WHERE id = ?').get(id);
      // Written by `keepTraces` alone.
      return row && { principal: String(row.principal), at: String(row.at), trace: JSON.parse(String(row.trace)) as Trace };
    });
  }

  async sweepTraces(before: string, most: number): Promise<void> {
    await this.#write((sql) => {
      sql.prepare('DELETE FROM traces WHERE at < ?').run(before);
      // Rows are numbered as they come.
      sql.prepare('DELETE FROM traces WHERE rowid <= (SELECT max(rowid) FROM traces) - ?').run(most);
    });
  }

  beat(at: number): Promise<void> {
    return this.#writeAsOwner((sql, owner) => {
      sql.prepare('INSERT INTO owners VALUES (?, ?) ON CONFLICT DO UPDATE SET beat = excluded.beat').run(owner, at);
      const owners = sql
        .prepare("SELECT id FROM owners UNION SELECT owner FROM reservations UNION SELECT owner FROM claims WHERE state = 'running'")
        .all();
      for (const { id } of owners) if (this.#presence.isGone(String(id))) resolveLeft(sql, String(id));
    });
  }

  async close(): Promise<void> {
    // Where this cannot be written, whoever opens the file next does the same.
    await this.#write((sql) => resolveLeft(sql, this.#owner)).catch(() => undefined);
    this.#commits.close();
    this.#writing.close();
    this.#reading.close();
    this.#presence.leave();
  }
}

/** What a gateway that is no more had begun. */
function resolveLeft(sql: Sql, owner: string): void {
  resolveReservations(sql, owner);
  interruptClaims(sql, owner);
  sql.prepare('DELETE FROM owners WHERE id = ?').run(owner);
}

function spendRowOf({ principal, period, billed, possibly, reserved }: Row): SpendRow {
  return {
    principal: String(principal),
    period: String(period),
    billed: Number(billed),
    possiblyBilled: Number(possibly),
    reserved: Number(reserved),
  };
}
