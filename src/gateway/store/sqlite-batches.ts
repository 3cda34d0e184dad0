// Batches in the embedded store's file. A batch of ten thousand rows is written in pieces, each a transaction of its own, so
// that nobody is held up; it is there from the moment its state says so, which is the last thing written. Pieces of one whose
// process ended in between are in nobody's way: whoever hands the same batch in again clears them off first.

import type { Batch, BatchRow } from '../../domain/batch.ts';
import { NO_COST } from '../../domain/result.ts';
import { StoreError } from '../../domain/store-error.ts';
import type { BatchStore, ListBatches } from '../../jobs/batch-store.ts';
import { batchOf, batchRowOf } from './batch-rows.ts';
import { settleReservation } from './limits-sql.ts';
import type { Sql } from './sql.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** Half a megabyte of typical rows, written within a few milliseconds. */
const ROWS_A_PIECE = 250;

export class SqliteBatches implements BatchStore {
  readonly #file: SqliteFile;
  /** Being written here. */
  readonly #loading = new Set<string>();

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  async accept(batch: Parameters<BatchStore['accept']>[0], rows: readonly BatchRow[]): Promise<void> {
    const { id } = batch;
    if (this.#loading.has(id)) throw new StoreError(`${id} is being written`);
    this.#loading.add(id);
    try {
      await this.#load(batch, rows);
    } catch (error) {
      // Where this cannot be written either, the pieces lie there until it is handed in again, or swept.
      await this.#file.write((sql) => forgetPieces(sql, id, (loader) => loader === this.#file.owner)).catch(() => undefined);
      throw error;
    } finally {
      this.#loading.delete(id);
    }
  }

  async #load(batch: Parameters<BatchStore['accept']>[0], rows: readonly BatchRow[]): Promise<void> {
    const { id, principal, createdAt, deadlineAt, concurrency, maxCost = null } = batch;
    await this.#file.writeAsOwner((sql, owner) => {
      forgetPieces(sql, id, (loader) => loader === owner || this.#file.isGone(loader));
      sql
        .prepare(
          `INSERT INTO batches (id, principal, state, created_at, deadline_at, rows, concurrency, max_cost, loader)
           VALUES (?, ?, 'loading', ?, ?, ?, ?, ?, ?)`,
        )
        .run(id, principal, createdAt, deadlineAt, batch.rows, concurrency, maxCost, owner);
    });
    for (let from = 0; from < rows.length; from += ROWS_A_PIECE) {
      await this.#file.write((sql) => insertRows(sql, id, rows.slice(from, from + ROWS_A_PIECE)));
    }
    await this.#file.write((sql) => {
      sql.prepare("UPDATE batches SET state = 'running', loader = NULL WHERE id = ?").run(id);
      // From now on its reservation is nobody's but the batch's.
      sql.prepare("UPDATE reservations SET owner = '' WHERE id = ?").run(id);
    });
  }

  isAccepted(principal: string, id: string): Promise<boolean> {
    return this.#file.readDurable((sql) => findWhole(sql, principal, id) !== undefined);
  }

  find(principal: string, id: string): Promise<Batch | undefined> {
    return this.#file.read((sql) => {
      const row = findWhole(sql, principal, id);
      return row === undefined ? undefined : batchOf(row);
    });
  }

  list({ principal, after, limit }: ListBatches): Promise<readonly Batch[]> {
    const from = after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' };
    return this.#file.read((sql) =>
      sql
        .prepare(
          `SELECT * FROM batches WHERE principal = ? AND (created_at, id) < (?, ?) AND ${WHOLE} ORDER BY created_at DESC, id DESC LIMIT ?`,
        )
        .all(principal, from.createdAt, from.id, limit)
        .map(batchOf),
    );
  }

  rows(batch: string, after: number, limit: number): Promise<readonly BatchRow[]> {
    return this.#file.read((sql) =>
      sql.prepare('SELECT * FROM batch_rows WHERE batch = ? AND row > ? ORDER BY row LIMIT ?').all(batch, after, limit).map(batchRowOf),
    );
  }

  open(): Promise<readonly Batch[]> {
    return this.#file.read((sql) =>
      sql.prepare(`SELECT * FROM batches WHERE ended_at IS NULL AND ${WHOLE} ORDER BY created_at, id`).all().map(batchOf),
    );
  }

  async advance(batch: string, fed: number): Promise<void> {
    await this.#file.write((sql) => sql.prepare('UPDATE batches SET fed = max(fed, ?) WHERE id = ?').run(fed, batch));
  }

  async cancel(principal: string, id: string): Promise<Batch | undefined> {
    await this.#file.write((sql) =>
      sql.prepare("UPDATE batches SET state = 'cancelling' WHERE id = ? AND principal = ? AND state = 'running'").run(id, principal),
    );
    return this.find(principal, id);
  }

  end(batch: string, state: 'completed' | 'cancelled', at: number): Promise<void> {
    return this.#file.write((sql) => {
      const { changes } = sql.prepare('UPDATE batches SET state = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL').run(state, at, batch);
      if (changes === 1) settleReservation(sql, batch, NO_COST);
    });
  }

  sweep(before: number, most: number): Promise<number> {
    return this.#file.write((sql) => {
      const old = sql
        .prepare("SELECT id FROM batches WHERE ended_at < ? OR (state = 'loading' AND created_at < ?) LIMIT ?")
        .all(before, before, most);
      for (const { id } of old) forgetBatch(sql, String(id));
      return old.length;
    });
  }

  forget(principal: string): Promise<void> {
    return this.#file.write((sql) => {
      for (const { id } of sql.prepare('SELECT id FROM batches WHERE principal = ?').all(principal)) forgetBatch(sql, String(id));
    });
  }
}

/** What is still being written is nobody's to see. */
const WHOLE = "state <> 'loading'";

function findWhole(sql: Sql, principal: string, id: string) {
  return sql.prepare(`SELECT * FROM batches WHERE id = ? AND principal = ? AND ${WHOLE}`).get(id, principal);
}

function insertRows(sql: Sql, batch: string, rows: readonly BatchRow[]): void {
  const insert = sql.prepare('INSERT INTO batch_rows (batch, row, custom_id, job, request, model, max_cost) VALUES (?, ?, ?, ?, ?, ?, ?)');
  for (const { row, customId, job, request, model, maxCost } of rows) {
    insert.run(batch, row, customId ?? null, job, JSON.stringify(request), model, maxCost);
  }
}

/** Of a batch that never became whole and that nobody writes any more. Its reservation is that of whoever hands it in now. */
function forgetPieces(sql: Sql, id: string, isLeftBy: (loader: string) => boolean): void {
  const row = sql.prepare("SELECT loader FROM batches WHERE id = ? AND state = 'loading'").get(id);
  if (row === undefined || !isLeftBy(String(row.loader))) return;
  sql.prepare('DELETE FROM batch_rows WHERE batch = ?').run(id);
  sql.prepare('DELETE FROM batches WHERE id = ?').run(id);
}

function forgetBatch(sql: Sql, id: string): void {
  settleReservation(sql, id, NO_COST);
  sql.prepare('DELETE FROM batch_ends WHERE batch = ?').run(id);
  sql.prepare('DELETE FROM batch_rows WHERE batch = ?').run(id);
  sql.prepare('DELETE FROM batches WHERE id = ?').run(id);
}
