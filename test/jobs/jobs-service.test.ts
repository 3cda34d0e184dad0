import { describe, expect, it } from 'vitest';
import type { Job, JobEvent } from '../../src/domain/job.ts';
import { StoreError } from '../../src/domain/store-error.ts';
import type { NewJob } from '../../src/jobs/job-store.ts';
import type { JobOrder, Jobs } from '../../src/jobs/jobs.ts';
import { createJobs, progressOf } from '../../src/jobs/jobs-service.ts';
import { systemIds } from '../../src/system/ids.ts';
import { keepBatch } from '../gateway/store/jobs-contract.ts';
import { costOf, usd } from '../gateway/support/state-world.ts';
import { aJob } from './support/a-job.ts';
import { JobsWorld, type Process, until } from './support/jobs-world.ts';

const PIXELS = [Uint8Array.of(1, 2, 3), Uint8Array.of(4), Uint8Array.of(5, 6)] as const;

function orderOf(id: string, changes: Partial<JobOrder> = {}): JobOrder {
  const about = { id, principal: 'key', request: { prompt: 'a fox' }, model: 'auto', origin: { kind: 'request' } } as const;
  return { ...about, lineage: undefined, maxCost: usd(9_000), lifeMs: undefined, ...changes };
}

function jobsOf(world: JobsWorld, { jobs: store, trouble = [] }: Pick<Process, 'jobs'> & Partial<Process>): Jobs {
  return createJobs({ store, blobs: world.blobs, clock: world.clock, ids: systemIds(), onTrouble: (error) => trouble.push(error) });
}

async function accepted(jobs: Jobs, orders: readonly JobOrder[]): Promise<readonly Job[]> {
  const all = await jobs.submit(orders);
  if (all === 'overtaken') throw new Error('nobody was there to overtake them');
  return all;
}

