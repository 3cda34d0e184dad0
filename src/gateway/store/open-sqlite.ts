// The embedded stores, opened together over one file: what one of them writes in a transaction, the others' part is in. Recent
// traces have a file of their own.
import type { BatchStore } from '../../jobs/batch-store.ts';
import type { JobStore } from '../../jobs/job-store.ts';
import type { WebhookStore } from '../../jobs/webhook-store.ts';
import type { HealthNews } from '../../telemetry/health-news.ts';
import { SqliteBatches } from './sqlite-batches.ts';
import { openInFolder, openSqliteFile, type SqliteFile, type SqliteOptions } from './sqlite-file.ts';
import { SqliteJobs } from './sqlite-jobs.ts';
import { SqliteStore } from './sqlite-store.ts';
import { SqliteWebhooks } from './sqlite-webhooks.ts';
import type { Store } from './store.ts';
import { TraceFile } from './trace-file.ts';

/** Closing `store` closes them all. */
export type Stores = {
  readonly store: Store;
  readonly jobs: JobStore;
  readonly batches: BatchStore;
  readonly webhooks: WebhookStore;
  /** What processes on one database tell each other of their breakers. Those on one file find out for themselves. */
  readonly news?: HealthNews;
};

/** Throws ImageRouterError `invalid_config` when the folder or the file cannot be used. */
export function openSqliteStores(options: SqliteOptions): Stores {
  const file = openSqliteFile(options);
  const traces = openTraces(options, file);
  return {
    store: new SqliteStore(file, traces),
    jobs: new SqliteJobs(file, options.clock),
    batches: new SqliteBatches(file),
    webhooks: new SqliteWebhooks(file),
  };
}

/** The other file is closed where this one cannot be used. */
function openTraces({ dataDir }: SqliteOptions, file: SqliteFile): TraceFile {
  try {
    return openInFolder(dataDir, 'traces.sqlite', (path) => new TraceFile(path));
  } catch (error) {
    file.close();
    throw error;
  }
}
