// The embedded store: one SQLite file in the data folder, several gateways on it if need be. Write-ahead log with
// synchronous=FULL: what was acknowledged survives a power cut. node:sqlite is synchronous; operations are grouped into one
// transaction a millisecond, so its fsync is paid once for all that came meanwhile.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { ImageRouterError } from '../../domain/error.ts';
import type { Cost } from '../../domain/result.ts';
import type { Trace } from '../../domain/trace.ts';
import type { Clock } from '../../system/clock.ts';
import { type KeptTrace, type KeyLimits, SCOPES } from '../ports.ts';
import { GroupCommit } from './group-commit.ts';
import { OverLimit, resolveReservations, settleReservation, takeReservation } from './limits-sql.ts';
import { migrate } from './schema.ts';
import {
  type IdempotencyRow,
  periodsOf,
  type Reservation,
  type Reserved,
  type SpendBatch,
  type SpendRow,
  type Store,
  type StoredKey,
} from './store.ts';

export type SqliteOptions = {
  readonly dataDir: string;
  readonly clock: Clock /** This process's name among gateways. */;
  readonly owner: string;
};

/** How long another process's transaction is waited for. */
const BUSY_MS = 5_000;

type Row = Readonly<Record<string, unknown>>;

/** Throws ImageRouterError `invalid_config` when the folder or the file cannot be used. */
export function openSqliteStore({ dataDir, clock, owner }: SqliteOptions): Store {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const file = join(dataDir, 'gateway.sqlite');
    const database = new DatabaseSync(file, { timeout: BUSY_MS });
    chmodSync(file, 0o600);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    migrate(database);
    return new SqliteStore(database, new GroupCommit(database, clock), owner);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'name a folder this user may write to with --data or gateway.dataDir';
    throw new ImageRouterError('invalid_config', `the data folder ${dataDir} cannot be used: ${reason}`, { remedy, cause });
  }
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #commits: GroupCommit;
  readonly #owner: string;

  constructor(database: DatabaseSync, commits: GroupCommit, owner: string) {
    this.#database = database;
    this.#commits = commits;
    this.#owner = owner;
  }

  #do<Result>(run: (database: DatabaseSync) => Result): Promise<Result> {
    return this.#commits.do(() => run(this.#database));
  }

  async addKey(key: StoredKey): Promise<void> {
    await this.#do((database) =>
      database
        .prepare('INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL)')
        .run(key.id, key.name, key.salt, key.hash, JSON.stringify(key.scopes), JSON.stringify(key.limits), key.createdAt),
    );
  }

  async findKey(id: string): Promise<StoredKey | undefined> {
    return this.#do((database) => {
      const row = database.prepare('SELECT * FROM keys WHERE id = ?').get(id);
      return row === undefined ? undefined : keyOf(row);
    });
  }

  async listKeys(): Promise<readonly StoredKey[]> {
    return this.#do((database) => database.prepare('SELECT * FROM keys ORDER BY created_at, id').all().map(keyOf));
  }

  async revokeKey(id: string, at: number): Promise<boolean> {
    return this.#do(
      (database) => database.prepare('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL').run(at, id).changes === 1,
    );
  }

  async reserve(reservation: Reservation): Promise<Reserved> {
    try {
      await this.#do((database) => takeReservation(database, this.#owner, reservation));
      return { kind: 'reserved' };
    } catch (error) {
      // The group told us by the error's cause why it undid this one.
      if (error instanceof Error && error.cause instanceof OverLimit) return error.cause.refusal;
      throw error;
    }
  }

  async settle(id: string, cost: Cost): Promise<void> {
    await this.#do((database) => settleReservation(database, id, cost));
  }

  async note({ principal, at, opened, closed, spent }: SpendBatch): Promise<void> {
    await this.#do((database) => {
      const { day, month } = periodsOf(at);
      const open = database.prepare('INSERT INTO reservations VALUES (?, ?, ?, ?, ?, ?)');
      const add = database.prepare(
        `INSERT INTO spend (principal, period, billed, possibly, reserved) VALUES (:principal, :period, :billed, :possibly, :reserved)
         ON CONFLICT DO UPDATE SET billed = billed + :billed, possibly = possibly + :possibly, reserved = reserved + :reserved`,
      );
      for (const { id, microUsd } of opened) open.run(id, principal, this.#owner, microUsd, day, month);
      const reserved = opened.reduce((sum, { microUsd }) => sum + microUsd, 0);
      for (const period of [day, month]) {
        add.run({ principal, period, billed: spent.billed, possibly: spent.possiblyBilled, reserved });
      }
      for (const id of closed) settleReservation(database, id, NOTHING);
    });
  }

  async spendOf(principal: string): Promise<readonly SpendRow[]> {
    return this.#do((database) =>
      database.prepare('SELECT * FROM spend WHERE principal = ? ORDER BY period').all(principal).map(spendRowOf),
    );
  }

  async claim(principal: string, key: string, fingerprint: string, at: number): Promise<IdempotencyRow | undefined> {
    return this.#do((database) => {
      const { changes } = database
        .prepare(
          "INSERT INTO claims (principal, key, fingerprint, state, owner, at) VALUES (?, ?, ?, 'running', ?, ?) ON CONFLICT DO NOTHING",
        )
        .run(principal, key, fingerprint, this.#owner, at);
      return changes === 1 ? undefined : claimIn(database, principal, key);
    });
  }

  async completeClaim(
    principal: string,
    key: string,
    answer: Required<Omit<IdempotencyRow, 'fingerprint' | 'state'>> & { readonly bytes: number },
  ): Promise<void> {
    const { status, headers, file, bytes } = answer;
    await this.#do((database) =>
      database
        .prepare("UPDATE claims SET state = 'done', status = ?, headers = ?, file = ?, bytes = ? WHERE principal = ? AND key = ?")
        .run(status ?? null, JSON.stringify(headers ?? {}), file ?? null, bytes, principal, key),
    );
  }

  async abandonClaim(principal: string, key: string): Promise<void> {
    await this.#do((database) =>
      database.prepare("DELETE FROM claims WHERE principal = ? AND key = ? AND state = 'running'").run(principal, key),
    );
  }

  async findClaim(principal: string, key: string): Promise<IdempotencyRow | undefined> {
    return this.#do((database) => claimIn(database, principal, key));
  }

  async sweepClaims(before: number, mostBytes: number): Promise<readonly string[]> {
    return this.#do((database) => {
      const old = database.prepare("DELETE FROM claims WHERE at < ? AND state <> 'running' RETURNING file").all(before);
      // Newest first, the sum of bytes so far: what lies beyond the bound is the oldest.
      const excess = database
        .prepare(
          `DELETE FROM claims WHERE rowid IN (
             SELECT rowid FROM (SELECT rowid, state, sum(bytes) OVER (ORDER BY at DESC, rowid DESC) AS total FROM claims)
             WHERE total > ? AND state = 'done') RETURNING file`,
        )
        .all(mostBytes);
      return [...old, ...excess].flatMap(({ file }) => (typeof file === 'string' ? [file] : []));
    });
  }

  async keepTraces(traces: readonly KeptTrace[]): Promise<void> {
    await this.#do((database) => {
      const insert = database.prepare('INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?)');
      for (const { principal, at, trace } of traces) insert.run(trace.requestId, principal, at, JSON.stringify(trace));
    });
  }

  async findTrace(id: string): Promise<KeptTrace | undefined> {
    return this.#do((database) => {
      const row = database.prepare('SELECT * FROM traces WHERE id = ?').get(id);
      // Written by `keepTraces` alone.
      return row === undefined
        ? undefined
        : { principal: String(row.principal), at: String(row.at), trace: JSON.parse(String(row.trace)) as Trace };
    });
  }

  async sweepTraces(before: string): Promise<void> {
    await this.#do((database) => database.prepare('DELETE FROM traces WHERE at < ?').run(before));
  }

  async beat(at: number, deadBefore: number): Promise<void> {
    await this.#do((database) => {
      database.prepare('INSERT INTO owners VALUES (?, ?) ON CONFLICT DO UPDATE SET beat = excluded.beat').run(this.#owner, at);
      const dead = database.prepare('DELETE FROM owners WHERE beat < ? AND id <> ? RETURNING id').all(deadBefore, this.#owner);
      const owners = dead.map(({ id }) => String(id));
      resolveReservations(database, owners);
      const interrupt = database.prepare("UPDATE claims SET state = 'interrupted' WHERE owner = ? AND state = 'running'");
      for (const owner of owners) interrupt.run(owner);
    });
  }

  async close(): Promise<void> {
    await this.#do((database) => {
      database.prepare('DELETE FROM owners WHERE id = ?').run(this.#owner);
      resolveReservations(database, [this.#owner]);
    }).catch(() => undefined);
    this.#commits.flush();
    this.#database.close();
  }
}