describe('jobs that are handed in', () => {
  it('are stored as they are said to be, with their pictures put away', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const jobs = jobsOf(world, here);
    const request = { prompt: 'a fox', n: 2, referenceImages: [PIXELS[0], PIXELS[1]], mask: PIXELS[2] };
    const batch = { kind: 'batch', batch: 'b', row: 3 } as const;
    await keepBatch(here, 'b');
    const [first, row] = await accepted(jobs, [
      orderOf('a', { request, lifeMs: 60_000.4 }),
      orderOf('row', { origin: batch, lineage: 'a' }),
    ]);
    if (first === undefined || row === undefined) throw new Error('two were handed in');
    expect(await jobs.find('key', 'a')).toEqual(first);
    expect(await jobs.find('key', 'row')).toEqual(row);
    expect(first).toMatchObject({ state: 'queued', lineage: 'a', deadlineAt: world.now + 60_000, maxCost: usd(9_000) });
    expect(row).toMatchObject({ lineage: 'a', origin: batch, deadlineAt: world.now + 86_400_000 });
    expect(world.blobs.kept.size).toBe(3);
    expect(await jobs.request(first)).toEqual(request);
    expect(await here.jobs.named([...world.blobs.kept.keys()])).toEqual(new Set(world.blobs.kept.keys()));
  });

  it('reach the router as they were handed in', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const jobs = jobsOf(world, here);
    const referenceImages = [PIXELS[0], PIXELS[1]];
    await jobs.submit([orderOf('a', { request: { prompt: 'a fox', referenceImages, mask: PIXELS[2] } })]);
    here.worker();
    await until(async () => (await jobs.find('key', 'a'))?.state === 'completed');
    expect(world.router.makings[0]?.request).toMatchObject({ prompt: 'a fox', referenceImages, mask: PIXELS[2] });
  });

  it('leave no picture behind when they could not be accepted', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const jobs = jobsOf(world, here);
    await jobs.submit([orderOf('a')]);
    const request = { prompt: 'a fox', referenceImages: [PIXELS[0]] };
    await expect(jobs.submit([orderOf('b', { request }), orderOf('a', { request })])).rejects.toBeInstanceOf(StoreError);
    expect(world.blobs.kept.size).toBe(0);
    expect(await jobs.find('key', 'b')).toBeUndefined();
  });

  it('that a newer one of their family overtook are not accepted, and leave no picture behind', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const jobs = jobsOf(world, here);
    await jobs.submit([orderOf('a')]);
    const { newest } = await jobs.family('key', 'a');
    const next = { lineage: 'a', newestSeen: newest, request: { prompt: 'a fox', referenceImages: [PIXELS[0]] } };
    expect(await jobs.submit([orderOf('b', next)])).toHaveLength(1);
    expect(await jobs.submit([orderOf('c', next)])).toBe('overtaken');
    expect(await here.jobs.named([...world.blobs.kept.keys()])).toEqual(new Set(world.blobs.kept.keys()));
    expect(world.blobs.kept.size).toBe(1);
  });

  it.each([
    ['is known to be accepted when it is there', true],
    ['keeps its pictures also when it cannot be found: it may still come', false],
  ])('one of which nobody knows whether the store took it %s', async (_name, isThere) => {
    const world = await JobsWorld.open();
    const here = world.process();
    const unanswered = new StoreError('no answer', { mayBeWritten: true });
    const store = new Proxy(here.jobs, {
      get: (target, name) =>
        name !== 'accept'
          ? bound(target, name)
          : async (jobs: readonly NewJob[]) => {
              if (isThere) await target.accept(jobs);
              throw unanswered;
            },
    });
    const jobs = jobsOf(world, { jobs: store });
    const order = orderOf('a', { request: { prompt: 'a fox', referenceImages: [PIXELS[0]] } });
    if (isThere) expect(await jobs.submit([order])).toMatchObject([{ id: 'a', state: 'queued' }]);
    else await expect(jobs.submit([order])).rejects.toBe(unanswered);
    expect(world.blobs.kept.size).toBe(1);
  });

  it('are refused while there is no room for their pictures', async () => {
    const world = await JobsWorld.open();
    const jobs = jobsOf(world, world.process());
    world.blobs.isFull = true;
    const request = { prompt: 'a fox', referenceImages: [PIXELS[0]] };
    await expect(jobs.submit([orderOf('a', { request })])).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await jobs.depth()).toEqual({ queued: 0, running: 0 });
  });

  it('say that a picture of theirs is gone', async () => {
    const world = await JobsWorld.open();
    const jobs = jobsOf(world, world.process());
    const [job] = await accepted(jobs, [orderOf('a', { request: { prompt: 'a fox', mask: PIXELS[2], referenceImages: [PIXELS[0]] } })]);
    if (job === undefined) throw new Error('one was handed in');
    await world.blobs.remove([job.request.maskBlob ?? '']);
    expect(await jobs.request(job)).toBeUndefined();
  });

  it('are cancelled, and are then as they are', async () => {
    const world = await JobsWorld.open();
    const jobs = jobsOf(world, world.process());
    await jobs.submit([orderOf('a')]);
    expect(await jobs.cancel('mallory', 'a')).toBeUndefined();
    expect(await jobs.cancel('key', 'a')).toMatchObject({ id: 'a', state: 'cancelled', endedAt: world.now });
  });

  it('are forgotten with their pictures', async () => {
    const world = await JobsWorld.open();
    const here = world.process();
    const jobs = jobsOf(world, here);
    await jobs.submit([orderOf('a', { request: { prompt: 'a fox', referenceImages: [PIXELS[0]] } })]);
    here.worker();
    await until(async () => (await jobs.find('key', 'a'))?.state === 'completed');
    const job = await jobs.find('key', 'a');
    const [image] = job?.images ?? [];
    if (image === undefined) throw new Error('it has a picture');
    expect(new TextDecoder().decode(await jobs.content(image, { start: 0, end: 4 }))).toBe('final');
    expect(await jobs.family('key', 'a')).toMatchObject({ cost: costOf(5_900) });
    expect(await jobs.attempts('key', 'a')).toHaveLength(1);
    await jobs.forget('key');
    expect(world.blobs.kept.size).toBe(0);
    expect(await jobs.content(image, undefined)).toBeUndefined();
  });
});

