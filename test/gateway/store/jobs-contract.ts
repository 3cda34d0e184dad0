// What every store of jobs owes those who accepted, make and wait for them, as one suite: run it over each implementation.
// Two handles on one store are two processes; `killOne` is the sudden end of the first, after which nothing of it is heard.
// It resolves when the other can know of the death. Instants are made up, so a store must not compare them with its own clock.
import { expect } from 'vitest';
import { MOST_LOST_RUNS, type StoredImage } from '../../../src/domain/job.ts';
import type { RouteId } from '../../../src/domain/vocabulary.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { Store } from '../../../src/gateway/store/store.ts';
import type { BatchStore } from '../../../src/jobs/batch-store.ts';
import type { Claimed, EndedAttempt, JobEnd, JobHint, JobStore, ListJobs, NewJob } from '../../../src/jobs/job-store.ts';
import { WEBHOOK_EVENTS, type WebhookStore } from '../../../src/jobs/webhook-store.ts';
import { lawsOf } from '../../support/laws.ts';
import { costOf, usd } from '../support/state-world.ts';

type Handle = { readonly store: Store; readonly jobs: JobStore; readonly webhooks: WebhookStore; readonly batches: BatchStore };
type Mortal = Handle & { kill(): void | Promise<void> };
type Handles = {
  readonly one: Handle;
  readonly other: Handle;
  killOne(): void | Promise<void>;
  /** One more process, closed with the rest. */
  spawn(): Promise<Mortal>;
};
export type OpenJobStores = () => Promise<Handles & { close(): Promise<void> }>;

const NOON = 1_795_608_000_000;
const HOUR_MS = 3_600_000;

export function newJob(id: string, changes: Partial<NewJob> = {}): NewJob {
  return {
    id,
    principal: 'key',
    lineage: id,
    origin: { kind: 'request' },
    request: { prompt: `a fox, ${id}` },
    model: 'auto',
    createdAt: NOON,
    deadlineAt: NOON + HOUR_MS,
    maxCost: usd(300_000),
    priority: 0,
    ...changes,
  };
}

/** Rows are jobs only of a batch that there is. */
export function keepBatch({ batches }: { readonly batches: BatchStore }, id: string): Promise<void> {
  const about = { principal: 'key', createdAt: NOON, deadlineAt: NOON + HOUR_MS, rows: 1, concurrency: 5, maxCost: undefined };
  const row = { row: 1, customId: undefined, job: `${id} 1`, request: { prompt: 'a fox' }, model: 'auto', maxCost: usd(6_000) };
  return batches.accept({ id, ...about }, [row]);
}

const inBatch = (batch: string, row: number): Partial<NewJob> => ({ origin: { kind: 'batch', batch, row }, priority: 10 });

function picture(blob: string): StoredImage {
  const about = { bytes: 10, format: 'png', width: 1024, height: 1024, route: 'gpt-image-2-low' as RouteId, tier: 'preview' } as const;
  return { blob, sha256: 'ab'.repeat(32), ...about };
}

function callOf(attempt: number, part?: 'preview') {
  return {
    part,
    attempt,
    target: 'low@openai',
    route: 'low' as RouteId,
    startedAt: NOON + 2 * attempt - (part === undefined ? 0 : 1),
    ceiling: usd(6_000),
  };
}

function endOf(attempt: number, billed: number, possiblyBilled = 0, part?: 'preview'): EndedAttempt {
  const cost = { billed: usd(billed), possiblyBilled: usd(possiblyBilled) };
  return { part, attempt, end: { outcome: 'delivered', ...cost, requestId: 'upstream', endedAt: NOON + 10 } };
}

function finished(changes: Partial<JobEnd> = {}): JobEnd {
  const nothing = { previews: [], degraded: undefined, error: undefined, traceId: 'req_1', ends: [] };
  return { state: 'completed', at: NOON + 20, images: [picture('final')], ...nothing, ...changes };
}

const BUSY = { code: 'providers_failed', message: 'all are busy' };

async function claimOne({ jobs }: Handle, worker = 'worker'): Promise<Claimed> {
  const [claimed, ...more] = await jobs.claim(worker, 1, NOON);
  if (claimed === undefined || more.length > 0) throw new Error('one job was to be had');
  return claimed;
}

async function reserve({ store }: Handle, id: string, microUsd = 10_000): Promise<void> {
  const about = { id, principal: 'key', images: 1, limits: NO_LIMITS, at: NOON, keptBy: 'job' } as const;
  expect(await store.reserve({ ...about, microUsd: usd(microUsd) })).toEqual({ kind: 'reserved' });
}

async function kindsOf({ jobs }: Handle, id: string): Promise<readonly string[]> {
  const events = await jobs.events('key', id, 0);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  return events.map(({ kind }) => kind);
}

