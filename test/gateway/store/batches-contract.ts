// What every store of batches owes, as one suite: run it over each implementation. Two handles on one store are two processes.
import { expect } from 'vitest';
import type { Batch, BatchRow } from '../../../src/domain/batch.ts';
import type { RouteId } from '../../../src/domain/vocabulary.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { Store } from '../../../src/gateway/store/store.ts';
import type { BatchStore } from '../../../src/jobs/batch-store.ts';
import type { JobStore } from '../../../src/jobs/job-store.ts';
import { lawsOf } from '../../support/laws.ts';
import { costOf, usd } from '../support/state-world.ts';
import { newJob } from './jobs-contract.ts';

type Handle = { readonly store: Store; readonly jobs: JobStore; readonly batches: BatchStore };
export type OpenBatchStores = () => Promise<{ readonly one: Handle; readonly other: Handle; close(): Promise<void> }>;

const NOON = 1_795_608_000_000;

function newBatch(id: string, changes: Partial<Batch> = {}): Parameters<BatchStore['accept']>[0] {
  return { id, principal: 'key', createdAt: NOON, deadlineAt: NOON + 3_600_000, rows: 3, concurrency: 2, maxCost: undefined, ...changes };
}

const rowsOf = (count: number): readonly BatchRow[] =>
  Array.from({ length: count }, (_, index) => ({
    row: index + 1,
    customId: index === 0 ? 'first' : undefined,
    job: `job_${index + 1}`,
    request: { prompt: `fox ${index + 1}`, tier: 'preview' },
    model: 'preview',
    maxCost: usd(6_000),
  }));

/** A batch of which two jobs ended and one waits, in a store that a version before wrote: `goBack` undoes what later ones added. */
export async function tallyOfEarlierVersion(open: () => Promise<Handle>, goBack: () => Promise<void>) {
  const before = await open();
  await before.batches.accept(newBatch('batch_1'), rowsOf(3));
  await before.jobs.accept([1, 2, 3].map((row) => newJob(`job_${row}`, { origin: { kind: 'batch', batch: 'batch_1', row } })));
  await before.jobs.accept([newJob('alone')]);
  for (const id of ['job_1', 'job_2', 'alone']) await before.jobs.cancel('key', id, NOON);
  await before.store.close();
  await goBack();
  const after = await open();
  const tally = await after.jobs.batchTally('key', 'batch_1');
  await after.store.close();
  return tally;
}