describe('whoever watches a job', () => {
  async function watched(
    jobs: Jobs,
    after: number,
    signal = new AbortController().signal,
    principal = 'key',
  ): Promise<readonly JobEvent[]> {
    const events: JobEvent[] = [];
    for await (const event of jobs.watch(principal, 'a', after, signal)) events.push(event);
    return events;
  }

  it('hears everything in order, made in whichever process, until its end', async () => {
    const world = await JobsWorld.open();
    const [here, elsewhere] = [world.process(), world.process()];
    const jobs = jobsOf(world, here);
    await jobs.submit([orderOf('a')]);
    const all = Promise.all([watched(jobs, 0), watched(jobs, 2)]);
    elsewhere.worker();
    await until(async () => {
      world.clock.advance(50);
      return (await jobs.find('key', 'a'))?.state === 'completed';
    });
    await world.pass(1_000);
    const [whole, rest] = await all;
    expect(whole?.map(({ kind }) => kind)).toEqual(['job.queued', 'job.running', 'attempt.start', 'attempt.end', 'job.completed']);
    expect(rest).toEqual(whole?.slice(2));
  });

  it('finds out by itself when no hint comes', async () => {
    const world = await JobsWorld.open();
    const { jobs: store } = world.process();
    const deaf = new Proxy(store, { get: (target, name) => (name === 'subscribe' ? () => () => undefined : bound(target, name)) });
    const parts = { blobs: world.blobs, clock: world.clock, ids: systemIds(), onTrouble: () => undefined };
    const jobs = createJobs({ store: deaf, ...parts });
    await jobs.submit([orderOf('a')]);
    const events = watched(jobs, 1);
    await world.pass(1_000);
    await jobs.cancel('key', 'a');
    await world.pass(5_000);
    expect((await events).map(({ kind }) => kind)).toEqual(['job.cancelled']);
  });

  it('who has heard it all hears nothing more, and who may not hear hears nothing', async () => {
    const world = await JobsWorld.open();
    const jobs = jobsOf(world, world.process());
    await jobs.submit([orderOf('a')]);
    await jobs.cancel('key', 'a');
    expect(await watched(jobs, 2)).toEqual([]);
    expect(await watched(jobs, 0, undefined, 'mallory')).toEqual([]);
  });

  it('leaves when it wants to, and nothing listens for it any more', async () => {
    const world = await JobsWorld.open();
    const jobs = jobsOf(world, world.process());
    await jobs.submit([orderOf('a')]);
    const leaving = new AbortController();
    const events = watched(jobs, 1, leaving.signal);
    await world.pass(1_000);
    leaving.abort();
    expect(await events).toEqual([]);
    expect(world.clock.timerCount).toBe(0);
  });
});

describe('progress', () => {
  const running: Job = aJob({ state: 'running', startedAt: 1_000, endedAt: undefined, expectedMs: 100_000, deadlineAt: 500_000 });

  it('is elapsed against expected, and never complete while it runs', () => {
    expect(progressOf(running, 31_000)).toEqual({ share: 0.3, expectedEndAt: 101_000, isEstimate: true });
    expect(progressOf(running, 101_000).share).toBe(0.95);
    expect(progressOf(running, 900_000).share).toBe(0.95);
    // Another machine's clock may be behind.
    expect(progressOf(running, 0).share).toBe(0);
  });

  it('promises no end beyond the deadline', () => {
    expect(progressOf({ ...running, deadlineAt: 50_000 }, 31_000).expectedEndAt).toBe(50_000);
  });

  it('is nothing for what waits or cannot be estimated, and all of it for what has ended', () => {
    expect(progressOf({ ...running, state: 'queued' }, 31_000)).toEqual({ share: 0, expectedEndAt: undefined, isEstimate: true });
    expect(progressOf({ ...running, expectedMs: undefined }, 31_000).share).toBe(0);
    expect(progressOf({ ...running, state: 'completed' }, 31_000)).toEqual({ share: 1, expectedEndAt: undefined, isEstimate: true });
  });
});

function bound(target: object, name: string | symbol): unknown {
  const found: unknown = Reflect.get(target, name);
  return typeof found === 'function' ? found.bind(target) : found;
}
