// Batches on PostgreSQL. A batch and its ten thousand rows are one transaction, written in pieces that none of its statements
// takes long for; nobody waits for it meanwhile, for nobody else knows of it.
import type { Batch, BatchRow } from '../../../domain/batch.ts';
import type { BatchStore, ListBatches } from '../../../jobs/batch-store.ts';
import { batchOf, batchRowOf } from '../batch-rows.ts';
import type { Database, Run } from './database.ts';
import type { Postgres } from './postgres.ts';

/** A megabyte or two of typical rows. */
const ROWS_A_PIECE = 1_000;

export class PostgresBatches implements BatchStore {
  readonly #database: Database;

  constructor({ database }: Postgres) {
    this.#database = database;
  }

  accept(batch: Parameters<BatchStore['accept']>[0], rows: readonly BatchRow[]): Promise<void> {
    const { id, principal, createdAt, deadlineAt, concurrency, maxCost = null } = batch;
    return this.#database.transaction(async (run) => {
      await run(
        `INSERT INTO image_router.batches (id, principal, state, created_at, deadline_at, rows, concurrency, max_cost)
         VALUES ($1, $2, 'running', $3, $4, $5, $6, $7)`,
        [id, principal, createdAt, deadlineAt, batch.rows, concurrency, maxCost],
      );
      for (let from = 0; from < rows.length; from += ROWS_A_PIECE) await insertRows(run, id, rows.slice(from, from + ROWS_A_PIECE));
      // From now on its reservation is nobody's but the batch's.
      await run("UPDATE image_router.reservations SET owner = '' WHERE id = $1", [id]);
    });
  }

  async isAccepted(principal: string, id: string): Promise<boolean> {
    return (await this.find(principal, id)) !== undefined;
  }

  async find(principal: string, id: string): Promise<Batch | undefined> {
    const [row] = await this.#database.run('SELECT * FROM image_router.batches WHERE id = $1 AND principal = $2', [id, principal]);
    return row && batchOf(row);
  }

  async list({ principal, after, limit }: ListBatches): Promise<readonly Batch[]> {
    const rows = await this.#database.run(
      `SELECT * FROM image_router.batches WHERE principal = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4`,
      [principal, after?.createdAt ?? Number.MAX_SAFE_INTEGER, after?.id ?? '', limit],
    );
    return rows.map(batchOf);
  }

  async rows(batch: string, after: number, limit: number): Promise<readonly BatchRow[]> {
    const text = 'SELECT * FROM image_router.batch_rows WHERE batch = $1 AND row > $2 ORDER BY row LIMIT $3';
    return (await this.#database.run(text, [batch, after, limit])).map(batchRowOf);
  }

  async open(): Promise<readonly Batch[]> {
    return (await this.#database.run('SELECT * FROM image_router.batches WHERE ended_at IS NULL ORDER BY created_at, id', [])).map(batchOf);
  }

  async advance(batch: string, fed: number): Promise<void> {
    await this.#database.run('UPDATE image_router.batches SET fed = greatest(fed, $2) WHERE id = $1', [batch, fed]);
  }

  async cancel(principal: string, id: string): Promise<Batch | undefined> {
    const text = "UPDATE image_router.batches SET state = 'cancelling' WHERE id = $1 AND principal = $2 AND state = 'running'";
    await this.#database.run(text, [id, principal]);
    return await this.find(principal, id);
  }

  async end(batch: string, state: 'completed' | 'cancelled', at: number): Promise<void> {
    await this.#database.transaction(async (run) => {
      const text = 'UPDATE image_router.batches SET state = $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL RETURNING id';
      const ended = await run(text, [batch, state, at]);
      if (ended.length === 1) await run('SELECT image_router.settle($1, 0, 0)', [batch]);
    });
  }

  sweep(before: number, most: number): Promise<number> {
    return this.#database.transaction(async (run) => {
      const old = 'SELECT id FROM image_router.batches WHERE ended_at < $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED';
      return await forgetBatches(run, await run(old, [before, most]));
    });
  }

  async forget(principal: string): Promise<void> {
    await this.#database.transaction(async (run) => {
      await forgetBatches(run, await run('SELECT id FROM image_router.batches WHERE principal = $1 FOR UPDATE', [principal]));
    });
  }
}

async function insertRows(run: Run, batch: string, rows: readonly BatchRow[]): Promise<void> {
  await run(
    `INSERT INTO image_router.batch_rows (batch, row, custom_id, job, request, model, max_cost)
     SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])`,
    [
      batch,
      rows.map(({ row }) => row),
      rows.map(({ customId }) => customId ?? null),
      rows.map(({ job }) => job),
      rows.map(({ request }) => JSON.stringify(request)),
      rows.map(({ model }) => model),
      rows.map(({ maxCost }) => maxCost),
    ],
  );
}

async function forgetBatches(run: Run, found: readonly { readonly id?: unknown }[]): Promise<number> {
  const ids = found.map(({ id }) => String(id));
  await run('SELECT count(image_router.settle(id, 0, 0)) FROM unnest($1::text[]) AS id', [ids]);
  await run('DELETE FROM image_router.batch_ends WHERE batch = ANY($1)', [ids]);
  await run('DELETE FROM image_router.batches WHERE id = ANY($1)', [ids]);
  return ids.length;
}