export function batchStoreContract(open: OpenBatchStores): void {
  const law = lawsOf(open);

  law('a batch is there with all its rows, in their order, for every process, and for its owner only', async ({ one, other }) => {
    await one.batches.accept(newBatch('batch_1', { rows: 600, maxCost: usd(5) }), rowsOf(600));
    expect(await other.batches.find('key', 'batch_1')).toEqual({
      ...newBatch('batch_1', { rows: 600, maxCost: usd(5) }),
      state: 'running',
      fed: 0,
      endedAt: undefined,
    });
    expect(await other.batches.find('somebody', 'batch_1')).toBeUndefined();
    expect(await other.batches.isAccepted('key', 'batch_1')).toBe(true);
    expect(await other.batches.isAccepted('somebody', 'batch_1')).toBe(false);
    expect(await other.batches.rows('batch_1', 0, 1_000)).toEqual(rowsOf(600));
    expect((await other.batches.rows('batch_1', 598, 10)).map(({ row }) => row)).toEqual([599, 600]);
  });

  law('a batch that cannot be written whole is not there', async ({ one, other }) => {
    const torn = [...rowsOf(400), ...rowsOf(1)];
    await expect(one.batches.accept(newBatch('batch_1', { rows: 401 }), torn)).rejects.toThrow();
    expect(await other.batches.find('key', 'batch_1')).toBeUndefined();
    expect([await other.batches.open(), await other.batches.list({ principal: 'key', after: undefined, limit: 10 })]).toEqual([[], []]);
    expect(await other.batches.rows('batch_1', 0, 1_000)).toEqual([]);
  });

  law('a batch whose process ends while it is written can be handed in again at once', async ({ one, other }) => {
    const rows = [...rowsOf(2_500)];
    let pieces = 0;
    const slice = (from: number, to: number): BatchRow[] => {
      pieces += 1;
      if (pieces === 3) void one.store.close();
      return Array.prototype.slice.call(rows, from, to);
    };
    const broken = Object.assign([...rows], { slice });
    // A store that lets what runs come to its end has written it whole.
    const isWhole = await one.batches.accept(newBatch('batch_1', { rows: 2_500 }), broken).then(
      () => true,
      () => false,
    );
    expect(pieces).toBeGreaterThanOrEqual(3);
    if (!isWhole) {
      expect(await other.batches.find('key', 'batch_1')).toBeUndefined();
      await other.batches.accept(newBatch('batch_1', { rows: 2_500, createdAt: NOON + 1 }), rows);
    }
    expect(await other.batches.find('key', 'batch_1')).toMatchObject({ state: 'running', rows: 2_500 });
    expect(await other.batches.rows('batch_1', 0, 3_000)).toEqual(rows);
  });

  law('a batch that could not be written whole can be handed in again at once, and keeps its reservation', async ({ one }) => {
    const place = { principal: 'key', images: 0, limits: NO_LIMITS, at: NOON, keptBy: 'job' } as const;
    await expect(one.batches.accept(newBatch('batch_1', { rows: 401 }), [...rowsOf(400), ...rowsOf(1)])).rejects.toThrow();
    await one.store.reserve({ ...place, id: 'batch_1', microUsd: usd(18_000) });
    await one.batches.accept(newBatch('batch_1'), rowsOf(3));
    expect(await one.batches.rows('batch_1', 0, 1_000)).toEqual(rowsOf(3));
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ reserved: 18_000 });
  });

  law('of two who hand in the same batch at once one has its way, and the batch is whole', async ({ one, other }) => {
    const theirs = rowsOf(600).map((row) => ({ ...row, job: `other_${row.row}` }));
    const handedIn = await Promise.allSettled([
      one.batches.accept(newBatch('batch_1', { rows: 600 }), rowsOf(600)),
      other.batches.accept(newBatch('batch_1', { rows: 600 }), theirs),
      one.batches.accept(newBatch('batch_1', { rows: 600 }), rowsOf(600)),
    ]);
    expect(handedIn.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect([rowsOf(600), theirs]).toContainEqual(await other.batches.rows('batch_1', 0, 1_000));
  });

  law('how far it has come only grows', async ({ one, other }) => {
    await one.batches.accept(newBatch('batch_1'), rowsOf(3));
    await one.batches.advance('batch_1', 2);
    await other.batches.advance('batch_1', 1);
    expect((await one.batches.find('key', 'batch_1'))?.fed).toBe(2);
  });

  law('lists are newest first, a page at a time', async ({ one }) => {
    for (const count of [1, 2, 3]) await one.batches.accept(newBatch(`batch_${count}`, { createdAt: NOON + count }), rowsOf(3));
    const first = await one.batches.list({ principal: 'key', after: undefined, limit: 2 });
    expect(first.map(({ id }) => id)).toEqual(['batch_3', 'batch_2']);
    const last = first.at(-1);
    const rest = await one.batches.list({ principal: 'key', after: last, limit: 2 });
    expect(rest.map(({ id }) => id)).toEqual(['batch_1']);
    expect(await one.batches.list({ principal: 'somebody', after: undefined, limit: 2 })).toEqual([]);
  });

  law('cancelling stops one that runs, and ends once', async ({ one, other }) => {
    await one.batches.accept(newBatch('batch_1'), rowsOf(3));
    expect(await other.batches.cancel('somebody', 'batch_1')).toBeUndefined();
    expect((await other.batches.cancel('key', 'batch_1'))?.state).toBe('cancelling');
    await one.batches.end('batch_1', 'cancelled', NOON + 5);
    await other.batches.end('batch_1', 'completed', NOON + 6);
    expect(await one.batches.cancel('key', 'batch_1')).toMatchObject({ state: 'cancelled', endedAt: NOON + 5 });
    expect(await one.batches.open()).toEqual([]);
  });

  law('its rows settle what they may cost of its reservation, and its end gives back the rest', async ({ one, other }) => {
    const place = { principal: 'key', images: 0, limits: NO_LIMITS, at: NOON, keptBy: 'job' } as const;
    await one.store.reserve({ ...place, id: 'batch_1', microUsd: usd(18_000) });
    await one.batches.accept(newBatch('batch_1'), rowsOf(3));
    const ofBatch = { origin: { kind: 'batch', batch: 'batch_1', row: 1 }, maxCost: usd(6_000) } as const;
    await one.jobs.accept([newJob('job_1', ofBatch), newJob('job_2', { ...ofBatch, origin: { ...ofBatch.origin, row: 2 } })]);
    const [claimed] = await other.jobs.claim('worker', 1, NOON);
    if (claimed === undefined) throw new Error('a job waits');
    const call = { part: undefined, attempt: 1, target: 'low@openai', route: 'low' as RouteId, startedAt: NOON, ceiling: usd(6_000) };
    await other.jobs.startAttempt(claimed.fence, call, []);
    const end = { outcome: 'delivered', ...costOf(5_900), requestId: undefined, endedAt: NOON + 1 };
    const nothing = { images: [], previews: [], degraded: undefined, error: undefined, traceId: undefined };
    await other.jobs.finish(claimed.fence, { ...nothing, state: 'completed', at: NOON + 1, ends: [{ part: undefined, attempt: 1, end }] });
    const [row] = await one.store.spendOf('key');
    expect(row).toMatchObject({ billed: 5_900, reserved: 12_000 });
    await one.jobs.cancel('key', 'job_2', NOON + 2);
    await one.batches.end('batch_1', 'cancelled', NOON + 3);
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ billed: 5_900, possiblyBilled: 0, reserved: 0 });
  });

  law('what its rows cost is booked also when it is forgotten while they are made', async ({ one, other }) => {
    const place = { principal: 'key', images: 0, limits: NO_LIMITS, at: NOON, keptBy: 'job' } as const;
    await one.store.reserve({ ...place, id: 'batch_1', microUsd: usd(18_000) });
    await one.batches.accept(newBatch('batch_1'), rowsOf(3));
    const ofBatch = (row: number) => ({ origin: { kind: 'batch', batch: 'batch_1', row }, maxCost: usd(6_000) }) as const;
    await one.jobs.accept([newJob('job_1', ofBatch(1)), newJob('job_2', ofBatch(2))]);
    const claimed = await other.jobs.claim('worker', 2, NOON);
    for (const { fence } of claimed) {
      const call = { part: undefined, attempt: 1, target: 'low@openai', route: 'low' as RouteId, startedAt: NOON, ceiling: usd(6_000) };
      await other.jobs.startAttempt(fence, call, []);
    }
    await one.batches.forget('key');
    const done = claimed.find(({ fence }) => fence.job === 'job_1');
    if (done === undefined) throw new Error('both jobs were taken');
    const end = { outcome: 'delivered', ...costOf(5_900), requestId: undefined, endedAt: NOON + 1 };
    const nothing = { images: [], previews: [], degraded: undefined, error: undefined, traceId: undefined };
    await other.jobs.finish(done.fence, { ...nothing, state: 'completed', at: NOON + 1, ends: [{ part: undefined, attempt: 1, end }] });
    await one.jobs.forget('key', NOON + 2);
    // Of the day and of the month: one call whose cost is known, one whose end nobody will hear of.
    const booked = { billed: 5_900, possiblyBilled: 6_000, reserved: 0 };
    expect(await one.store.spendOf('key')).toMatchObject([booked, booked]);
  });

  law('its jobs are counted by their states, with what they cost, also those that were forgotten since', async ({ one, other }) => {
    await one.batches.accept(newBatch('batch_1', { rows: 6, concurrency: 6 }), rowsOf(6));
    const ofBatch = (row: number) => ({ origin: { kind: 'batch', batch: 'batch_1', row } }) as const;
    await one.jobs.accept([1, 2, 3, 4, 5, 6].map((row) => newJob(`job_${row}`, ofBatch(row))));
    const claimed = await other.jobs.claim('worker', 4, NOON);
    const nothing = { images: [], previews: [], degraded: undefined, error: undefined, traceId: undefined };
    for (const [index, { fence }] of claimed.slice(0, 3).entries()) {
      const call = { part: undefined, attempt: 1, target: 'low@openai', route: 'low' as RouteId, startedAt: NOON, ceiling: usd(6_000) };
      await other.jobs.startAttempt(fence, call, []);
      const end = { outcome: 'delivered', ...costOf(50, 2), requestId: undefined, endedAt: NOON + 1 };
      const words = { ...nothing, state: index === 0 ? ('failed' as const) : ('completed' as const), at: NOON + 1 };
      await other.jobs.finish(fence, { ...words, ends: [{ part: undefined, attempt: 1, end }] });
      // A run is counted once, however often it says that it ended.
      expect(await other.jobs.finish(fence, { ...words, ends: [] })).toBe('lost');
    }
    await one.jobs.cancel('key', 'job_6', NOON + 2);
    const tally = { states: { running: 1, queued: 1, completed: 2, failed: 1, cancelled: 1 }, cost: costOf(150, 6) };
    expect(await one.jobs.batchTally('key', 'batch_1')).toEqual(tally);
    expect(await one.jobs.batchTally('somebody', 'batch_1')).toEqual({ states: {}, cost: costOf(0) });
    await one.jobs.sweep(NOON + 9, 10);
    expect(await other.jobs.batchTally('key', 'batch_1')).toEqual(tally);
    await one.batches.forget('key');
    // Nothing of it is left: of the jobs that end now nobody keeps count.
    await one.jobs.cancel('key', 'job_5', NOON + 3);
    expect(await one.jobs.batchTally('key', 'batch_1')).toEqual({ states: { running: 1 }, cost: costOf(0) });
  });

  law('its reservation outlives the process that took it', async ({ one, other }) => {
    const place = { principal: 'key', images: 0, limits: NO_LIMITS, at: NOON, keptBy: 'job' } as const;
    await one.store.reserve({ ...place, id: 'batch_1', microUsd: usd(18_000) });
    await one.batches.accept(newBatch('batch_1'), rowsOf(3));
    await one.store.close();
    await other.store.beat(NOON + 60_000);
    expect((await other.store.spendOf('key'))[0]).toMatchObject({ possiblyBilled: 0, reserved: 18_000 });
  });

  law('a job that was accepted before is left as it is', async ({ one, other }) => {
    await one.batches.accept(newBatch('batch_1'), rowsOf(3));
    const ofBatch = { origin: { kind: 'batch', batch: 'batch_1', row: 1 } } as const;
    await one.jobs.accept([newJob('job_1', ofBatch)]);
    await one.jobs.claim('worker', 1, NOON);
    await other.jobs.accept([newJob('job_1', ofBatch), newJob('job_2', ofBatch)]);
    expect((await other.jobs.batchTally('key', 'batch_1')).states).toEqual({ running: 1, queued: 1 });
    expect(await other.jobs.events('key', 'job_1', 0)).toHaveLength(2);
  });

  law('old ones are forgotten, and all of a principal’s when it asks', async ({ one }) => {
    for (const id of ['batch_1', 'batch_2', 'batch_3']) await one.batches.accept(newBatch(id), rowsOf(3));
    await one.batches.end('batch_1', 'completed', NOON);
    expect(await one.batches.sweep(NOON + 1, 10)).toBe(1);
    expect(await one.batches.rows('batch_1', 0, 10)).toEqual([]);
    await one.batches.forget('somebody');
    expect(await one.batches.open()).toHaveLength(2);
    await one.batches.forget('key');
    expect([await one.batches.open(), await one.batches.rows('batch_2', 0, 10)]).toEqual([[], []]);
  });
}
