import { describe, expect, it, onTestFinished } from 'vitest';
import type { BatchRow } from '../../src/domain/batch.ts';
import type { MicroUsd } from '../../src/domain/money.ts';
import { StoreError } from '../../src/domain/store-error.ts';
import { BatchFeeder, type FeederParts } from '../../src/jobs/batch-feeder.ts';
import { MemoryBatches } from '../gateway/support/memory-batches.ts';
import { MemoryJobs } from '../gateway/support/memory-jobs.ts';
import { manualClock } from '../support/manual-clock.ts';

const ROWS: readonly BatchRow[] = Array.from({ length: 5 }, (_, index) => ({
  row: index + 1,
  customId: undefined,
  job: `job_${index + 1}`,
  request: { prompt: `fox ${index + 1}` },
  model: 'preview',
  maxCost: 6_000 as MicroUsd,
}));

async function world(concurrency: number) {
  const clock = manualClock();
  const jobs = new MemoryJobs(clock);
  const batches = new MemoryBatches();
  const createdAt = clock.wall().getTime();
  const times = { createdAt, deadlineAt: createdAt + 3_600_000 };
  await batches.accept({ id: 'batch_1', principal: 'key', ...times, rows: ROWS.length, concurrency, maxCost: undefined }, ROWS);
  const troubles: unknown[] = [];
  const feederOf = (changes: Partial<FeederParts> = {}): BatchFeeder => {
    const feeder = new BatchFeeder({ batches, store: jobs, jobs, clock, onTrouble: (error) => troubles.push(error), ...changes });
    onTestFinished(() => feeder.close());
    return feeder;
  };
  const openJobs = () => [...jobs.kept.values()].filter(({ job }) => job.endedAt === undefined).map(({ job }) => job.id);
  return { clock, jobs, batches, troubles, feederOf, openJobs };
}

describe('a feeder of batches', () => {
  it('hands rows in by their order, each with its cap and the batch’s deadline, and no more than may be open', async () => {
    const { jobs, feederOf, openJobs, batches } = await world(2);
    const feeder = feederOf();
    await feeder.feed();
    await feeder.feed();
    expect(openJobs()).toEqual(['job_1', 'job_2']);
    const job = jobs.kept.get('job_1')?.job;
    expect(job).toMatchObject({ maxCost: 6_000, origin: { kind: 'batch', batch: 'batch_1', row: 1 }, lineage: 'job_1' });
    expect(job?.deadlineAt).toBe(batches.kept.get('batch_1')?.batch.deadlineAt);
    jobs.end('job_1', 'failed', {});
    await feeder.feed();
    expect(openJobs()).toEqual(['job_2', 'job_3']);
  });

  it('two of them, however they interleave, never have more open than may be, and hand nothing in twice', async () => {
    const { jobs, batches, feederOf, openJobs } = await world(2);
    const held = Promise.withResolvers<void>();
    // One that counted what is open, and is held up before it hands anything in.
    const slow = feederOf({
      jobs: {
        list: (query) => jobs.list(query),
        cancel: (principal, id) => jobs.cancel(principal, id),
        submit: async (orders) => {
          await held.promise;
          return jobs.submit(orders);
        },
      },
    });
    const late = slow.feed();
    const quick = feederOf();
    await quick.feed();
    jobs.end('job_1', 'completed', {});
    await quick.feed();
    held.resolve();
    await late;
    expect(openJobs()).toEqual(['job_2', 'job_3']);
    expect(batches.kept.get('batch_1')?.batch.fed).toBe(3);
    expect(jobs.kept.size).toBe(3);
  });

  it('one that died between handing in and writing so down is gone on from', async () => {
    const { jobs, batches, feederOf, openJobs } = await world(2);
    const dying = feederOf({
      batches: Object.assign(new MemoryBatches(), { kept: batches.kept, advance: () => Promise.reject(new Error('killed')) }),
    });
    await expect(dying.feed()).rejects.toThrow('killed');
    expect(batches.kept.get('batch_1')?.batch.fed).toBe(0);
    await feederOf().feed();
    expect(openJobs()).toEqual(['job_1', 'job_2']);
    jobs.end('job_1', 'completed', {});
    jobs.end('job_2', 'completed', {});
    const feeder = feederOf();
    for (let look = 0; look < 4; look += 1) await feeder.feed();
    expect(openJobs()).toEqual(['job_3', 'job_4']);
  });

  it('ends a batch once its last row has ended, and one that is cancelled once nothing of it runs', async () => {
    const { jobs, batches, feederOf } = await world(10);
    const feeder = feederOf();
    await feeder.feed();
    for (const { job } of ROWS.slice(1)) jobs.end(job, 'completed', {});
    await feeder.feed();
    expect(batches.kept.get('batch_1')?.batch.state).toBe('running');
    await batches.cancel('key', 'batch_1');
    jobs.start('job_1');
    await feeder.feed();
    expect(jobs.kept.get('job_1')?.job.isCancelAsked).toBe(true);
    expect(batches.kept.get('batch_1')?.batch.endedAt).toBeUndefined();
    jobs.end('job_1', 'cancelled', {});
    await feeder.feed();
    expect(batches.kept.get('batch_1')?.batch).toMatchObject({ state: 'cancelled' });
    expect(batches.kept.get('batch_1')?.batch.endedAt).toBeDefined();
  });

  it('goes on by itself once a store that took nothing does again', async () => {
    const { clock, jobs, troubles, feederOf, openJobs } = await world(1);
    jobs.trouble = new StoreError('full');
    const feeder = feederOf();
    feeder.start();
    while (troubles.length === 0) await Promise.resolve();
    jobs.trouble = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
    while (openJobs().length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(openJobs()).toEqual(['job_1']);
  });

  it('hands in nothing any more once it is closed', async () => {
    const { clock, feederOf, openJobs } = await world(1);
    const feeder = feederOf();
    await feeder.close();
    feeder.soon();
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(openJobs()).toEqual([]);
  });
});
