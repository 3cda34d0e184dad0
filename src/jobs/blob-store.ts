// Where pictures live that outlive a request: a folder, or a bucket that speaks S3. Three methods and a list. A blob is named
// by whoever writes it (128 random bits), written whole or not at all, and never changed afterwards.
export type BlobRange = { readonly start: number; readonly end: number };

export interface BlobStore {
  /** Resolves when it is durable. Writing the same name again with the same bytes is harmless. Rejects with StoreError when full. */
  put(name: string, bytes: Uint8Array, mediaType: string): Promise<void>;
  /** The bytes, or a part of them (`end` inclusive); undefined when there is no such blob. */
  get(name: string, range?: BlobRange): Promise<Uint8Array | undefined>;
  /** Forgetting what is not there is harmless. */
  remove(names: readonly string[]): Promise<void>;
  /** Every name, with when it was written (milliseconds since 1970): for sweeping what no job names. */
  list(): AsyncIterable<{ readonly name: string; readonly writtenAt: number }>;
  close(): Promise<void>;
}
