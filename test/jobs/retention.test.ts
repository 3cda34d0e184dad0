import { describe, expect, it, onTestFinished } from 'vitest';
import type { BlobStore } from '../../src/jobs/blob-store.ts';
import { Retention, type RetentionParts } from '../../src/jobs/retention.ts';
import { manualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;

/** Steps that `sweep` gives back, one after the other; nothing once they are used up. */
function world(steps: readonly (readonly string[])[], keepMs = DAY_MS) {
  const clock = manualClock();
  const blobsClock = manualClock(1);
  const asked: number[] = [];
  const removed: string[] = [];
  const left = [...steps];
  const blobs: Pick<BlobStore, 'remove' | 'list'> = {
    remove: async (names) => void removed.push(...names),
    list: async function* () {
      yield { name: 'orphan', writtenAt: 0 };
      yield { name: 'named', writtenAt: 0 };
      yield { name: 'young', writtenAt: blobsClock.wall().getTime() - 3_599_000 };
    },
  };
  const parts: RetentionParts = {
    jobs: {
      sweep: async (before) => {
        asked.push(before);
        return left.shift() ?? [];
      },
      named: async () => new Set(['named']),
    },
    batches: { sweep: async () => 0 },
    webhooks: { sweepDeliveries: async () => 0 },
    blobs: blobs as BlobStore,
    clock,
    blobsClock,
    keepMs: () => keepMs,
    onTrouble: (error) => {
      throw error;
    },
  };
  const retention = new Retention(parts);
  onTestFinished(() => retention.close());
  return { clock, retention, asked, removed };
}

describe('retention', () => {
  it('forgets what ended longer ago than it is kept, with its pictures, until nothing old is left', async () => {
    const { clock, retention, asked, removed } = world([['a', 'b'], [], ['c']]);
    await retention.sweep();
    expect(new Set(asked)).toEqual(new Set([clock.wall().getTime() - DAY_MS]));
    expect(removed).toEqual(['a', 'b', 'c', 'orphan']);
  });

  it('looks for pictures that no job names now and then only', async () => {
    const { retention, removed } = world([]);
    for (let sweep = 0; sweep < 60; sweep += 1) await retention.sweep();
    expect(removed).toEqual(['orphan']);
    await retention.sweep();
    expect(removed).toEqual(['orphan', 'orphan']);
  });

  it('counts the age of a picture by the clock of where it is kept, however fast the world is', async () => {
    const { clock, retention, removed } = world([]);
    clock.advance(100 * DAY_MS);
    await retention.sweep();
    expect(removed).toEqual(['orphan']);
  });

  it('works once a minute of real time, until it is closed', async () => {
    const { clock, retention, asked } = world([]);
    retention.start();
    clock.advance(59_000 * clock.speed);
    expect(asked).toEqual([]);
    clock.advance(1_000 * clock.speed);
    while (asked.length < 20) await new Promise((resolve) => setImmediate(resolve));
    await retention.close();
    const before = asked.length;
    clock.advance(600_000 * clock.speed);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked.length).toBe(before);
  });
});
