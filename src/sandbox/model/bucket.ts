// A rate limit as a token bucket: a minute's worth of images, refilled continuously. Pure: time is an argument and a
// bucket is a value. Refused calls take nothing, so a caller who waits as told is served.
import type { InstantMs } from '../../domain/time.ts';

export type Bucket = { readonly perMinute: number; readonly tokens: number; readonly at: InstantMs };

export type Taking = {
  readonly bucket: Bucket;
  readonly granted: boolean;
  /** Milliseconds until the same call would be granted; 0 when it was. Infinite when it asks for more than a minute's worth. */
  readonly waitMs: number;
  readonly remaining: number;
  /** Milliseconds until the bucket is full again. */
  readonly resetMs: number;
};

export function fullBucket(perMinute: number, now: InstantMs): Bucket {
  return { perMinute, tokens: perMinute, at: now };
}

export function take(bucket: Bucket, images: number, now: InstantMs): Taking {
  const perMs = bucket.perMinute / 60_000;
  const available = Math.min(bucket.perMinute, bucket.tokens + (now - bucket.at) * perMs);
  const granted = available >= images;
  const tokens = granted ? available - images : available;
  return {
    bucket: { ...bucket, tokens, at: now },
    granted,
    waitMs: granted ? 0 : images > bucket.perMinute ? Number.POSITIVE_INFINITY : (images - available) / perMs,
    remaining: Math.floor(tokens),
    resetMs: (bucket.perMinute - tokens) / perMs,
  };
}
