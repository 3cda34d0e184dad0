import { describe } from 'vitest';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { dataFolder } from '../support/state-world.ts';
import { batchStoreContract } from './batches-contract.ts';

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
});
