import { openPostgresStores } from '../../../src/gateway/store/postgres/open-postgres.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase } from '../../support/postgres.ts';
import { batchStoreContract } from './batches-contract.ts';

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
});
