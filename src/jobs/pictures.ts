// Pictures between requests and the blob store: a request is written down with its pictures named, and read back with their
// bytes; what a run made is put away before anything names it.
import { createHash } from 'node:crypto';
import type { JobRequest, StoredImage } from '../domain/job.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { ImageResult, ResultImage } from '../domain/result.ts';
import { StoreError } from '../domain/store-error.ts';
import type { Tier } from '../domain/vocabulary.ts';
import type { Ids } from '../system/ids.ts';
import type { BlobStore } from './blob-store.ts';

/** What a reference picture is was checked when it came in, and is again when it is used; no one serves it. */
const REFERENCE_TYPE = 'application/octet-stream';

/** Its pictures are durable when it resolves. */
export async function writtenRequest(blobs: BlobStore, ids: Ids, request: ImageRequest): Promise<JobRequest> {
  const { referenceImages, mask, ...rest } = request;
  const put = async (bytes: Uint8Array): Promise<string> => {
    const name = ids.next('ref');
    await putBlob(blobs, name, bytes, REFERENCE_TYPE);
    return name;
  };
  const referenceBlobs: string[] = [];
  for (const bytes of referenceImages ?? []) referenceBlobs.push(await put(bytes));
  return {
    ...rest,
    ...(referenceImages === undefined ? {} : { referenceBlobs }),
    ...(mask === undefined ? {} : { maskBlob: await put(mask) }),
  };
}

export function blobsOf({ referenceBlobs = [], maskBlob }: JobRequest): readonly string[] {
  return maskBlob === undefined ? referenceBlobs : [...referenceBlobs, maskBlob];
}

/** Undefined when one of its pictures is gone. */
export async function readRequest(blobs: BlobStore, request: JobRequest): Promise<ImageRequest | undefined> {
  const { referenceBlobs, maskBlob, ...rest } = request;
  const references = await Promise.all((referenceBlobs ?? []).map((name) => getBlob(blobs, name)));
  const mask = maskBlob === undefined ? undefined : await getBlob(blobs, maskBlob);
  const referenceImages = references.filter((bytes) => bytes !== undefined);
  if (referenceImages.length < references.length || (maskBlob !== undefined && mask === undefined)) return undefined;
  return {
    ...rest,
    ...(referenceBlobs === undefined ? {} : { referenceImages }),
    ...(mask === undefined ? {} : { mask }),
  };
}

/** One at a time: a picture is megabytes, and its copy on the way would be too. */
export async function storeImages(blobs: BlobStore, ids: Ids, result: ImageResult): Promise<readonly StoredImage[]> {
  const stored: StoredImage[] = [];
  for (const image of result.images) {
    const { bytes, format, mediaType, width, height, route } = image;
    const blob = ids.next('img');
    await putBlob(blobs, blob, bytes, mediaType);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const about = { blob, sha256, bytes: bytes.byteLength, format, width, height, route, tier: tierOf(image, result) };
    // One call may make several pictures, so what it used is told once.
    const isTold = stored.length === 0 && result.usage !== undefined;
    stored.push(isTold ? { ...about, usage: result.usage } : about);
  }
  return stored;
}

/** Several images may come from several routes: the plans say of which tier each is. */
function tierOf({ route }: ResultImage, result: ImageResult): Tier {
  if (route === result.route) return result.tier;
  const forecasts = result.trace.events.flatMap((event) => (event.kind === 'plan' ? event.plan.forecasts : []));
  return forecasts.find((forecast) => forecast.route === route)?.tier ?? result.tier;
}

async function putBlob(blobs: BlobStore, name: string, bytes: Uint8Array, mediaType: string): Promise<void> {
  await blobs.put(name, bytes, mediaType).catch(unavailable);
}

function getBlob(blobs: BlobStore, name: string): Promise<Uint8Array | undefined> {
  return blobs.get(name).catch(unavailable);
}

/** A bucket fails in more ways than there are reasons to give a job up for; all of them may pass. */
function unavailable(cause: unknown): never {
  throw cause instanceof StoreError ? cause : new StoreError('pictures cannot be put away or read', { cause });
}
