// Forgets pictures that no job names: left by a crash between writing a picture and writing it down, or by a removal that did
// not come through. A picture is written before its job names it, so young ones are left alone; and the jobs are asked of each
// after it was found, so what a job began to name meanwhile stays. Page by page: neither all pictures nor all their names are
// ever held at once, however many there are.
import type { Clock } from '../system/clock.ts';
import type { BlobStore } from './blob-store.ts';
import type { JobStore } from './job-store.ts';

export type SweepBlobsOptions = {
  readonly jobs: Pick<JobStore, 'named'>;
  readonly blobs: Pick<BlobStore, 'list' | 'remove'>;
  /** What the blob store's clock shows: never scaled. */
  readonly clock: Clock;
  /** Removed in one go, so that a sweep ends; the next one goes on. Default 10 000. */
  readonly most?: number;
  /** Names asked of the jobs at once. Default 1 000. */
  readonly page?: number;
};

/** Between a picture and the job that names it are seconds; an hour covers clocks that disagree. */
const YOUNG_MS = 3_600_000;
const MOST = 10_000;
/** As many as a bucket lists, and removes, at once. */
const PAGE = 1_000;

/** Resolves with how many are gone. Rejects with StoreError when either store cannot be asked; nothing wrong is removed then. */
export async function sweepBlobs({ jobs, blobs, clock, most = MOST, page = PAGE }: SweepBlobsOptions): Promise<number> {
  const youngest = clock.wall().getTime() - YOUNG_MS;
  let gone = 0;
  let names: string[] = [];
  const sweepPage = async (): Promise<void> => {
    const named = await jobs.named(names);
    const forgotten = names.filter((name) => !named.has(name)).slice(0, most - gone);
    names = [];
    if (forgotten.length > 0) await blobs.remove(forgotten);
    gone += forgotten.length;
  };
  for await (const { name, writtenAt } of blobs.list()) {
    if (writtenAt < youngest) names.push(name);
    if (names.length === page) await sweepPage();
    if (gone >= most) return gone;
  }
  if (names.length > 0) await sweepPage();
  return gone;
}
