// A jobs file as a batch at a gateway: handed in once, waited for, its images and results kept as of a batch made here. A run
// that is killed leaves the batch going on; the next one finds it by its note and keeps what is not kept yet. What the folder
// has is not asked for, and what failed is asked for by the next batch.
import { ImageRouterError, type Problem } from '../../domain/error.ts';
import { EXTENSION_OF_FORMAT } from '../../domain/image.ts';
import { microUsd } from '../../domain/money.ts';
import { problemsError } from '../../domain/problem.ts';
import type { Cost } from '../../domain/result.ts';
import { pause } from '../../jobs/patience.ts';
import type { Clock } from '../../system/clock.ts';
import type { Ids } from '../../system/ids.ts';
import { costJson, describeCost } from '../cost.ts';
import { systemReason } from '../text-file.ts';
import { jobsIn, stemsOf } from './check-jobs.ts';
import type { GatewayClient, RemoteBatch, RemoteResult } from './gateway-client.ts';
import { loadJob } from './job.ts';
import { type RemoteNote, readNote, removeNote, writeNote } from './remote-note.ts';
import { type Delivered, isThere, keepImages, openResults, type ResultsFile, recordedKey } from './results-file.ts';
import type { BatchOrder, OnFinished } from './run-batch.ts';
import { counted, emptyTally, type Fate, type Tally } from './tally.ts';
import { wireRow } from './wire-row.ts';

export type RemoteOrder = BatchOrder & { readonly gateway: string };
export type RemoteParts = { readonly client: GatewayClient; readonly clock: Clock; readonly ids: Ids };

/** Real milliseconds between two looks. */
const LOOK_EVERY_MS = 1_000;

export async function runAtGateway(parts: RemoteParts, order: RemoteOrder, signal: AbortSignal, onFinished: OnFinished): Promise<Tally> {
  const results = await openResults(order.out);
  try {
    return await new RemoteRun(parts, order, results, onFinished).run(signal);
  } finally {
    await results.close();
  }
}

type Row = RemoteNote['rows'][number];

class RemoteRun {
  readonly #parts: RemoteParts;
  readonly #order: RemoteOrder;
  readonly #results: ResultsFile;
  readonly #onFinished: OnFinished;
  #tally: Tally;

  constructor(parts: RemoteParts, order: RemoteOrder, results: ResultsFile, onFinished: OnFinished) {
    this.#parts = parts;
    this.#order = order;
    this.#results = results;
    this.#onFinished = onFinished;
    this.#tally = emptyTally(order.total);
  }

