// What the endpoints of batches are built from, beside those of jobs.
import type { BatchFeeder } from '../../../jobs/batch-feeder.ts';
import type { BatchStore } from '../../../jobs/batch-store.ts';
import type { JobStore } from '../../../jobs/job-store.ts';
import type { JobParts } from '../jobs/job-parts.ts';

export type BatchParts = JobParts & {
  readonly batches: BatchStore;
  readonly tally: Pick<JobStore, 'batchTally'>;
  readonly feeder: Pick<BatchFeeder, 'soon'>;
};
