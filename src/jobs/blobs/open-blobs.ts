// Where pictures of jobs are kept: in a bucket when one is configured, else in the data folder.
import type { Ids } from '../../system/ids.ts';
import type { BlobStore } from '../blob-store.ts';
import { openFolderBlobs } from './folder-blobs.ts';
import { type BucketSettings, openS3Blobs } from './s3-blobs.ts';

/** Rejects with ImageRouterError `invalid_config` when it cannot be used. */
export async function openBlobs(bucket: BucketSettings | undefined, dataDir: string, ids: Ids): Promise<BlobStore> {
  return bucket === undefined ? openFolderBlobs({ dataDir, ids }) : openS3Blobs(bucket);
}
