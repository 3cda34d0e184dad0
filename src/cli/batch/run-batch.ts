// Runs the jobs of a file through router.batch and keeps what comes of each: images, and a line in results.jsonl. What an
// earlier run delivered is not asked for again; what it spent counts against the cap.
import { ImageRouterError, isImageRouterError } from '../../domain/error.ts';
import { EXTENSION_OF_FORMAT } from '../../domain/image.ts';
import { dollars, type MicroUsd, microUsd } from '../../domain/money.ts';
import type { ImageRequest } from '../../domain/request.ts';
import { type Cost, type ImageResult, NO_COST } from '../../domain/result.ts';
import type { BatchItem } from '../../router/batch.ts';
import { costJson, costOfFailure, describeCost } from '../cost.ts';
import type { World } from '../open-world.ts';
import { systemReason } from '../text-file.ts';
import { jobsIn, stemsOf } from './check-jobs.ts';
import { type LoadedJob, loadJob } from './job.ts';
import { type Delivered, type Entry, isThere, keepImages, openResults, type Past, type ResultsFile } from './results-file.ts';
import { counted, emptyTally, type Fate, type Tally } from './tally.ts';

export type BatchOrder = {
  readonly jobsPath: string;
  /** What paths in the jobs file are relative to. */
  readonly jobsFolder: string;
  readonly out: string;
  readonly total: number;
  readonly concurrency: number;
  /** For all runs of the folder together. */
  readonly maxCostUsd: number | undefined;
  readonly past: Past;
};

/** Hears each job's end with the counts so far. */
export type OnFinished = (ended: Ended, tally: Tally) => void;
export type Ended = { readonly id: string; readonly fate: Fate; readonly says: string };

/** Answers with the final counts. Throws `file_unreadable` when an image cannot be written: going on would pay for more. */
export async function runBatch(world: World, order: BatchOrder, signal: AbortSignal, onFinished: OnFinished): Promise<Tally> {
  const results = await openResults(order.out);
  try {
    return await new BatchRun(world, order, results, onFinished).run(signal);
  } finally {
    await results.close();
  }
}

class BatchRun {
  readonly #world: World;
  readonly #order: BatchOrder;
  readonly #results: ResultsFile;
  readonly #onFinished: OnFinished;
  /** Place in what router.batch was given -> the job. */
  readonly #running = new Map<number, LoadedJob>();
  #tally: Tally;

  constructor(world: World, order: BatchOrder, results: ResultsFile, onFinished: OnFinished) {
    this.#world = world;
    this.#order = order;
    this.#results = results;
    this.#onFinished = onFinished;
    this.#tally = emptyTally(order.total);
  }

  async run(signal: AbortSignal): Promise<Tally> {
    const { concurrency, maxCostUsd, past } = this.#order;
    const left = maxCostUsd === undefined ? {} : { maxCostUsd: dollars(Math.max(0, microUsd(maxCostUsd) - past.spent) as MicroUsd) };
    for await (const item of this.#world.router.batch(this.#requests(signal), { concurrency, signal, ...left })) {
      const job = this.#running.get(item.index);
      if (job === undefined) throw new Error('invariant: an item belongs to a job');
      this.#running.delete(item.index);
      await this.#settle(job, item);
    }
    return this.#tally;
  }

  async *#requests(signal: AbortSignal): AsyncIterable<ImageRequest> {
    let index = 0;
    for await (const job of jobsIn(this.#order.jobsPath)) {
      if (signal.aborted) return;
      const loaded = await loadJob(job, this.#order.jobsFolder).catch((error: unknown) => expected(error));
      if (isImageRouterError(loaded)) await this.#fail({ ...job, hash: '' }, loaded);
      else if (await this.#isDone(loaded)) this.#count(loaded, 'already', undefined, 'is there already');
      else {
        this.#running.set(index, loaded);
        index += 1;
        yield loaded.request;
      }
    }
  }

  async #isDone({ id, hash }: LoadedJob): Promise<boolean> {
    const before = this.#order.past.delivered.get(id);
    return before !== undefined && before.hash === hash && (await isThere(before, this.#order.out));
  }

  async #settle(job: LoadedJob, item: BatchItem): Promise<void> {
    switch (item.kind) {
      case 'delivered':
        await this.#keep(job, item.result);
        break;
      case 'failed':
        await this.#fail(job, item.error);
        break;
      case 'skipped':
        this.#count(job, 'skipped', undefined, `skipped: ${item.reason}`);
        break;
    }
  }

  async #keep(job: LoadedJob, result: ImageResult): Promise<void> {
    const stems = stemsOf(job.id, result.need.n);
    const files = result.images.map(({ bytes, format }, index) => ({ name: `${stems[index]}.${EXTENSION_OF_FORMAT[format]}`, bytes }));
    const { cost, route, degraded = null } = result;
    const seconds = inSeconds(result.elapsedMs);
    const kept = files.map(({ name, bytes }) => ({ name, bytes: bytes.byteLength }));
    const { id, line, hash } = job;
    const entry: Delivered = { outcome: 'delivered', id, line, hash, files: kept, route, seconds, degraded, ...costJson(cost) };
    try {
      await keepImages(this.#results, this.#order.out, entry, files);
    } catch (cause) {
      const message = `the image of ${id} was made (${describeCost(cost)}) but cannot be written: ${systemReason(cause)}`;
      throw new ImageRouterError('file_unreadable', message, { remedy: 'make room, then run it again: what is written is kept', cause });
    }
    if (degraded !== null) this.#tally = { ...this.#tally, degraded: this.#tally.degraded + 1 };
    this.#count(job, 'delivered', cost, `${route}, ${seconds} s, ${describeCost(cost)}${degraded === null ? '' : ', degraded'}`);
  }

  async #fail(job: Pick<LoadedJob, 'id' | 'line' | 'hash'>, error: ImageRouterError): Promise<void> {
    const outcome = error.code === 'cancelled' ? 'cancelled' : 'failed';
    const cost = costOfFailure(error.trace) ?? NO_COST;
    const seconds = inSeconds(error.trace?.events.at(-1)?.atMs ?? 0);
    const { id, line, hash } = job;
    const entry: Entry = { outcome, id, line, hash, code: error.code, message: error.message, seconds, ...costJson(cost) };
    await this.#results.append(entry);
    this.#count(job, outcome, cost, `${error.code}: ${error.message}`);
  }

  #count({ id }: Pick<LoadedJob, 'id'>, fate: Fate, cost: Cost | undefined, says: string): void {
    this.#tally = { ...counted(this.#tally, fate, cost), running: this.#running.size };
    this.#onFinished({ id, fate, says }, this.#tally);
  }
}

function expected(error: unknown): ImageRouterError {
  if (isImageRouterError(error)) return error;
  throw error;
}

function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