const NOTHING: Cost = { billed: 0 as Cost['billed'], possiblyBilled: 0 as Cost['possiblyBilled'] };

const ScopesSchema = z.array(z.enum(SCOPES));
const LimitsSchema = z.object({
  requestsPerMinute: z.number().optional(),
  imagesPerMinute: z.number().optional(),
  concurrent: z.number().optional(),
  usdPerDay: z.number().optional(),
  usdPerMonth: z.number().optional(),
  policies: z.array(z.string()).optional(),
  models: z.array(z.string()).optional(),
});

function keyOf(row: Row): StoredKey {
  const limits = LimitsSchema.parse(JSON.parse(String(row.limits)));
  return {
    id: String(row.id),
    name: String(row.name),
    salt: bytesOf(row.salt),
    hash: bytesOf(row.hash),
    scopes: ScopesSchema.parse(JSON.parse(String(row.scopes))),
    limits: { ...NO_LIMITS, ...limits },
    createdAt: Number(row.created_at),
    revokedAt: row.revoked_at === null ? undefined : Number(row.revoked_at),
  };
}

export const NO_LIMITS: KeyLimits = {
  requestsPerMinute: undefined,
  imagesPerMinute: undefined,
  concurrent: undefined,
  usdPerDay: undefined,
  usdPerMonth: undefined,
  policies: undefined,
  models: undefined,
};

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function spendRowOf(row: Row): SpendRow {
  const { principal, period, billed, possibly, reserved } = row;
  return {
    principal: String(principal),
    period: String(period),
    billed: Number(billed),
    possiblyBilled: Number(possibly),
    reserved: Number(reserved),
  };
}

const HeadersSchema = z.record(z.string(), z.string());

function claimIn(database: DatabaseSync, principal: string, key: string): IdempotencyRow | undefined {
  const row = database.prepare('SELECT * FROM claims WHERE principal = ? AND key = ?').get(principal, key);
  if (row === undefined) return undefined;
  return {
    fingerprint: String(row.fingerprint),
    state: row.state === 'done' ? 'done' : row.state === 'running' ? 'running' : 'interrupted',
    status: row.status === null ? undefined : Number(row.status),
    headers: row.headers === null ? undefined : HeadersSchema.parse(JSON.parse(String(row.headers))),
    file: row.file === null ? undefined : String(row.file),
  };
}