/** Waits for what a listener is to hear; there is no other way to know that a hint came. */
function heard(jobs: JobStore, isIt: (hint: JobHint) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = jobs.subscribe((hint) => {
      if (!isIt(hint)) return;
      stop();
      resolve();
    });
  });
}

export function jobStoreContract(open: OpenJobStores): void {
  const law = lawsOf(open);

  law('a job that was accepted is found by every process, just as it was handed in', async ({ one, other }) => {
    const request = { prompt: 'ä "fox"\n', n: 2, referenceBlobs: ['r1', 'r2'], maskBlob: 'm' } as const;
    await one.jobs.accept([newJob('a', { request, maxCost: undefined })]);
    expect(await other.jobs.find('key', 'a')).toEqual({
      id: 'a',
      principal: 'key',
      lineage: 'a',
      origin: { kind: 'request' },
      request,
      model: 'auto',
      state: 'queued',
      createdAt: NOON,
      startedAt: undefined,
      endedAt: undefined,
      deadlineAt: NOON + HOUR_MS,
      expectedMs: undefined,
      runs: 0,
      isCancelAsked: false,
      cost: costOf(0),
      maxCost: undefined,
      previews: [],
      images: [],
      degraded: undefined,
      error: undefined,
      traceId: undefined,
    });
    expect(await kindsOf(other, 'a')).toEqual(['job.queued']);
    expect(await other.jobs.named(['m', 'r1', 'r2', 'r3'])).toEqual(new Set(['r1', 'r2', 'm']));
    expect(await other.jobs.named([])).toEqual(new Set());
  });

  law('somebody else’s job is not there', async ({ one }) => {
    await one.jobs.accept([newJob('a')]);
    expect(await Promise.all(['key', 'mallory'].map((principal) => one.jobs.isAccepted(principal, 'a')))).toEqual([true, false]);
    const { fence } = await claimOne(one);
    await one.jobs.startAttempt(fence, callOf(1), []);
    expect(await one.jobs.find('mallory', 'a')).toBeUndefined();
    expect(await one.jobs.events('mallory', 'a', 0)).toEqual([]);
    expect(await one.jobs.attempts('mallory', 'a')).toEqual([]);
    expect(await one.jobs.cancel('mallory', 'a', NOON)).toBeUndefined();
    expect(await one.jobs.family('mallory', 'a')).toEqual({ cost: costOf(0), newest: 0 });
    expect(await one.jobs.forget('mallory', NOON)).toEqual([]);
    expect(await one.jobs.find('key', 'a')).toMatchObject({ state: 'running', isCancelAsked: false });
  });

  law('jobs are accepted all or none', async ({ one, other }) => {
    await one.jobs.accept([newJob('a')]);
    await expect(one.jobs.accept([newJob('b'), newJob('a')])).rejects.toThrow();
    expect(await other.jobs.find('key', 'b')).toBeUndefined();
    expect(await other.jobs.depth()).toEqual({ queued: 1, running: 0 });
  });

  law('a row of a batch that two hand in is one job, and stays as it is', async ({ one, other }) => {
    await keepBatch(one, 'b');
    const rows = [1, 2].map((row) => newJob(`row ${row}`, inBatch('b', row)));
    await Promise.all([one.jobs.accept(rows), other.jobs.accept(rows)]);
    await claimOne(one);
    await other.jobs.accept([...rows, newJob('row 3', inBatch('b', 3))]);
    expect(await other.jobs.find('key', 'row 1')).toMatchObject({ state: 'running', runs: 1 });
    expect(await other.jobs.depth()).toEqual({ queued: 2, running: 1 });
    expect(await kindsOf(other, 'row 2')).toEqual(['job.queued']);
  });

  law('what is more urgent goes first, then what came first', async ({ one, other }) => {
    await keepBatch(one, 'b');
    await one.jobs.accept([newJob('row 1', inBatch('b', 1)), newJob('first')]);
    await other.jobs.accept([newJob('second'), newJob('row 2', inBatch('b', 2))]);
    const claimed = await one.jobs.claim('worker', 3, NOON);
    expect(claimed.map(({ fence }) => fence)).toEqual(['first', 'second', 'row 1'].map((job) => ({ job, run: 1 })));
    expect(claimed[0]).toMatchObject({ job: { state: 'running', runs: 1, startedAt: NOON }, left: [] });
    expect(await other.jobs.depth()).toEqual({ queued: 1, running: 3 });
  });

  law('one job is never given to two workers, however many ask at once', async ({ one, other }) => {
    const ids = Array.from({ length: 30 }, (_, index) => `job ${index}`);
    await one.jobs.accept(ids.map((id) => newJob(id)));
    const workers = Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? one : other).jobs.claim(`w${index}`, 2, NOON));
    const given = (await Promise.all(workers)).flat().map(({ job }) => job.id);
    expect(given.toSorted()).toEqual(ids.toSorted());
  });

  law('a worker that was taken for dead is told so by everything it tries, and changes nothing', async (handles) => {
    const { one, other, killOne } = handles;
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    await killOne();
    expect(await other.jobs.takeOver(NOON + 1)).toBe(1);
    const { fence: newer } = await claimOne(other);
    expect(newer).toEqual({ job: 'a', run: 2 });
    const before = await other.jobs.find('key', 'a');
    // Whoever was taken for dead may live after all: it speaks through another handle here.
    expect(await other.jobs.startAttempt(fence, callOf(1), [])).toBe('lost');
    expect(await other.jobs.previewReady(fence, [picture('p')], [], NOON)).toBe('lost');
    expect(await other.jobs.finish(fence, finished())).toBe('lost');
    expect(await other.jobs.retryLater(fence, { at: NOON, notBefore: NOON, reason: BUSY, ends: [] })).toBe('lost');
    await other.jobs.expect(fence, 7);
    expect(await other.jobs.beat('worker', [fence, newer], NOON)).toEqual([{ fence, kind: 'lost' }]);
    expect(await other.jobs.find('key', 'a')).toEqual(before);
    expect(await other.jobs.attempts('key', 'a')).toEqual([]);
    expect(await other.jobs.finish(newer, finished())).toBe('recorded');
  });

  law('a dead worker’s job is taken over, and a call nobody saw end is counted once, as possibly billed', async (handles) => {
    const { one, other, killOne } = handles;
    await reserve(one, 'a');
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    await one.jobs.startAttempt(fence, callOf(1), []);
    await one.jobs.startAttempt(fence, callOf(2), [endOf(1, 5_000)]);
    await killOne();
    await other.store.beat(NOON + 1);
    expect(await other.jobs.takeOver(NOON + 1)).toBe(1);
    expect(await other.jobs.takeOver(NOON + 2)).toBe(0);
    expect(await other.jobs.find('key', 'a')).toMatchObject({ state: 'queued', cost: costOf(5_000, 6_000) });
    const claimed = await claimOne(other);
    const left = { run: 1, attempt: 2, ceiling: 6_000, end: { outcome: 'unknown', billed: 0, possiblyBilled: 6_000 } };
    expect(claimed).toMatchObject({ fence: { job: 'a', run: 2 }, job: { cost: costOf(5_000, 6_000) }, left: [left] });
    await other.jobs.startAttempt(claimed.fence, callOf(1), []);
    await other.jobs.finish(claimed.fence, finished({ ends: [endOf(1, 5_500)] }));
    expect(await other.jobs.find('key', 'a')).toMatchObject({ state: 'completed', cost: costOf(10_500, 6_000) });
    expect((await other.store.spendOf('key'))[0]).toMatchObject({ billed: 10_500, possiblyBilled: 6_000, reserved: 0 });
  });

  law('a worker that lives keeps its jobs, whatever any clock says', async ({ one, other }) => {
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    await one.jobs.beat('worker', [fence], NOON);
    for (const years of [-1, 1]) expect(await other.jobs.takeOver(NOON + years * 8_760 * HOUR_MS)).toBe(0);
    expect(await one.jobs.finish(fence, finished())).toBe('recorded');
  });

  law('a job whose claim its worker never heard of is given to somebody at that worker’s next beat', async ({ one, other }) => {
    await one.jobs.accept([newJob('a'), newJob('b')]);
    const [a, b] = await one.jobs.claim('worker', 2, NOON);
    if (a === undefined || b === undefined) throw new Error('two jobs were to be had');
    await one.jobs.startAttempt(b.fence, callOf(1), []);
    // Another worker’s beat is not this one’s, not even in the same process.
    expect(await one.jobs.beat('another', [], NOON)).toEqual([]);
    expect(await other.jobs.beat('worker elsewhere', [], NOON)).toEqual([]);
    expect(await one.jobs.beat('worker', [a.fence], NOON + 1)).toEqual([]);
    expect(await one.jobs.find('key', 'b')).toMatchObject({ state: 'queued', cost: costOf(0, 6_000) });
    expect(await other.jobs.claim('third', 2, NOON + 1)).toMatchObject([{ fence: { job: 'b', run: 2 } }]);
    expect(await one.jobs.finish(b.fence, finished())).toBe('lost');
    expect(await one.jobs.finish(a.fence, finished())).toBe('recorded');
  });

  law('a job whose workers keep dying fails at last', async ({ one, spawn }) => {
    await reserve(one, 'a', 50_000);
    await one.jobs.accept([newJob('a')]);
    for (let run = 1; run <= MOST_LOST_RUNS; run += 1) {
      expect(await one.jobs.find('key', 'a')).toMatchObject({ state: 'queued', runs: run - 1 });
      const worker = await spawn();
      const { fence } = await claimOne(worker);
      await worker.jobs.startAttempt(fence, callOf(1), []);
      await worker.kill();
      expect(await one.jobs.takeOver(NOON + run)).toBe(1);
    }
    const cost = costOf(0, MOST_LOST_RUNS * 6_000);
    expect(await one.jobs.find('key', 'a')).toMatchObject({ state: 'failed', error: { code: 'lost_too_often' }, cost });
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ possiblyBilled: cost.possiblyBilled, reserved: 0 });
  });

  law('handing a job back is no death, however often it happens', async ({ one }) => {
    await one.jobs.accept([newJob('a')]);
    for (let run = 1; run <= 2 * MOST_LOST_RUNS; run += 1) {
      const { fence } = await claimOne(one);
      expect(await one.jobs.retryLater(fence, { at: NOON, notBefore: NOON, reason: BUSY, ends: [] })).toBe('recorded');
    }
    expect(await one.jobs.find('key', 'a')).toMatchObject({ state: 'queued', runs: 2 * MOST_LOST_RUNS });
  });

  law('a job ends exactly once', async ({ one, other }) => {
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    const ends = await Promise.all([
      one.jobs.finish(fence, finished()),
      other.jobs.finish(fence, finished({ state: 'failed', images: [], error: BUSY })),
      one.jobs.finish(fence, finished({ state: 'cancelled', images: [] })),
    ]);
    expect(ends.toSorted()).toEqual(['lost', 'lost', 'recorded']);
    expect((await kindsOf(one, 'a')).filter((kind) => /completed|failed|cancelled|expired/.test(kind))).toHaveLength(1);
    expect(await one.jobs.takeOver(NOON)).toBe(0);
    expect(await one.jobs.depth()).toEqual({ queued: 0, running: 0 });
  });

  law('what it cost takes the place of what was reserved in the moment in which it ends', async ({ one, other }) => {
    await reserve(one, 'a', 20_000);
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(other);
    await other.jobs.startAttempt(fence, callOf(1, 'preview'), []);
    await other.jobs.previewReady(fence, [picture('p')], [endOf(1, 5_900, 0, 'preview')], NOON + 5);
    expect(await one.jobs.find('key', 'a')).toMatchObject({ state: 'preview_ready', previews: [picture('p')], cost: costOf(5_900) });
    await other.jobs.startAttempt(fence, callOf(1), []);
    await other.jobs.startAttempt(fence, callOf(2), []);
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ billed: 0, reserved: 20_000 });
    // The second call was never heard of again.
    const end = finished({ ends: [endOf(1, 5_000)], previews: [picture('q')], degraded: 'low instead of medium' });
    expect(await other.jobs.finish(fence, end)).toBe('recorded');
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ billed: 10_900, possiblyBilled: 6_000, reserved: 0 });
    expect(await one.jobs.find('key', 'a')).toMatchObject({
      state: 'completed',
      endedAt: NOON + 20,
      images: [picture('final')],
      previews: [picture('p'), picture('q')],
      degraded: 'low instead of medium',
      traceId: 'req_1',
      cost: costOf(10_900, 6_000),
    });
    expect(await kindsOf(one, 'a')).toEqual([
      'job.queued',
      'job.running',
      'attempt.start',
      'attempt.end',
      'job.preview_ready',
      'attempt.start',
      'attempt.start',
      'attempt.end',
      'attempt.end',
      'job.completed',
    ]);
    expect(await one.jobs.attempts('key', 'a')).toMatchObject([
      { run: 1, part: 'preview', attempt: 1, target: 'low@openai', ceiling: 6_000, startedAt: NOON + 1, end: { billed: 5_900 } },
      { run: 1, part: undefined, attempt: 1, end: { outcome: 'delivered', billed: 5_000, requestId: 'upstream' } },
      { run: 1, part: undefined, attempt: 2, end: { outcome: 'unknown', possiblyBilled: 6_000 } },
    ]);
  });

  law('writing the same call down twice counts once, and so does its end', async ({ one }) => {
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    await one.jobs.startAttempt(fence, callOf(1), []);
    await one.jobs.startAttempt(fence, callOf(1), []);
    await one.jobs.startAttempt(fence, callOf(2), [endOf(1, 7)]);
    await one.jobs.startAttempt(fence, callOf(3), [endOf(1, 7), endOf(9, 1_000)]);
    expect(await one.jobs.find('key', 'a')).toMatchObject({ cost: costOf(7) });
    expect(await one.jobs.attempts('key', 'a')).toHaveLength(3);
    expect((await kindsOf(one, 'a')).filter((kind) => kind === 'attempt.start')).toHaveLength(3);
  });

  law('a queued job that is cancelled ends at once, and frees its money', async ({ one, other }) => {
    await reserve(one, 'a');
    await one.jobs.accept([newJob('a')]);
    expect(await other.jobs.cancel('key', 'a', NOON + 1)).toBe('cancelled');
    expect(await one.jobs.find('key', 'a')).toMatchObject({ state: 'cancelled', endedAt: NOON + 1, error: undefined });
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ billed: 0, possiblyBilled: 0, reserved: 0 });
    expect(await one.jobs.claim('worker', 1, NOON)).toEqual([]);
    expect(await kindsOf(one, 'a')).toEqual(['job.queued', 'job.cancelled']);
  });

  law('a running job that is cancelled is asked to stop by every beat, and is handed to nobody again', async ({ one, other }) => {
    await one.jobs.accept([newJob('a'), newJob('b')]);
    const [a, b] = await one.jobs.claim('worker', 2, NOON);
    if (a === undefined || b === undefined) throw new Error('two jobs were to be had');
    expect(await other.jobs.cancel('key', 'a', NOON + 1)).toBe('running');
    expect(await other.jobs.cancel('key', 'a', NOON + 1)).toBe('running');
    expect(await one.jobs.beat('worker', [a.fence, b.fence], NOON)).toEqual([{ fence: a.fence, kind: 'cancel' }]);
    expect(await one.jobs.find('key', 'a')).toMatchObject({ isCancelAsked: true });
    expect(await one.jobs.retryLater(a.fence, { at: NOON + 2, notBefore: NOON, reason: BUSY, ends: [] })).toBe('recorded');
    expect(await other.jobs.find('key', 'a')).toMatchObject({ state: 'cancelled', endedAt: NOON + 2 });
  });

  law('a job that was asked to stop and whose worker died is cancelled, not made again', async (handles) => {
    const { one, other, killOne } = handles;
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    await one.jobs.startAttempt(fence, callOf(1), []);
    await other.jobs.cancel('key', 'a', NOON);
    await killOne();
    expect(await other.jobs.takeOver(NOON + 3)).toBe(1);
    expect(await other.jobs.find('key', 'a')).toMatchObject({ state: 'cancelled', endedAt: NOON + 3, cost: costOf(0, 6_000) });
  });

  law('cancelling what has ended changes nothing', async ({ one, other }) => {
    await one.jobs.accept([newJob('a')]);
    await one.jobs.finish((await claimOne(one)).fence, finished());
    expect(await other.jobs.cancel('key', 'a', NOON + 50)).toBe('completed');
    expect(await other.jobs.find('key', 'a')).toMatchObject({ state: 'completed', isCancelAsked: false, endedAt: NOON + 20 });
  });

  law('a job to be made later waits until then, with its calls counted, and goes by its age again afterwards', async ({ one, other }) => {
    await one.jobs.accept([newJob('a'), newJob('b')]);
    const { fence } = await claimOne(one);
    await one.jobs.startAttempt(fence, callOf(1), []);
    await one.jobs.startAttempt(fence, callOf(2), []);
    const retry = { at: NOON + 5, notBefore: NOON + 1_000, reason: BUSY, ends: [endOf(1, 3)] };
    expect(await one.jobs.retryLater(fence, retry)).toBe('recorded');
    expect(await other.jobs.find('key', 'a')).toMatchObject({ state: 'queued', cost: costOf(3, 6_000), error: undefined });
    expect(await other.jobs.depth()).toEqual({ queued: 2, running: 0 });
    expect((await other.jobs.claim('worker', 2, NOON + 999)).map(({ job }) => job.id)).toEqual(['b']);
    await other.jobs.accept([newJob('c')]);
    expect((await other.jobs.claim('worker', 2, NOON + 1_000)).map(({ job }) => job.id)).toEqual(['a', 'c']);
    const queued = (await one.jobs.events('key', 'a', 0)).filter(({ kind }) => kind === 'job.queued');
    expect(queued[1]).toMatchObject({ at: NOON + 5, data: { reason: BUSY, notBefore: NOON + 1_000 } });
  });

  law('a clock that was set back by a year leaves no job waiting for a year', async ({ one }) => {
    const later = NOON + 8_760 * HOUR_MS;
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    await one.jobs.retryLater(fence, { at: later, notBefore: later + 5_000, reason: BUSY, ends: [] });
    expect(await one.jobs.claim('worker', 1, NOON)).toHaveLength(1);
  });

  law('what waits beyond its deadline expires, says why, and is never begun', async ({ one, other }) => {
    await reserve(one, 'a');
    await one.jobs.accept([newJob('a'), newJob('b', { deadlineAt: NOON + 2 * HOUR_MS })]);
    const { fence } = await claimOne(one);
    await one.jobs.retryLater(fence, { at: NOON, notBefore: NOON, reason: BUSY, ends: [] });
    expect(await other.jobs.expire(NOON + HOUR_MS - 1)).toBe(0);
    expect((await other.jobs.claim('worker', 2, NOON + HOUR_MS)).map(({ job }) => job.id)).toEqual(['b']);
    expect(await other.jobs.expire(NOON + HOUR_MS)).toBe(1);
    expect(await one.jobs.find('key', 'a')).toMatchObject({
      state: 'expired',
      endedAt: NOON + HOUR_MS,
      error: { code: 'deadline_exceeded', message: expect.stringContaining('all are busy') },
    });
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ reserved: 0 });
    expect(await kindsOf(one, 'a')).toEqual(['job.queued', 'job.running', 'job.queued', 'job.expired']);
    // What runs is its worker's business.
    expect(await other.jobs.expire(NOON + 9 * HOUR_MS)).toBe(0);
  });

  law('what a render is expected to take is told while it runs', async ({ one, other }) => {
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    await one.jobs.expect(fence, 28_300.5);
    expect(await other.jobs.find('key', 'a')).toMatchObject({ expectedMs: 28_300.5 });
  });

  law('a list is paged newest first, and new jobs move no page', async ({ one, other }) => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    // Two of them came in the same millisecond.
    await one.jobs.accept(ids.map((id, index) => newJob(id, { createdAt: NOON + Math.min(index, 3) })));
    await one.jobs.accept([newJob('foreign', { principal: 'mallory' })]);
    const all = { principal: 'key', states: undefined, batch: undefined, lineage: undefined, after: undefined, limit: 2 };
    const first = await one.jobs.list(all);
    expect(first.map(({ id }) => id)).toEqual(['e', 'd']);
    await other.jobs.accept([newJob('f', { createdAt: NOON + 9 })]);
    const second = await other.jobs.list({ ...all, after: first[1] });
    expect(second.map(({ id }) => id)).toEqual(['c', 'b']);
    expect((await one.jobs.list({ ...all, after: second[1] })).map(({ id }) => id)).toEqual(['a']);
    await claimOne(one);
    expect((await one.jobs.list({ ...all, states: ['running', 'completed'] })).map(({ id }) => id)).toEqual(['a']);
    expect(await one.jobs.list({ ...all, states: [] })).toEqual([]);
  });

  law('of jobs that continue a family at once one is accepted, and the others hear that there is a newer one', async ({ one, other }) => {
    await one.jobs.accept([newJob('a'), newJob('elsewhere')]);
    const { newest: newestSeen } = await other.jobs.family('key', 'a');
    const next = (id: string, changes: Partial<NewJob> = {}) => newJob(id, { lineage: 'a', newestSeen, ...changes });
    const at = ['b', 'c', 'd', 'e'];
    const told = await Promise.all(at.map((id, index) => (index % 2 === 0 ? one : other).jobs.accept([next(id)])));
    expect(told.toSorted()).toEqual(['accepted', 'overtaken', 'overtaken', 'overtaken']);
    expect(await one.jobs.accept([newJob('beside'), next('f')])).toBe('overtaken');
    expect(await one.jobs.depth()).toEqual({ queued: 3, running: 0 });
    expect(await one.jobs.accept([next('g', { newestSeen: (await other.jobs.family('key', 'a')).newest })])).toBe('accepted');
  });

  law('a row whose batch was forgotten is no job any more', async ({ one, other }) => {
    await keepBatch(one, 'b');
    await one.jobs.accept([newJob('row 1', inBatch('b', 1))]);
    await other.batches.forget('key');
    await one.jobs.accept([newJob('row 2', inBatch('b', 2)), newJob('a')]);
    expect(await one.jobs.find('key', 'row 2')).toBeUndefined();
    expect(await one.jobs.find('key', 'a')).toMatchObject({ state: 'queued' });
  });

  law('the reservation of a job that was accepted is the job’s alone, also to a gateway that never heard of it', async ({ one, other }) => {
    await reserve(one, 'a');
    await reserve(one, 'b');
    await one.jobs.accept([newJob('a')]);
    for (const id of ['a', 'b']) await one.store.settle(id, costOf(0));
    expect(await other.store.spendOf('key')).toMatchObject([{ reserved: 10_000 }, { reserved: 10_000 }]);
    const { fence } = await claimOne(other);
    await other.jobs.startAttempt(fence, callOf(1), []);
    await other.jobs.finish(fence, finished({ ends: [endOf(1, 5_900)] }));
    expect(await one.store.spendOf('key')).toMatchObject([
      { billed: 5_900, reserved: 0 },
      { billed: 5_900, reserved: 0 },
    ]);
  });

  law('a batch and a family are listed and counted by themselves', async ({ one, other }) => {
    await keepBatch(one, 'b');
    const rows = [1, 2, 3].map((row) => newJob(`row ${row}`, { ...inBatch('b', row), createdAt: NOON + row }));
    const upgrade: NewJob = newJob('better', { lineage: 'row 1', origin: { kind: 'upgrade', parent: 'row 1' }, createdAt: NOON + 9 });
    await one.jobs.accept([...rows, upgrade, newJob('foreign', { ...inBatch('b', 4), principal: 'mallory', lineage: 'row 1' })]);
    const { fence } = await claimOne(one);
    expect(fence.job).toBe('better');
    await one.jobs.startAttempt(fence, callOf(1), []);
    await one.jobs.finish(fence, finished({ ends: [endOf(1, 40, 2)] }));
    const [row] = await one.jobs.claim('worker', 1, NOON);
    if (row === undefined) throw new Error('a row was to be had');
    await one.jobs.startAttempt(row.fence, callOf(1), []);
    await one.jobs.finish(row.fence, finished({ ends: [endOf(1, 5)], images: [] }));
    expect(await other.jobs.batchTally('key', 'b')).toEqual({ states: { completed: 1, queued: 2 }, cost: costOf(5) });
    expect(await other.jobs.family('key', 'row 1')).toMatchObject({ cost: costOf(45, 2) });
    const all = { principal: 'key', states: undefined, batch: undefined, lineage: undefined, after: undefined, limit: 9 };
    expect((await one.jobs.list({ ...all, batch: 'b' })).map(({ id }) => id)).toEqual(['row 3', 'row 2', 'row 1']);
    expect((await one.jobs.list({ ...all, batch: 'b', states: ['queued'] })).map(({ id }) => id)).toEqual(['row 3', 'row 2']);
    const family = async (changes: Partial<ListJobs>): Promise<readonly string[]> =>
      (await one.jobs.list({ ...all, lineage: 'row 1', ...changes })).map(({ id }) => id);
    expect(await family({})).toEqual(['better', 'row 1']);
    expect(await family({ limit: 1 })).toEqual(['better']);
    expect(await family({ after: { createdAt: NOON + 9, id: 'better' } })).toEqual(['row 1']);
    expect(await family({ after: { createdAt: NOON, id: 'row 1' } })).toEqual([]);
    expect(await family({ states: ['running'] })).toEqual([]);
    expect(await family({ principal: 'mallory' })).toEqual(['foreign']);
  });

  law('events are numbered from 1 without a gap, and read on from any of them', async ({ one, other }) => {
    await one.jobs.accept([newJob('a')]);
    const { fence } = await claimOne(one);
    for (const attempt of [1, 2, 3]) await one.jobs.startAttempt(fence, callOf(attempt), []);
    await Promise.all([
      one.jobs.startAttempt(fence, callOf(4), []),
      one.jobs.previewReady(fence, [picture('p')], [endOf(1, 1)], NOON),
      one.jobs.startAttempt(fence, callOf(5), [endOf(2, 1)]),
    ]);
    expect(await kindsOf(other, 'a')).toHaveLength(10);
    expect((await other.jobs.events('key', 'a', 8)).map(({ seq }) => seq)).toEqual([9, 10]);
    expect(await other.jobs.events('key', 'a', 10)).toEqual([]);
  });

  law('jobs that ended long ago are forgotten, with the pictures nobody else names', async ({ one, other }) => {
    const references = { request: { prompt: 'x', referenceBlobs: ['shared', 'own'] } };
    await one.jobs.accept([newJob('a', references), newJob('b', { request: { prompt: 'x', maskBlob: 'shared' } }), newJob('c')]);
    for (const at of [NOON + 1, NOON + 5]) {
      const { fence } = await claimOne(one);
      await one.jobs.previewReady(fence, [picture(`preview ${fence.job}`)], [], NOON);
      await one.jobs.finish(fence, finished({ at, images: [picture(`image ${fence.job}`)] }));
    }
    expect((await other.jobs.sweep(NOON + 5, 10)).toSorted()).toEqual(['image a', 'own', 'preview a']);
    expect(await other.jobs.find('key', 'a')).toBeUndefined();
    expect(await other.jobs.events('key', 'a', 0)).toEqual([]);
    const all = ['shared', 'own', 'preview a', 'preview b', 'image a', 'image b'];
    expect(await other.jobs.named(all)).toEqual(new Set(['shared', 'preview b', 'image b']));
    expect((await other.jobs.sweep(NOON + HOUR_MS, 10)).toSorted()).toEqual(['image b', 'preview b', 'shared']);
    // What has not ended is never forgotten for its age.
    expect(await other.jobs.sweep(NOON + 99 * HOUR_MS, 10)).toEqual([]);
    expect(await one.jobs.find('key', 'c')).toMatchObject({ state: 'queued' });
  });

  law('of many old jobs a bounded number is forgotten at a time', async ({ one }) => {
    await one.jobs.accept(['a', 'b', 'c'].map((id) => newJob(id)));
    for (const id of ['a', 'b', 'c']) await one.jobs.cancel('key', id, NOON);
    await one.jobs.sweep(NOON + 1, 2);
    const all = { principal: 'key', states: undefined, batch: undefined, lineage: undefined, after: undefined, limit: 9 };
    expect(await one.jobs.list(all)).toHaveLength(1);
  });

  law('everything of a principal can be forgotten, also what waits and what runs', async ({ one, other }) => {
    for (const id of ['running', 'waiting']) await reserve(one, id);
    const references = { request: { prompt: 'x', referenceBlobs: ['r'] } };
    await one.jobs.accept([newJob('done'), newJob('running', references), newJob('waiting'), newJob('theirs', { principal: 'other' })]);
    const [done, running] = await one.jobs.claim('worker', 2, NOON);
    if (done === undefined || running === undefined) throw new Error('two jobs were to be had');
    await one.jobs.finish(done.fence, finished());
    await one.jobs.startAttempt(running.fence, callOf(1), []);
    expect((await other.jobs.forget('key', NOON + 1)).toSorted()).toEqual(['final', 'r']);
    for (const id of ['done', 'running', 'waiting']) expect(await one.jobs.find('key', id)).toBeUndefined();
    expect(await one.jobs.beat('worker', [running.fence], NOON)).toEqual([{ fence: running.fence, kind: 'lost' }]);
    expect(await one.jobs.finish(running.fence, finished())).toBe('lost');
    expect((await one.store.spendOf('key'))[0]).toMatchObject({ billed: 0, possiblyBilled: 6_000, reserved: 0 });
    expect(await one.jobs.find('other', 'theirs')).toMatchObject({ state: 'queued' });
    expect(await one.jobs.depth()).toEqual({ queued: 1, running: 0 });
  });

  law('the money of an accepted job stays reserved when the gateway that took it dies', async (handles) => {
    const { one, other, killOne } = handles;
    await one.store.beat(NOON);
    await reserve(one, 'a');
    await one.jobs.accept([newJob('a')]);
    await killOne();
    await other.store.beat(NOON + 1);
    expect((await other.store.spendOf('key'))[0]).toMatchObject({ possiblyBilled: 0, reserved: 10_000 });
    await other.jobs.finish((await claimOne(other)).fence, finished({ images: [] }));
    expect((await other.store.spendOf('key'))[0]).toMatchObject({ possiblyBilled: 0, reserved: 0 });
  });

  law('what webhooks are to be told is queued by the change itself, once, and by no change that was refused', async (handles) => {
    const { one, other } = handles;
    const secrets = [{ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', validUntil: undefined }];
    const about = { url: 'https://a.example/', events: WEBHOOK_EVENTS, secrets, createdAt: NOON, disabled: undefined };
    await one.webhooks.addEndpoint({ id: 'hook', principal: 'key', ...about }, 5);
    await one.jobs.accept(['a', 'b', 'c', 'd'].map((id) => newJob(id)));
    const [a, b, c] = await one.jobs.claim('worker', 3, NOON);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three jobs were to be had');
    await one.jobs.previewReady(a.fence, [picture('p')], [], NOON + 1);
    await one.jobs.finish(a.fence, finished({ at: NOON + 2 }));
    expect(await other.jobs.finish(a.fence, finished({ state: 'failed' }))).toBe('lost');
    await one.jobs.finish(b.fence, finished({ state: 'failed', at: NOON + 3, error: BUSY }));
    await one.jobs.retryLater(c.fence, { at: NOON, notBefore: NOON, reason: BUSY, ends: [] });
    await other.jobs.cancel('key', 'c', NOON + 4);
    await other.jobs.expire(NOON + HOUR_MS);
    const due = await other.webhooks.due('sender', { most: 9, perEndpoint: 9, at: NOON + HOUR_MS, leaseMs: 1_000 });
    expect(due.map(({ delivery }) => `${delivery.job} ${delivery.event}`)).toEqual([
      'a job.preview_ready',
      'a job.completed',
      'b job.failed',
      'c job.cancelled',
      'd job.failed',
    ]);
  });

  law('whoever listens hears of work and of changes, made here or in another process', async ({ one, other }) => {
    const work = [one, other].map(({ jobs }) => heard(jobs, ({ kind }) => kind === 'work'));
    const news = [one, other].map(({ jobs }) => heard(jobs, (hint) => hint.kind === 'job' && hint.id === 'a'));
    await one.jobs.accept([newJob('a')]);
    await Promise.all([...work, ...news]);
    await claimOne(one);
    const asked = heard(other.jobs, (hint) => hint.kind === 'cancel' && hint.id === 'a');
    await other.jobs.cancel('key', 'a', NOON);
    await asked;
  });

  law('a store that is closed says so', async ({ one }) => {
    await one.store.close();
    await expect(one.jobs.accept([newJob('a')])).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(one.jobs.find('key', 'a')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(one.jobs.claim('worker', 1, NOON)).rejects.toMatchObject({ kind: 'unavailable' });
  });
}
