// Blobs in a bucket that speaks S3: Amazon's or anybody's (path-style addresses and the endpoint are settings). The SDK is an
// optional peer, loaded only by those who configured a bucket; credentials come by its own chain (environment, files, roles)
// and are no setting of ours. Every call has an end in time. What a bucket complains of is a StoreError: nothing is half
// done, and asking later may work. Objects are whole or absent by the protocol, and If-None-Match keeps what is there.
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { ImageRouterError } from '../../domain/error.ts';
import { StoreError } from '../../domain/store-error.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import type { BlobRange, BlobStore } from '../blob-store.ts';
import { checkBlobName, checkBlobRange, isBlobName } from './check-blob.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

export type BucketSettings = {
  /** Of a bucket that is there. */
  readonly name: string;
  /** Before every name, such as `image-router/`; empty: none. */
  readonly prefix: string;
  /** Undefined: by the SDK's own chain (AWS_REGION, profile). */
  readonly region?: string | undefined;
  /** Undefined: Amazon's, by region. */
  readonly endpoint?: string | undefined;
  /** `https://host/bucket/name` instead of `https://bucket.host/name`: what most servers that are not Amazon's need. */
  readonly pathStyle: boolean;
  /** Real milliseconds one call may take, with its repeats and its bytes. */
  readonly timeoutMs: number;
};

export type S3BlobsOptions = BucketSettings & {
  /** Never scaled: a bucket's time is real. Default: the machine's. */
  readonly clock?: Clock;
  /** Imports the SDK; a test hands in another. */
  readonly load?: () => Promise<Sdk>;
};

/** DeleteObjects takes no more. */
const REMOVED_AT_ONCE = 1_000;
const CONNECT_MS = 5_000;
const ATTEMPTS = 3;

/**
 * Asks the bucket once. Rejects with ImageRouterError `invalid_config` when the SDK is missing or the bucket says no; a bucket
 * that does not answer at all may answer later, and is no error here.
 */
export async function openS3Blobs({ clock, load, ...settings }: S3BlobsOptions): Promise<BlobStore> {
  const sdk = await (load ?? (() => import('@aws-sdk/client-s3')))().catch((cause: unknown) => {
    const remedy = 'npm install @aws-sdk/client-s3, or leave the bucket out to keep pictures in the data folder';
    throw new ImageRouterError('invalid_config', 'a bucket for pictures needs a package that is not installed', { remedy, cause });
  });
  const blobs = new S3Blobs(sdk, new sdk.S3Client(clientConfig(settings)), settings, clock ?? systemClock(1));
  await blobs.check();
  return blobs;
}

function clientConfig({ region, endpoint, pathStyle, timeoutMs }: BucketSettings): S3ClientConfig {
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: timeoutMs },
    // Newer checksums are Amazon's own; servers of others refuse what they do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
}

