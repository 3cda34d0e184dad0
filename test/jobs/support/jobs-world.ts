// Workers over a real store in a folder, blobs in memory, a scripted router and a clock moved by hand. A process is a handle on
// the store: killing it is what the kernel does to one that ends, and nothing of it reaches store or blobs afterwards.
import { setImmediate } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { JobRequest } from '../../../src/domain/job.ts';
import { StoreError } from '../../../src/domain/store-error.ts';
import { openSqliteStores, type Stores } from '../../../src/gateway/store/open-sqlite.ts';
import { Presence } from '../../../src/gateway/store/presence.ts';
import type { BlobStore } from '../../../src/jobs/blob-store.ts';
import type { RunParts } from '../../../src/jobs/job-run.ts';
import type { NewJob } from '../../../src/jobs/job-store.ts';
import { createWorker, type Worker } from '../../../src/jobs/worker.ts';
import type { Clock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { dataFolder, usd } from '../../gateway/support/state-world.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { ScriptedRouter } from './scripted-router.ts';

class MemoryBlobs implements BlobStore {
  readonly kept = new Map<string, Uint8Array>();
  isFull = false;
  /** A write waits for it. */
  gate: Promise<void> = Promise.resolve();

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.gate;
    if (this.isFull) throw new StoreError('the disk is full');
    this.kept.set(name, this.kept.get(name) ?? bytes);
  }

  async get(name: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array | undefined> {
    return this.kept.get(name)?.slice(range?.start, range && range.end + 1);
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) this.kept.delete(name);
  }

  async *list() {
    for (const name of this.kept.keys()) yield { name, writtenAt: 0 };
  }

  async close(): Promise<void> {}
}

/** Real milliseconds; a disk that is busy elsewhere may take a second for what is waited for. */
const PATIENCE_MS = 10_000;

/** Waits for what other tasks bring about, without any of the world's time passing. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    if (await isSo()) return;
    await setImmediate();
  }
  throw new Error('it never came to that');
}

/** What is on its way arrives, also what has to be on disk first: forty turns in which nothing waits for a file. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) {
    await setImmediate();
    if (process.getActiveResourcesInfo().includes('FSReqPromise')) turn = 0;
  }
}

export type Process = Stores & {
  readonly name: string;
  readonly trouble: unknown[];
  kill(): void;
  worker(changes?: WorkerChanges): Worker;
};
type WorkerChanges = Partial<RunParts> & { readonly concurrency?: number };

export class JobsWorld {
  readonly clock: ManualClock = manualClock();
  readonly blobs = new MemoryBlobs();
  readonly router = new ScriptedRouter();
  readonly traces: string[] = [];
  readonly #dataDir: string;
  #processes = 0;

  private constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  static async open(): Promise<JobsWorld> {
    return new JobsWorld(await dataFolder());
  }

  get now(): number {
    return this.clock.wall().getTime();
  }

  /** `wrap`: what stands between the process and its store and blobs. */
  process(wrap: <Port extends object>(port: Port, name: 'store' | 'jobs' | 'blobs') => Port = (port) => port): Process {
    this.#processes += 1;
    const name = `process ${this.#processes}`;
    const presence = new Presence(this.#dataDir, name);
    const stores = openSqliteStores({ dataDir: this.#dataDir, clock: this.clock, owner: name, presence });
    const trouble: unknown[] = [];
    const jobs = wrap(stores.jobs, 'jobs');
    const blobs = wrap<BlobStore>(this.blobs, 'blobs');
    onTestFinished(() => stores.store.close().catch(() => undefined));
    return {
      ...stores,
      name,
      trouble,
      kill: () => presence.leave(),
      worker: ({ concurrency = 4, ...changes } = {}) => {
        const worker = createWorker({
          name: `worker of ${name}`,
          store: jobs,
          blobs,
          router: this.router,
          clock: this.clock,
          ids: systemIds(),
          settings: { concurrency },
          onTrouble: (error) => trouble.push(error),
          keepTrace: (_, trace) => this.traces.push(trace.requestId),
          ...changes,
        });
        worker.start();
        onTestFinished(() => this.#letGo(worker));
        return worker;
      },
    };
  }

  newJob(id: string, changes: Partial<NewJob> = {}): NewJob {
    const request: JobRequest = { prompt: `a fox, ${id}` };
    const times = { createdAt: this.now, deadlineAt: this.now + 3_600_000 };
    const about = { id, principal: 'key', lineage: id, origin: { kind: 'request' }, request, model: 'auto' } as const;
    return { ...about, ...times, maxCost: usd(100_000), priority: 0, ...changes };
  }

  /** Time passes in small steps, and what it brings about happens. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(1_000, left));
      await quiet();
    }
  }

  /** A test that is over waits for no store. */
  async #letGo(worker: Worker): Promise<void> {
    let isGone = false;
    void worker.drain(0).then(() => {
      isGone = true;
    });
    await until(() => {
      this.clock.advance(500);
      return isGone;
    });
  }
}

/** The same clock, with a date that is off by so much. */
export function clockOff(clock: Clock, byMs: number): Clock {
  return {
    speed: clock.speed,
    now: () => clock.now(),
    timer: (...rest) => clock.timer(...rest),
    wall: () => {
      const date = clock.wall();
      date.setTime(date.getTime() + byMs);
      return date;
    },
  };
}
