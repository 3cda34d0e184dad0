// Where pictures live that outlive a request: a folder, or a bucket that speaks S3. Three methods and a list. A blob is named
// by whoever writes it (128 random bits), written whole or not at all, and never changed afterwards. Names are 1 to 128 of
// the characters A-Z, a-z, 0-9, `_` and `-`, the first no `-`; anything else is a RangeError, so that no name leads elsewhere.

/** Bytes from `start` to `end`, both inclusive, as HTTP counts them. What lies beyond the blob's end is left out. */
export type BlobRange = { readonly start: number; readonly end: number };

export interface BlobStore {
  /** Resolves when it is durable. Writing the same name again is harmless: what is there stays. Rejects with StoreError when full. */
  put(name: string, bytes: Uint8Array, mediaType: string): Promise<void>;
  /** The bytes, or a part of them; undefined when there is no such blob. */
  get(name: string, range?: BlobRange): Promise<Uint8Array | undefined>;
  /** Forgetting what is not there is harmless. */
  remove(names: readonly string[]): Promise<void>;
  /** Every name, with when it was written (milliseconds since 1970, never scaled): for sweeping what no job names. */
  list(): AsyncIterable<{ readonly name: string; readonly writtenAt: number }>;
  /** Resolves when what was begun has ended; nothing is taken afterwards. */
  close(): Promise<void>;
}
