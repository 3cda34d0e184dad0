// The stores on PostgreSQL, opened together over one pool and one session: what one of them writes in a transaction, the
// others' part is in.
import type { Stores } from '../open-sqlite.ts';
import { openPostgres, type PostgresOptions, unusable } from './postgres.ts';
import { PostgresBatches } from './postgres-batches.ts';
import { PostgresHealthNews } from './postgres-health-news.ts';
import { openPostgresJobs } from './postgres-jobs.ts';
import { PostgresStore } from './postgres-store.ts';
import { PostgresWebhooks } from './postgres-webhooks.ts';

/** Rejects with ImageRouterError `invalid_config` when the database cannot be used. */
export async function openPostgresStores(options: PostgresOptions): Promise<Stores> {
  const postgres = await openPostgres(options);
  try {
    return {
      store: new PostgresStore(postgres),
      jobs: await openPostgresJobs(postgres, options.clock),
      batches: new PostgresBatches(postgres),
      webhooks: new PostgresWebhooks(postgres),
      news: new PostgresHealthNews(postgres, options.clock),
    };
  } catch (error) {
    await postgres.close();
    throw unusable(error);
  }
}
