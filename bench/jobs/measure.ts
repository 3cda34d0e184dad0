// One store's figures: jobs are taken as a gateway takes them (money reserved first, under the job's id) and made by the real
// worker, over a router that answers at once with a tiny picture. Pictures are a file and two fsyncs each: what the queue does
// without them is told apart from what a gateway does with them.
import { setTimeout as sleep } from 'node:timers/promises';
import { microUsd } from '../../src/domain/money.ts';
import { NO_LIMITS } from '../../src/gateway/limits/no-limits.ts';
import type { Stores } from '../../src/gateway/store/open-sqlite.ts';
import type { BlobStore } from '../../src/jobs/blob-store.ts';
import { openFolderBlobs } from '../../src/jobs/blobs/folder-blobs.ts';
import type { NewJob } from '../../src/jobs/job-store.ts';
import type { Jobs } from '../../src/jobs/jobs.ts';
import { createJobs } from '../../src/jobs/jobs-service.ts';
import { createWorker } from '../../src/jobs/worker.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemIds } from '../../src/system/ids.ts';
import { ScriptedRouter } from '../../test/jobs/support/scripted-router.ts';
import { quantile } from '../support/statistics.ts';

export type JobsPlan = { readonly jobs: number; readonly inFlight: number; readonly paced: number; readonly waiting: number };

export type Rate = { readonly perSecond: number; readonly cpuMs: number };

/** `paced`: milliseconds of one accept at a hundred a second. `few`, `many`: of one accept with so many waiting. */
export type Figures = {
  readonly accepted: Rate;
  readonly finished: Rate;
  /** Finished with each picture in a folder. */
  readonly kept: Rate;
  readonly paced: { readonly p50: number; readonly p99: number };
  readonly few: number;
  readonly many: number;
};

const clock = systemClock();
const ids = systemIds();
const CAP = microUsd(0.01);
const A_DAY_MS = 86_400_000;
const PACE_MS = 10;
const FEW = 1_000;
/** Accepts timed with a queue behind them, and how many of them at a time. */
const TIMED = 1_000;
const SIDE_BY_SIDE = 16;
const LOT = 1_000;

export async function measure(stores: Stores, folder: string, plan: JobsPlan): Promise<Figures> {
  const blobs = openFolderBlobs({ dataDir: folder, ids });
  const jobs = createJobs({ store: stores.jobs, blobs, clock, ids, onTrouble: fail });
  await stores.store.beat(clock.wall().getTime());
  const beating = setInterval(() => void stores.store.beat(clock.wall().getTime()).catch(() => undefined), 2_000);
  const accept = (): Promise<void> => acceptOne(stores, jobs);
  try {
    await sideBySide(200, plan.inFlight, accept);
    const nowhere = forgetful(blobs);
    await makeAll(stores, nowhere, plan.inFlight);
    const accepted = await rateOf(plan.jobs, () => sideBySide(plan.jobs, plan.inFlight, accept));
    const finished = await rateOf(plan.jobs, () => makeAll(stores, nowhere, plan.inFlight));
    await sideBySide(plan.jobs / 5, plan.inFlight, accept);
    const kept = await rateOf(plan.jobs / 5, () => makeAll(stores, blobs, plan.inFlight));
    const paced = await atPace(plan.paced, accept);
    await makeAll(stores, nowhere, plan.inFlight);
    await fill(stores, FEW);
    const few = await msEach(accept);
    await fill(stores, plan.waiting - FEW - TIMED);
    const many = await msEach(accept);
    return { accepted, finished, kept, paced, few, many };
  } finally {
    clearInterval(beating);
  }
}

/** Takes pictures and keeps none. */
function forgetful(blobs: BlobStore): BlobStore {
  return {
    put: async () => undefined,
    get: (name, range) => blobs.get(name, range),
    remove: (names) => blobs.remove(names),
    list: () => blobs.list(),
    close: () => blobs.close(),
  };
}

function fail(error: unknown): void {
  throw error;
}

async function acceptOne({ store }: Stores, jobs: Jobs): Promise<void> {
  const id = ids.next('job');
  const at = clock.wall().getTime();
  await store.reserve({ id, principal: 'key', images: 1, microUsd: CAP, limits: NO_LIMITS, at, keptBy: 'job' });
  const about = { principal: 'key', model: 'auto', origin: { kind: 'request' }, lineage: undefined, lifeMs: A_DAY_MS } as const;
  await jobs.submit([{ id, request: { prompt: 'a red fox asleep in fresh snow' }, maxCost: CAP, ...about }]);
}

/** With the worker as it is in a gateway; resolves once nothing waits or runs. */
async function makeAll({ jobs: store }: Stores, blobs: BlobStore, concurrency: number): Promise<void> {
  const router = new ScriptedRouter();
  const worker = createWorker({
    name: ids.next('wrk'),
    settings: { concurrency },
    store,
    blobs,
    router,
    clock,
    ids,
    onTrouble: fail,
    keepTrace: () => undefined,
  });
  worker.start();
  for (;;) {
    const { queued, running } = await store.depth();
    if (queued + running === 0) break;
    await sleep(20);
  }
  await worker.drain(1_000);
}

async function rateOf(count: number, work: () => Promise<unknown>): Promise<Rate> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / seconds, cpuMs: (user + system) / 1_000 / count };
}

export async function sideBySide(count: number, inFlight: number, work: () => Promise<unknown>): Promise<void> {
  let left = count;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

/** Open loop: each when it is due, however long the ones before take; timed from when it was due. */
async function atPace(count: number, work: () => Promise<unknown>): Promise<{ readonly p50: number; readonly p99: number }> {
  const startedAt = performance.now();
  const times: Promise<number>[] = [];
  for (let index = 0; index < count; index += 1) {
    const dueAt = startedAt + index * PACE_MS;
    const earlyMs = dueAt - performance.now();
    if (earlyMs > 0) await sleep(earlyMs);
    times.push(work().then(() => performance.now() - dueAt));
  }
  const all = await Promise.all(times);
  return { p50: quantile(all, 0.5), p99: quantile(all, 0.99) };
}

/** The middle of five rounds. */
async function msEach(accept: () => Promise<void>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const startedAt = performance.now();
    await sideBySide(TIMED / 5, SIDE_BY_SIDE, accept);
    rounds.push((performance.now() - startedAt) / (TIMED / 5));
  }
  return quantile(rounds, 0.5);
}

async function fill({ jobs }: Stores, count: number): Promise<void> {
  for (let left = count; left > 0; left -= LOT) await jobs.accept(Array.from({ length: Math.min(LOT, left) }, newJob));
}

function newJob(): NewJob {
  const id = ids.next('job');
  const createdAt = clock.wall().getTime();
  return {
    id,
    principal: 'key',
    lineage: id,
    origin: { kind: 'request' },
    request: { prompt: 'a red fox asleep in fresh snow' },
    model: 'auto',
    createdAt,
    deadlineAt: createdAt + A_DAY_MS,
    maxCost: CAP,
    priority: 0,
  };
}
