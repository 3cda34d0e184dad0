import pg from 'pg';
import { expect, it } from 'vitest';
import { openPostgresStores } from '../../../src/gateway/store/postgres/open-postgres.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase } from '../../support/postgres.ts';
import { costOf } from '../support/state-world.ts';
import { batchStoreContract, tallyOfEarlierVersion } from './batches-contract.ts';
import { keepBatch, newJob } from './jobs-contract.ts';

/** What steps after the ninth made. */
const UNDO_LATER = `DROP FUNCTION image_router.count_end CASCADE; DROP FUNCTION image_router.note_once;
  DROP INDEX image_router.reservations_marking`;

describePostgres('batches in PostgreSQL', () => {
  batchStoreContract(async () => {
    const url = await freshDatabase();
    const handle = (owner: string) => openPostgresStores({ url, clock: systemClock(1), owner, silentMs: 0, connections: 4 });
    const [one, other] = [await handle('one'), await handle('other')];
    const close = async (): Promise<void> => {
      for (const { store } of [one, other]) await store.close().catch(() => undefined);
    };
    return { one, other, close };
  });

  it('of an earlier version are counted with the jobs that had ended', async () => {
    const url = await freshDatabase();
    const open = () => openPostgresStores({ url, clock: systemClock(1), owner: 'one', silentMs: 0, connections: 4 });
    const goBack = async (): Promise<void> => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('DROP TABLE image_router.batch_ends; ALTER TABLE image_router.deliveries DROP COLUMN again_at');
      await client.query(UNDO_LATER);
      await client.query('UPDATE image_router.version SET steps = 7');
      await client.end();
    };
    expect((await tallyOfEarlierVersion(open, goBack)).states).toEqual({ queued: 1, cancelled: 2 });
  });

  it('are counted also where a process of the version before goes on and ends their jobs, each once', async () => {
    const url = await freshDatabase();
    const open = (owner: string) => openPostgresStores({ url, clock: systemClock(1), owner, silentMs: 0, connections: 4 });
    const before = await open('before');
    await keepBatch(before, 'b');
    await before.jobs.accept([1, 2, 3].map((row) => newJob(`row ${row}`, { origin: { kind: 'batch', batch: 'b', row } })));
    const old = new pg.Client({ connectionString: url });
    await old.connect();
    await old.query(UNDO_LATER);
    await old.query('UPDATE image_router.version SET steps = 9');
    // As it has them: prepared before the tables change.
    const end = {
      name: 'end',
      text: `UPDATE image_router.jobs SET state = 'completed', ended_at = 1, owner = NULL, billed = 5, possibly = 2 WHERE id = $1 RETURNING *`,
    };
    const find = { name: 'find', text: 'SELECT * FROM image_router.jobs WHERE id = $1' };
    for (const statement of [end, find]) await old.query({ ...statement, values: ['nobody'] });
    const { store, jobs } = await open('after');
    for (const id of ['row 1', 'row 2']) await old.query({ ...end, values: [id] });
    expect((await old.query({ ...find, values: ['row 1'] })).rows).toMatchObject([{ state: 'completed' }]);
    await old.query("UPDATE image_router.jobs SET trace_id = 'later' WHERE id = 'row 1'");
    await old.end();
    await jobs.cancel('key', 'row 3', 1);
    expect(await jobs.batchTally('key', 'b')).toEqual({ states: { completed: 2, cancelled: 1 }, cost: costOf(10, 4) });
    for (const stores of [before.store, store]) await stores.close();
  });
});