  async run(signal: AbortSignal): Promise<Tally> {
    const known = await readNote(this.#order.out);
    if (known !== undefined && known.gateway !== this.#order.gateway) throw otherGateway(known.gateway);
    const rows = await this.#rowsLeft();
    const note = known ?? (await this.#newNote(rows));
    if (note === undefined) return this.#tally;
    const { id, ...handedIn } = await this.#handIn(note);
    try {
      await this.#wait(id, handedIn.rows, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return this.#tally;
  }

  /** Of the jobs file, what the folder does not have. */
  async #rowsLeft(): Promise<readonly Row[]> {
    const { jobsPath, jobsFolder, past, out } = this.#order;
    const rows: Row[] = [];
    for await (const job of jobsIn(jobsPath)) {
      const text = JSON.stringify(wireRow(job));
      const { id, line, hash } = await loadJob(job, jobsFolder);
      const before = past.delivered.get(id);
      if (before?.hash === hash && (await isThere(before, out))) this.#count(id, 'already', undefined, 'is there already');
      else rows.push({ id, line, hash, text });
    }
    return rows;
  }

  async #newNote(rows: readonly Row[]): Promise<RemoteNote | undefined> {
    if (rows.length === 0) return undefined;
    const { gateway, concurrency, maxCostUsd, past, out } = this.#order;
    const left = maxCostUsd === undefined ? undefined : (microUsd(maxCostUsd) - past.spent) / 1_000_000;
    if (left !== undefined && left <= 0) throw nothingLeft(maxCostUsd ?? 0);
    const cap = left === undefined ? {} : { maxCostUsd: left };
    const note: RemoteNote = { gateway, key: this.#parts.ids.next('batch'), rows: [...rows], concurrency, ...cap };
    await writeNote(out, note);
    return note;
  }

  /** A refusal leaves no note behind: there is nothing to wait for. */
  async #handIn(note: RemoteNote): Promise<RemoteNote & { readonly id: string }> {
    const { client } = this.#parts;
    if (note.id !== undefined) return { ...note, id: note.id };
    const { rows, key, concurrency, maxCostUsd } = note;
    const texts = rows.map(({ text = '' }) => text);
    const batch = await client
      .submit(texts, { key, concurrency, maxCostUsd }, (row) => rows[row - 1]?.line ?? row)
      .catch(async (error: unknown) => {
        if (error instanceof ImageRouterError && !isUnreachable(error)) await removeNote(this.#order.out);
        throw error;
      });
    const known = { ...note, id: batch.id, rows: rows.map(({ text: _, ...row }) => row) };
    await writeNote(this.#order.out, known);
    return known;
  }

  async #wait(id: string, rows: readonly Row[], signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#parts;
    const { out, past, concurrency } = this.#order;
    const open = new Map(rows.map((row, index) => [index + 1, row] as const));
    for (const [number, row] of open) {
      if (!past.recorded.has(recordedKey(id, row.id))) continue;
      open.delete(number);
      if (!past.delivered.has(row.id)) this.#count(row.id, 'failed', undefined, 'failed already');
    }
    while (!signal.aborted) {
      const batch = await client.find(id);
      if (batch === undefined) {
        await removeNote(out);
        throw forgotten();
      }
      // Asked after the batch itself: of one that has ended these are all.
      for (const result of await client.results(id)) {
        const row = open.get(result.row);
        if (row === undefined || signal.aborted) continue;
        await this.#settle(id, row, result);
        open.delete(result.row);
        this.#tally = { ...this.#tally, running: Math.min(concurrency, open.size) };
      }
      if (hasEnded(batch) && !signal.aborted) return removeNote(out);
      await pause(clock, LOOK_EVERY_MS, signal);
    }
  }

  async #settle(batch: string, { id, line, hash }: Row, result: RemoteResult): Promise<void> {
    const cost: Cost = { billed: microUsd(result.cost_usd.billed), possiblyBilled: microUsd(result.cost_usd.possibly_billed) };
    const seconds = (result.ended_at ?? 0) - (result.started_at ?? result.ended_at ?? 0);
    const about = { batch, id, line, hash, seconds, ...costJson(cost) };
    if (result.status === 'completed') return this.#keep(about, result, cost);
    const { code, message } = result.error ?? { code: result.status, message: `the row was ${result.status}` };
    const outcome = result.status === 'cancelled' ? 'cancelled' : 'failed';
    await this.#results.append({ outcome, code, message, ...about });
    this.#count(id, outcome, cost, `${code}: ${message}`);
  }

  async #keep(
    about: Omit<Delivered, 'outcome' | 'files' | 'route' | 'degraded'>,
    { images, degraded }: RemoteResult,
    cost: Cost,
  ): Promise<void> {
    const stems = stemsOf(about.id, images.length);
    const files = await Promise.all(
      images.map(async ({ url, output_format: format }, index) => ({
        name: `${stems[index]}.${EXTENSION_OF_FORMAT[format]}`,
        bytes: await this.#parts.client.picture(url),
      })),
    );
    const route = images[0]?.route ?? '';
    const kept = files.map(({ name, bytes }) => ({ name, bytes: bytes.byteLength }));
    const entry: Delivered = { outcome: 'delivered', ...about, files: kept, route, degraded };
    try {
      await keepImages(this.#results, this.#order.out, entry, files);
    } catch (cause) {
      const message = `the image of ${about.id} was made (${describeCost(cost)}) but cannot be written: ${systemReason(cause)}`;
      throw new ImageRouterError('file_unreadable', message, { remedy: 'make room, then run it again: the gateway keeps it', cause });
    }
    if (degraded !== null) this.#tally = { ...this.#tally, degraded: this.#tally.degraded + 1 };
    this.#count(about.id, 'delivered', cost, `${route}, ${about.seconds} s, ${describeCost(cost)}${degraded === null ? '' : ', degraded'}`);
  }

  #count(id: string, fate: Fate, cost: Cost | undefined, says: string): void {
    this.#tally = counted(this.#tally, fate, cost);
    this.#onFinished({ id, fate, says }, this.#tally);
  }
}

function hasEnded({ status }: RemoteBatch): boolean {
  return status === 'completed' || status === 'cancelled';
}

/** What may have arrived all the same is found again by its key. */
function isUnreachable({ problems }: ImageRouterError): boolean {
  return problems.some(({ rule }) => rule.startsWith('must be reachable'));
}

function problem(told: Problem): Error {
  return problemsError('invalid_request', 'request', [told]);
}

function otherGateway(gateway: string): Error {
  const remedy = 'name that gateway to wait for it, or delete batch.json to give it up';
  return problem({ field: 'gateway', rule: `must be ${gateway}: the folder waits for a batch there`, value: undefined, remedy });
}

function forgotten(): Error {
  const remedy = 'run the same command again: what is not there is handed in anew';
  return problem({
    field: 'gateway',
    rule: 'must still know the batch that was handed in; it was forgotten or deleted',
    value: undefined,
    remedy,
  });
}

function nothingLeft(maxCostUsd: number): Error {
  const remedy = 'allow more with --max-cost';
  return problem({
    field: 'maxCostUsd',
    rule: 'must be more than earlier runs of the folder have spent',
    value: String(maxCostUsd),
    remedy,
  });
}
