import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/domain/store-error.ts';
import { openFolderBlobs } from '../../src/jobs/blobs/folder-blobs.ts';
import { sweepBlobs } from '../../src/jobs/sweep-blobs.ts';
import { systemIds } from '../../src/system/ids.ts';
import { dataFolder } from '../gateway/support/state-world.ts';
import { manualClock } from '../support/manual-clock.ts';

const HOUR_MS = 3_600_000;
const inTwoHours = () => manualClock(1, new Date(Date.now() + 2 * HOUR_MS));

async function withBlobs(names: readonly string[]) {
  const blobs = openFolderBlobs({ dataDir: await dataFolder(), ids: systemIds() });
  for (const name of names) await blobs.put(name, Uint8Array.of(1), 'image/png');
  const left = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const { name } of blobs.list()) found.push(name);
    return found.sort();
  };
  return { blobs, left };
}

describe('a sweep of blobs', () => {
  it('removes what no job names, and nothing else', async () => {
    const { blobs, left } = await withBlobs(['a', 'b', 'c', 'd']);
    const jobs = { named: async () => new Set(['b', 'd', 'gone']) };
    expect(await sweepBlobs({ jobs, blobs, clock: inTwoHours() })).toBe(2);
    expect(await left()).toEqual(['b', 'd']);
    expect(await sweepBlobs({ jobs, blobs, clock: inTwoHours() })).toBe(0);
  });

  it('leaves alone what may be about to be named', async () => {
    const { blobs, left } = await withBlobs(['a']);
    const jobs = { named: async () => new Set<string>() };
    const soon = manualClock(1, new Date(Date.now() + HOUR_MS - 60_000));
    expect(await sweepBlobs({ jobs, blobs, clock: soon })).toBe(0);
    expect(await left()).toEqual(['a']);
  });

  it('leaves alone what a job began to name while it looked', async () => {
    const { blobs, left } = await withBlobs(['a', 'b']);
    const named = new Set<string>();
    const jobs = { named: async () => named };
    const list: typeof blobs.list = async function* () {
      for await (const found of blobs.list()) yield found;
      named.add('a');
    };
    expect(await sweepBlobs({ jobs, blobs: { list, remove: (names) => blobs.remove(names) }, clock: inTwoHours() })).toBe(1);
    expect(await left()).toEqual(['a']);
  });

  it('ends after so many, and goes on the next time', async () => {
    const { blobs, left } = await withBlobs(['a', 'b', 'c', 'd', 'e']);
    const jobs = { named: async () => new Set(['e']) };
    const counts: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) counts.push(await sweepBlobs({ jobs, blobs, clock: inTwoHours(), most: 3 }));
    expect(counts).toEqual([3, 1, 0]);
    expect(await left()).toEqual(['e']);
  });

  it('asks and removes page by page, never holding more names than one page has', async () => {
    let listed = 0;
    const removed: string[] = [];
    const pages: number[] = [];
    const blobs = {
      list: async function* () {
        for (; listed < 25; listed += 1) yield { name: `blob_${listed}`, writtenAt: 0 };
      },
      remove: async (names: readonly string[]) => void removed.push(...names),
    };
    const named = async (names: readonly string[]) => {
      pages.push(names.length);
      // Nothing is read ahead of what was asked.
      expect(names.at(-1)).toBe(`blob_${Math.min(listed, 24)}`);
      return new Set(names.filter((name) => name.endsWith('0')));
    };
    expect(await sweepBlobs({ jobs: { named }, blobs, clock: inTwoHours(), page: 10 })).toBe(22);
    expect([pages, removed.length]).toEqual([[10, 10, 5], 22]);
  });

  it('removes nothing while the jobs cannot be asked', async () => {
    const { blobs, left } = await withBlobs(['a']);
    const jobs = { named: () => Promise.reject(new StoreError('away')) };
    await expect(sweepBlobs({ jobs, blobs, clock: inTwoHours() })).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await left()).toEqual(['a']);
  });
});
