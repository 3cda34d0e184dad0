// What every blob store owes, as one suite: run it over each implementation. Two handles on one store are two processes.
// `names` makes names nobody else uses, so that a store may be shared by all laws.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { BlobStore } from '../../../src/jobs/blob-store.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { lawsOf } from '../../support/laws.ts';

type Stores = { readonly one: BlobStore; readonly other: BlobStore };
export type OpenBlobStores = () => Promise<Stores & { close(): Promise<void> }>;

const ids = systemIds();
const newName = (): string => ids.next('blob');
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);
/** Of the size of a picture, and different in every part. */
const PICTURE = Uint8Array.from({ length: 1_600_000 }, (_, index) => (index * 7 + (index >> 8) * 13) & 0xff);
const digest = (bytes: Uint8Array | undefined): string | undefined => bytes && createHash('sha256').update(bytes).digest('hex');

async function listed(store: BlobStore): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for await (const { name, writtenAt } of store.list()) {
    expect(found.has(name)).toBe(false);
    found.set(name, writtenAt);
  }
  return found;
}

export function blobStoreContract(open: OpenBlobStores): void {
  const law = lawsOf(open);

  law('what was put is read to the last byte, by whoever asks', async ({ one, other }) => {
    const [picture, empty] = [newName(), newName()];
    await one.put(picture, PICTURE, 'image/png');
    await one.put(empty, new Uint8Array(), 'image/png');
    expect(digest(await other.get(picture))).toBe(digest(PICTURE));
    expect(await other.get(empty)).toHaveLength(0);
  });

  law('a blob that is not there is undefined, with a range as without', async ({ one }) => {
    const name = newName();
    expect([await one.get(name), await one.get(name, { start: 0, end: 9 })]).toEqual([undefined, undefined]);
  });

  law('any part of a blob is what a slice of it is', async ({ one }) => {
    const name = newName();
    const bytes = PICTURE.subarray(0, 5_000);
    await one.put(name, bytes, 'image/png');
    const offset = fc.oneof(fc.integer({ min: 0, max: 6_000 }), fc.constantFrom(0, 4_998, 4_999, 5_000));
    await fc.assert(
      fc.asyncProperty(offset, offset, async (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        expect(Buffer.from((await one.get(name, { start, end })) ?? 'none')).toEqual(Buffer.from(bytes.subarray(start, end + 1)));
      }),
      { numRuns: 40 },
    );
  });

  law('a blob is never changed: the first to put it has put it', async ({ one, other }) => {
    const name = newName();
    await one.put(name, bytesOf('first'), 'image/png');
    await one.put(name, bytesOf('first'), 'image/png');
    await other.put(name, bytesOf('second'), 'image/png');
    expect(textOf(await one.get(name))).toBe('first');
  });

  law('of many who put one name at once, one does, and nobody sees parts', async ({ one, other }) => {
    const name = newName();
    const versions = [1, 2, 3, 4].map((version) => PICTURE.map((byte) => byte ^ version));
    await Promise.allSettled(versions.map((bytes, index) => (index % 2 === 0 ? one : other).put(name, bytes, 'image/png')));
    expect(versions.map(digest)).toContain(digest(await other.get(name)));
  });

  law('what was removed is gone, and removing what is not there is harmless', async ({ one, other }) => {
    const [kept, gone] = [newName(), newName()];
    for (const name of [kept, gone]) await one.put(name, bytesOf(name), 'image/png');
    for (let time = 0; time < 2; time += 1) await other.remove([gone, newName()]);
    await other.remove([]);
    expect(await one.get(gone)).toBeUndefined();
    expect(textOf(await one.get(kept))).toBe(kept);
    const names = await listed(one);
    expect([names.has(kept), names.has(gone)]).toEqual([true, false]);
  });

  law('every blob is listed once, with when it was written', async ({ one, other }) => {
    const names = Array.from({ length: 30 }, newName);
    const before = Date.now();
    await Promise.all(names.map((name) => one.put(name, bytesOf(name), 'image/png')));
    const found = await listed(other);
    for (const name of names) {
      // A second each way: S3 tells whole ones, and file systems keep a coarse clock.
      expect(found.get(name)).toBeGreaterThanOrEqual(before - 1_000);
      expect(found.get(name)).toBeLessThanOrEqual(Date.now() + 1_000);
    }
  });

  law('a name that could lead elsewhere touches nothing, whatever is asked of it', async ({ one }) => {
    for (const name of ['', '.', '..', '../x', 'a/b', 'a\\b', '/etc/passwd', 'a\0', '-x', 'a.b', 'é', 'x'.repeat(129)]) {
      await expect(one.put(name, bytesOf('x'), 'image/png'), name).rejects.toThrow(RangeError);
      await expect(one.get(name), name).rejects.toThrow(RangeError);
      await expect(one.remove([newName(), name]), name).rejects.toThrow(RangeError);
    }
  });

  law('a range that is none is an error of whoever asks', async ({ one }) => {
    for (const range of [
      { start: 2, end: 1 },
      { start: -1, end: 1 },
      { start: 0.5, end: 1 },
    ])
      await expect(one.get(newName(), range)).rejects.toThrow(RangeError);
  });

  law('a store that was closed takes nothing, after it has ended what was begun', async ({ one, other }) => {
    const name = newName();
    let hasEnded = false;
    const begun = one.put(name, PICTURE, 'image/png').then(() => {
      hasEnded = true;
    });
    await one.close();
    expect(hasEnded).toBe(true);
    await begun;
    expect(digest(await other.get(name))).toBe(digest(PICTURE));
    await expect(one.put(newName(), bytesOf('x'), 'image/png')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(one.get(name)).rejects.toMatchObject({ kind: 'unavailable' });
  });
}