class S3Blobs implements BlobStore {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #settings: BucketSettings;
  readonly #clock: Clock;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(sdk: Sdk, client: S3Client, settings: BucketSettings, clock: Clock) {
    this.#sdk = sdk;
    this.#client = client;
    this.#settings = settings;
    this.#clock = clock;
  }

  async check(): Promise<void> {
    const { name: bucket, prefix, endpoint } = this.#settings;
    try {
      const command = new this.#sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 });
      await this.#call((abortSignal) => this.#client.send(command, { abortSignal }));
    } catch (error) {
      const cause = error instanceof StoreError ? error.cause : error;
      const status = statusOf(cause);
      const isAway = status === undefined ? isNetwork(cause) : status >= 500 || status === 429;
      if (isAway) return;
      this.#client.destroy();
      const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      const remedy = 'check bucket, region, endpoint and pathStyle, and the credentials the AWS SDK finds (AWS_ACCESS_KEY_ID and others)';
      const where = endpoint === undefined ? bucket : `${bucket} at ${endpoint}`;
      throw new ImageRouterError('invalid_config', `the bucket ${where} cannot be used: ${reason}`, { remedy, cause });
    }
  }

  async put(name: string, bytes: Uint8Array, mediaType: string): Promise<void> {
    checkBlobName(name);
    const { name: bucket } = this.#settings;
    const command = new this.#sdk.PutObjectCommand({
      Bucket: bucket,
      Key: this.#keyOf(name),
      Body: bytes,
      ContentType: mediaType,
      IfNoneMatch: '*',
    });
    await this.#call(async (abortSignal) => {
      try {
        await this.#client.send(command, { abortSignal });
      } catch (error) {
        // 412: it is there already.
        if (statusOf(error) !== 412) throw error;
      }
    });
  }

  async get(name: string, range?: BlobRange): Promise<Uint8Array | undefined> {
    checkBlobName(name);
    checkBlobRange(range);
    const where = { Bucket: this.#settings.name, Key: this.#keyOf(name) };
    const command = new this.#sdk.GetObjectCommand(range === undefined ? where : { ...where, Range: `bytes=${range.start}-${range.end}` });
    return this.#call(async (abortSignal) => {
      try {
        const { Body: body } = await this.#client.send(command, { abortSignal });
        if (body === undefined) return new Uint8Array();
        const abort = (): void => void ('destroy' in body && body.destroy(new Error('took too long')));
        abortSignal.addEventListener('abort', abort, { once: true });
        return await body.transformToByteArray();
      } catch (error) {
        if (error instanceof this.#sdk.NoSuchKey) return undefined;
        // The range begins behind the end.
        if (statusOf(error) === 416) return new Uint8Array();
        throw error;
      }
    });
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) checkBlobName(name);
    for (let start = 0; start < names.length; start += REMOVED_AT_ONCE) {
      const keys = names.slice(start, start + REMOVED_AT_ONCE).map((name) => ({ Key: this.#keyOf(name) }));
      const command = new this.#sdk.DeleteObjectsCommand({ Bucket: this.#settings.name, Delete: { Objects: keys, Quiet: true } });
      const { Errors: errors = [] } = await this.#call((abortSignal) => this.#client.send(command, { abortSignal }));
      const [first] = errors;
      if (first !== undefined) throw new StoreError(`the bucket kept ${errors.length} of ${keys.length} pictures: ${first.Code}`);
    }
  }

  async *list(): AsyncIterable<{ readonly name: string; readonly writtenAt: number }> {
    const { name: bucket, prefix } = this.#settings;
    let token: string | undefined;
    do {
      const rest = token === undefined ? {} : { ContinuationToken: token };
      const command = new this.#sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...rest });
      const page = await this.#call((abortSignal) => this.#client.send(command, { abortSignal }));
      for (const { Key: key = '', LastModified: modified } of page.Contents ?? []) {
        const name = key.slice(prefix.length);
        if (modified !== undefined && isBlobName(name)) yield { name, writtenAt: modified.getTime() };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
    this.#client.destroy();
  }

  #keyOf(name: string): string {
    return `${this.#settings.prefix}${name}`;
  }

  async #call<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new StoreError('the blob store is closed');
    const stop = new AbortController();
    const stopTimer = this.#clock.timer(this.#settings.timeoutMs * this.#clock.speed, () => stop.abort());
    const running = work(stop.signal);
    this.#running.add(running);
    try {
      return await running;
    } catch (cause) {
      const reason = stop.signal.aborted ? `did not answer within ${this.#settings.timeoutMs} ms` : 'does not do what it should';
      throw new StoreError(`the bucket ${reason}`, { cause });
    } finally {
      stopTimer();
      this.#running.delete(running);
    }
  }
}

/** What the bucket answered; undefined: it did not. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const { $metadata: metadata } = error;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** Nobody answered, as opposed to what the SDK finds missing before it asks (a region, credentials). */
function isNetwork(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'code' in error || error.name === 'TimeoutError' || error.name === 'AbortError';
}
