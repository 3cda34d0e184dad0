// The store on PostgreSQL: any number of gateways on any number of machines share keys, spend, idempotency and traces. What
// is limited is taken by one statement that is one transaction (schema-limits.ts). Who lives is told by a lock that lasts as
// long as a gateway's own connection, and by how long nothing was heard of it, as the database's clock counts.
import type { Cost } from '../../../domain/result.ts';
import { StoreError } from '../../../domain/store-error.ts';
import type { Trace } from '../../../domain/trace.ts';
import type { KeptTrace } from '../../ports.ts';
import { claimOf } from '../claims-sql.ts';
import { keyOf } from '../keys-sql.ts';
import { spendRowOf } from '../limits-sql.ts';
import { periodsOf } from '../periods.ts';
import type { IdempotencyRow, NewClaim, Reservation, Reserved, SpendBatch, SpendRow, Store, StoredKey, TraceRow } from '../store.ts';
import type { Database } from './database.ts';
import { RESERVE, reservedOf, reserveValues } from './limits.ts';
import { LOST_MS, type Postgres } from './postgres.ts';

/** The oldest answers beyond the bound, newest first, the sum of bytes so far. Their claims stay. */
const SWEEP_EXCESS_CLAIMS = `
  UPDATE image_router.claims c SET bytes = 0
  FROM (SELECT principal, key, sum(bytes) OVER (ORDER BY at DESC, seq DESC) AS total FROM image_router.claims WHERE bytes > 0) aged
  WHERE c.principal = aged.principal AND c.key = aged.key AND aged.total > $1 AND c.state = 'done' AND c.bytes > 0
  RETURNING c.file`;

