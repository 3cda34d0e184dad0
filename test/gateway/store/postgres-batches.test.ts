import pg from 'pg';
import { expect, it } from 'vitest';
import { openPostgresStores } from '../../../src/gateway/store/postgres/open-postgres.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase } from '../../support/postgres.ts';
import { batchStoreContract, tallyOfEarlierVersion } from './batches-contract.ts';

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
      await client.query('UPDATE image_router.version SET steps = 7');
      await client.end();
    };
    expect((await tallyOfEarlierVersion(open, goBack)).states).toEqual({ queued: 1, cancelled: 2 });
  });
});
