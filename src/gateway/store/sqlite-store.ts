// The embedded store: an SQLite file in the data folder, several gateways on it if need be. What the file is and how it is
// written is sqlite-file.ts; here is what a gateway keeps in it. Recent traces have a file of their own (trace-file.ts).

import type { Cost } from '../../domain/result.ts';
import type { KeptTrace } from '../ports.ts';
import { forgetClaims, interruptClaims, sweepClaims, takeClaim } from './claims-sql.ts';
import { insertKey, keyOf } from './keys-sql.ts';
import { noteSpend, OverLimit, resolveReservations, settleReservation, spendRowOf, takeReservation } from './limits-sql.ts';
import { checkVersion } from './schema.ts';
import { sharedSecret } from './secrets-sql.ts';
import type { Sql } from './sql.ts';
import type { SqliteFile } from './sqlite-file.ts';
import type { IdempotencyRow, NewClaim, Reservation, Reserved, SpendBatch, SpendRow, Store, StoredKey, TraceRow } from './store.ts';
import type { TraceFile } from './trace-file.ts';

export class SqliteStore implements Store {
  readonly #file: SqliteFile;
  readonly #traces: TraceFile;

  /** Closing the store closes both files. */
  constructor(file: SqliteFile, traces: TraceFile) {
    this.#file = file;
    this.#traces = traces;
  }

  addKey(key: StoredKey): Promise<void> {
    return this.#file.write((sql) => insertKey(sql, key));
  }

  findKey(id: string): Promise<StoredKey | undefined> {
    return this.#file.read((sql) => {
      const row = sql.prepare('SELECT * FROM keys WHERE id = ?').get(id);
      return row === undefined ? undefined : keyOf(row);
    });
  }

  listKeys(): Promise<readonly StoredKey[]> {
    return this.#file.read((sql) => sql.prepare('SELECT * FROM keys ORDER BY created_at, id').all().map(keyOf));
  }

  revokeKey(id: string, at: number): Promise<boolean> {
    return this.#file.write(
      (sql) => sql.prepare('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL').run(at, id).changes === 1,
    );
  }

  async reserve(reservation: Reservation): Promise<Reserved> {
    try {
      await this.#file.writeAsOwner((sql, owner) => takeReservation(sql, owner, reservation));
      return { kind: 'reserved' };
    } catch (error) {
      if (error instanceof OverLimit) return error.refusal;
      throw error;
    }
  }

  settle(id: string, cost: Cost): Promise<void> {
    return this.#file.write((sql) => {
      const isOurs = sql.prepare('SELECT 1 FROM reservations WHERE id = ? AND owner = ?').get(id, this.#file.owner) !== undefined;
      if (isOurs) settleReservation(sql, id, cost);
    });
  }

  note(batch: SpendBatch): Promise<void> {
    return this.#file.writeAsOwner((sql, owner) => noteSpend(sql, owner, batch));
  }

  spendOf(principal: string): Promise<readonly SpendRow[]> {
    return this.#file.read((sql) =>
      sql.prepare('SELECT * FROM spend WHERE principal = ? ORDER BY period DESC').all(principal).map(spendRowOf),
    );
  }

  claim(claim: NewClaim): Promise<IdempotencyRow | undefined> {
    return this.#file.writeAsOwner((sql, owner) => takeClaim(sql, owner, claim));
  }

  async completeClaim(principal: string, key: string, { status, headers, bytes }: Parameters<Store['completeClaim']>[2]): Promise<void> {
    await this.#file.write((sql) =>
      sql
        .prepare("UPDATE claims SET state = 'done', status = ?, headers = ?, bytes = ? WHERE principal = ? AND key = ?")
        .run(status, JSON.stringify(headers), bytes, principal, key),
    );
  }

  async abandonClaim(principal: string, key: string): Promise<void> {
    await this.#file.write((sql) =>
      sql.prepare("DELETE FROM claims WHERE principal = ? AND key = ? AND state = 'running'").run(principal, key),
    );
  }

  sweepClaims(before: number, mostBytes: number): Promise<readonly string[]> {
    return this.#file.write((sql) => sweepClaims(sql, before, mostBytes));
  }

  answerFiles(): Promise<ReadonlySet<string>> {
    return this.#file.read(
      (sql) =>
        new Set(
          sql
            .prepare("SELECT file FROM claims WHERE state <> 'done' OR bytes > 0")
            .all()
            .map(({ file }) => String(file)),
        ),
    );
  }

  keepTraces(traces: readonly TraceRow[]): Promise<void> {
    return this.#traces.keep(traces);
  }

  findTrace(id: string): Promise<KeptTrace | undefined> {
    return this.#traces.find(id);
  }

  sweepTraces(before: string, most: number): Promise<void> {
    return this.#traces.sweep(before, most);
  }

  sharedSecret(name: string, make: () => Uint8Array): Promise<Uint8Array> {
    return this.#file.write((sql) => sharedSecret(sql, name, make));
  }

  async forget(principal: string): Promise<readonly string[]> {
    await this.#traces.forget(principal);
    return await this.#file.write((sql) => forgetClaims(sql, principal));
  }

  beat(at: number): Promise<void> {
    return this.#file.writeAsOwner((sql, owner) => {
      checkVersion(sql);
      sql.prepare('INSERT INTO owners VALUES (?, ?) ON CONFLICT DO UPDATE SET beat = excluded.beat').run(owner, at);
      const owners = sql
        .prepare(
          "SELECT id FROM owners UNION SELECT owner FROM reservations WHERE owner <> '' UNION SELECT owner FROM claims WHERE state = 'running'",
        )
        .all();
      for (const { id } of owners) if (this.#file.isGone(String(id))) resolveLeft(sql, String(id));
    });
  }

  async close(): Promise<void> {
    // Where this cannot be written, whoever opens the file next does the same.
    await this.#file.write((sql) => resolveLeft(sql, this.#file.owner)).catch(() => undefined);
    this.#file.close();
    await this.#traces.close();
  }
}

/** What a gateway that is no more had begun. */
function resolveLeft(sql: Sql, owner: string): void {
  resolveReservations(sql, owner);
  interruptClaims(sql, owner);
  sql.prepare('DELETE FROM owners WHERE id = ?').run(owner);
}
