// Forgets pictures that no job names: left by a crash between writing a picture and writing it down, or by a removal that did
// not come through. A picture is written before its job names it, so young ones are left alone; and what looks forgotten is
// held against the jobs a second time, as they are after it was found.
import type { Clock } from '../system/clock.ts';
import type { BlobStore } from './blob-store.ts';
import type { JobStore } from './job-store.ts';

export type SweepBlobsOptions = {
  readonly jobs: Pick<JobStore, 'blobs'>;
  readonly blobs: Pick<BlobStore, 'list' | 'remove'>;
  /** What the blob store's clock shows: never scaled. */
  readonly clock: Clock;
  /** Removed in one go, so that a sweep ends; the next one goes on. Default 10 000. */
  readonly most?: number;
};

/** Between a picture and the job that names it are seconds; an hour covers clocks that disagree. */
const YOUNG_MS = 3_600_000;
const MOST = 10_000;

/** Resolves with how many are gone. Rejects with StoreError when either store cannot be asked; nothing wrong is removed then. */
export async function sweepBlobs({ jobs, blobs, clock, most = MOST }: SweepBlobsOptions): Promise<number> {
  const youngest = clock.wall().getTime() - YOUNG_MS;
  const named = await jobs.blobs();
  const found: string[] = [];
  for await (const { name, writtenAt } of blobs.list()) {
    if (writtenAt < youngest && !named.has(name)) found.push(name);
    if (found.length >= most) break;
  }
  if (found.length === 0) return 0;
  const namedNow = await jobs.blobs();
  const forgotten = found.filter((name) => !namedNow.has(name));
  await blobs.remove(forgotten);
  return forgotten.length;
}