export class PostgresStore implements Store {
  readonly #postgres: Postgres;
  readonly #database: Database;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
    this.#database = postgres.database;
  }

  async addKey({ id, name, salt, hash, scopes, limits, createdAt, revokedAt }: StoredKey): Promise<void> {
    const values = [id, name, salt, hash, JSON.stringify(scopes), JSON.stringify(limits), createdAt, revokedAt ?? null];
    await this.#database.run('INSERT INTO image_router.keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8)', values);
  }

  async findKey(id: string): Promise<StoredKey | undefined> {
    const [row] = await this.#database.run('SELECT * FROM image_router.keys WHERE id = $1', [id]);
    return row && keyOf(row);
  }

  async listKeys(): Promise<readonly StoredKey[]> {
    return (await this.#database.run('SELECT * FROM image_router.keys ORDER BY created_at, id', [])).map(keyOf);
  }

  async revokeKey(id: string, at: number): Promise<boolean> {
    const text = 'UPDATE image_router.keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id';
    return (await this.#database.run(text, [id, at])).length === 1;
  }

  async reserve(reservation: Reservation): Promise<Reserved> {
    const [row] = await this.#postgres.runAsOwner(RESERVE, reserveValues(this.#postgres.owner, reservation));
    return reservedOf(reservation, row);
  }

  async settle(id: string, { billed, possiblyBilled }: Cost): Promise<void> {
    // Locked, so that a job that is just being accepted with it is waited for.
    await this.#database.run(
      `SELECT image_router.settle(mine.id, $2, $3)
       FROM (SELECT id FROM image_router.reservations WHERE id = $1 AND owner = $4 FOR UPDATE) AS mine`,
      [id, billed, possiblyBilled, this.#postgres.owner],
    );
  }

  async note({ id, principal, at, opened, closed, spent }: SpendBatch): Promise<void> {
    const { day, month } = periodsOf(at);
    const ids = opened.map(({ id }) => id);
    const amounts = opened.map(({ microUsd }) => microUsd);
    const values = [id, principal, this.#postgres.owner, day, month, ids, amounts, closed, spent.billed, spent.possiblyBilled];
    await this.#postgres.runAsOwner('SELECT image_router.note_once($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', values);
  }

  async spendOf(principal: string): Promise<readonly SpendRow[]> {
    const text = 'SELECT * FROM image_router.spend WHERE principal = $1 ORDER BY period DESC';
    return (await this.#database.run(text, [principal])).map(spendRowOf);
  }

  async claim({ principal, key, fingerprint, file, at }: NewClaim): Promise<IdempotencyRow | undefined> {
    const insert = `INSERT INTO image_router.claims (principal, key, fingerprint, state, owner, file, at)
      VALUES ($1, $2, $3, 'running', $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1 AS taken`;
    const find = 'SELECT * FROM image_router.claims WHERE principal = $1 AND key = $2';
    for (;;) {
      const taken = await this.#postgres.runAsOwner(insert, [principal, key, fingerprint, this.#postgres.owner, file, at]);
      if (taken.length === 1) return undefined;
      const [row] = await this.#database.run(find, [principal, key]);
      // One that was given up between the two questions is anybody's again.
      if (row !== undefined) return claimOf(row, this.#postgres.owner);
    }
  }

  async completeClaim(principal: string, key: string, { status, headers, bytes }: Parameters<Store['completeClaim']>[2]): Promise<void> {
    await this.#database.run(
      "UPDATE image_router.claims SET state = 'done', status = $3, headers = $4, bytes = $5 WHERE principal = $1 AND key = $2",
      [principal, key, status, JSON.stringify(headers), bytes],
    );
  }

  async abandonClaim(principal: string, key: string): Promise<void> {
    const text = "DELETE FROM image_router.claims WHERE principal = $1 AND key = $2 AND state = 'running'";
    await this.#database.run(text, [principal, key]);
  }

  async sweepClaims(before: number, mostBytes: number): Promise<readonly string[]> {
    const old = "DELETE FROM image_router.claims WHERE at < $1 AND state <> 'running' RETURNING file";
    return await this.#database.transaction(async (run) => {
      const rows = [...(await run(old, [before])), ...(await run(SWEEP_EXCESS_CLAIMS, [mostBytes]))];
      return rows.map(({ file }) => String(file));
    });
  }

  async answerFiles(): Promise<ReadonlySet<string>> {
    const text = "SELECT file FROM image_router.claims WHERE state <> 'done' OR bytes > 0";
    return new Set((await this.#database.run(text, [])).map(({ file }) => String(file)));
  }

  async keepTraces(traces: readonly TraceRow[]): Promise<void> {
    // Two of one id in one statement are refused; the last is the one to keep.
    const kept = [...new Map(traces.map((trace) => [trace.id, trace])).values()];
    await this.#database.run(
      `INSERT INTO image_router.traces (id, principal, at, trace)
       SELECT id, principal, at, trace FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
         WITH ORDINALITY AS t (id, principal, at, trace, n) ORDER BY n
       ON CONFLICT (id) DO UPDATE SET principal = excluded.principal, at = excluded.at, trace = excluded.trace`,
      [kept.map(({ id }) => id), kept.map(({ principal }) => principal), kept.map(({ at }) => at), kept.map(({ trace }) => trace)],
    );
  }

  async findTrace(id: string): Promise<KeptTrace | undefined> {
    const [row] = await this.#database.run('SELECT * FROM image_router.traces WHERE id = $1', [id]);
    // Written by `keepTraces` alone.
    return row && { principal: String(row.principal), at: String(row.at), trace: JSON.parse(String(row.trace)) as Trace };
  }

  async sweepTraces(before: string, most: number): Promise<void> {
    await this.#database.run('DELETE FROM image_router.traces WHERE at < $1', [before]);
    const excess = 'DELETE FROM image_router.traces WHERE seq <= (SELECT seq FROM image_router.traces ORDER BY seq DESC OFFSET $1 LIMIT 1)';
    await this.#database.run(excess, [most]);
  }

  async sharedSecret(name: string, make: () => Uint8Array): Promise<Uint8Array> {
    const find = 'SELECT secret FROM image_router.secrets WHERE name = $1';
    const [known] = await this.#database.run(find, [name]);
    if (known?.secret instanceof Uint8Array) return known.secret;
    await this.#database.run('INSERT INTO image_router.secrets VALUES ($1, $2) ON CONFLICT DO NOTHING', [name, make()]);
    const [made] = await this.#database.run(find, [name]);
    if (made?.secret instanceof Uint8Array) return made.secret;
    throw new StoreError(`the secret ${name} cannot be read`);
  }

  async forget(principal: string): Promise<readonly string[]> {
    return await this.#database.transaction(async (run) => {
      await run('DELETE FROM image_router.traces WHERE principal = $1', [principal]);
      const ended = "DELETE FROM image_router.claims WHERE principal = $1 AND state <> 'running' RETURNING file";
      return (await run(ended, [principal])).map(({ file }) => String(file));
    });
  }

  async beat(): Promise<void> {
    const { owner, silentMs } = this.#postgres;
    await this.#postgres.beat();
    await this.#database.run('SELECT image_router.resolve_gone($1, $2, $3)', [owner, silentMs, LOST_MS]);
  }

  async close(): Promise<void> {
    // Where this cannot be written, whoever finds this gateway gone does the same.
    await this.#database.run('SELECT image_router.resolve_left($1)', [this.#postgres.owner]).catch(() => undefined);
    await this.#postgres.close();
  }
}
