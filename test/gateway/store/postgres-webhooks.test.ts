import { openPostgres } from '../../../src/gateway/store/postgres/postgres.ts';
import { PostgresWebhooks, queueDeliveries } from '../../../src/gateway/store/postgres/postgres-webhooks.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase } from '../../support/postgres.ts';
import { webhookStoreContract } from './webhooks-contract.ts';

describePostgres('webhooks in the PostgreSQL store', () => {
  webhookStoreContract(async () => {
    const url = await freshDatabase();
    const handle = (owner: string) => openPostgres({ url, clock: systemClock(1), owner, connections: 4 });
    const [one, other] = [await handle('one'), await handle('other')];
    return {
      one: new PostgresWebhooks(one),
      other: new PostgresWebhooks(other),
      tell: (job, event) => one.database.transaction((run) => queueDeliveries(run, [{ job, event }])),
      close: async () => {
        await one.close();
        await other.close();
      },
    };
  });
});
