import { PostgresBatches } from '../../../src/gateway/store/postgres/postgres-batches.ts';
import { openPostgresJobs } from '../../../src/gateway/store/postgres/postgres-jobs.ts';
import { PostgresStore } from '../../../src/gateway/store/postgres/postgres-store.ts';
import { PostgresWebhooks } from '../../../src/gateway/store/postgres/postgres-webhooks.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase } from '../../support/postgres.ts';
import { kill, postgresFor } from '../support/postgres-process.ts';
import { jobStoreContract } from './jobs-contract.ts';

async function handleOn(url: string, owner: string) {
  const postgres = await postgresFor(url, owner);
  return {
    store: new PostgresStore(postgres),
    jobs: await openPostgresJobs(postgres, systemClock(1)),
    webhooks: new PostgresWebhooks(postgres),
    batches: new PostgresBatches(postgres),
    kill: () => kill(url, postgres),
  };
}

describePostgres('jobs in PostgreSQL', () => {
  jobStoreContract(async () => {
    const url = await freshDatabase();
    const [one, other] = [await handleOn(url, 'one'), await handleOn(url, 'other')];
    const all = [one, other];
    return {
      one,
      other,
      killOne: () => one.kill(),
      spawn: async () => {
        const more = await handleOn(url, `more ${all.length}`);
        all.push(more);
        return more;
      },
      close: async () => {
        for (const { store } of all) await store.close().catch(() => undefined);
      },
    };
  });
});
