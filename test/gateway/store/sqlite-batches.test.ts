import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { migrate } from '../../../src/gateway/store/schema.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { dataFolder } from '../support/state-world.ts';
import { batchStoreContract, tallyOfEarlierVersion } from './batches-contract.ts';
import { keepBatch } from './jobs-contract.ts';

describe('batches in SQLite', () => {
  batchStoreContract(async () => {
    const dataDir = await dataFolder();
    const [one, other] = ['one', 'other'].map((owner) => openSqliteStores({ dataDir, clock: systemClock(1), owner }));
    if (one === undefined || other === undefined) throw new Error('two were opened');
    const close = async (): Promise<void> => {
      for (const { store } of [one, other]) await store.close().catch(() => undefined);
    };
    return { one, other, close };
  });

  it('of an earlier version are counted with the jobs that had ended', async () => {
    const dataDir = await dataFolder();
    const open = async () => openSqliteStores({ dataDir, clock: systemClock(1), owner: 'one' });
    const goBack = async (): Promise<void> => {
      const file = new DatabaseSync(join(dataDir, 'gateway.sqlite'));
      file.exec('DROP TABLE batch_ends; ALTER TABLE batches DROP COLUMN loader; ALTER TABLE deliveries DROP COLUMN again_at');
      file.exec('DROP INDEX jobs_continuing; CREATE INDEX jobs_by_lineage ON jobs (lineage, state, created_at, id)');
      file.exec('PRAGMA user_version = 6');
      file.close();
    };
    expect((await tallyOfEarlierVersion(open, goBack)).states).toEqual({ queued: 1, cancelled: 2 });
  });

  it('left half written by an earlier version can be handed in again', async () => {
    const dataDir = await dataFolder();
    const file = new DatabaseSync(join(dataDir, 'gateway.sqlite'));
    migrate(file, 6);
    file.exec(
      `INSERT INTO batches (id, principal, state, created_at, deadline_at, rows, concurrency) VALUES ('b', 'key', 'loading', 1, 2, 1, 1)`,
    );
    file.close();
    const stores = openSqliteStores({ dataDir, clock: systemClock(1), owner: 'one' });
    await keepBatch(stores, 'b');
    expect(await stores.batches.rows('b', 0, 9)).toHaveLength(1);
    await stores.store.close();
  });
});
