import { describe } from 'vitest';
import { openSqliteFile } from '../../../src/gateway/store/sqlite-file.ts';
import { queueDeliveries, SqliteWebhooks } from '../../../src/gateway/store/sqlite-webhooks.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { dataFolder } from '../support/state-world.ts';
import { webhookStoreContract } from './webhooks-contract.ts';

describe('webhooks in the SQLite store', () => {
  webhookStoreContract(async () => {
    const dataDir = await dataFolder();
    const [one, other] = ['one', 'other'].map((owner) => openSqliteFile({ dataDir, clock: systemClock(1), owner }));
    if (one === undefined || other === undefined) throw new Error('two were opened');
    return {
      one: new SqliteWebhooks(one),
      other: new SqliteWebhooks(other),
      tell: (job, event) => one.write((sql) => queueDeliveries(sql, job, event)),
      close: async () => {
        one.close();
        other.close();
      },
    };
  });
});
