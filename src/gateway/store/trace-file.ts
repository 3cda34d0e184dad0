// Recent traces, in a file of their own that a thread of its own writes. They are most of what a gateway writes, and nobody waits
// for them: beside the rest they would hold up the event loop for milliseconds at every commit, and for tens of them whenever
// the log is brought into the file. A power cut may take the last second of them, the end of a process takes what waits.
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../../domain/store-error.ts';
import type { Trace } from '../../domain/trace.ts';
import type { KeptTrace } from '../ports.ts';
import { openConnection, sqliteCode } from './sql.ts';
import type { TraceRow } from './store.ts';
import { useLog } from './wal-sync.ts';

export type TraceAsk =
  | { readonly kind: 'keep'; readonly rows: readonly TraceRow[] }
  | { readonly kind: 'sweep'; readonly before: string; readonly most: number }
  | { readonly kind: 'forget'; readonly principal: string };

/** `failure`: what SQLite said; nothing of the ask was kept. */
export type TraceAnswer = { readonly number: number; readonly failure: string | undefined };

/** The same folder and kind of file, as source or built. */
const THREAD = new URL(`./trace-thread${/\.\w+$/.exec(import.meta.url)?.[0]}`, import.meta.url);
/** Rows of a second or so pass through it. */
const MOST_HEAP_MB = 64;
/** How long opening and reading wait for somebody who tidies the file up; milliseconds. */
const BUSY_MS = 5_000;

type Asked = PromiseWithResolvers<void>;

export class TraceFile {
  readonly #path: string;
  readonly #reading: DatabaseSync;
  /** By number: what the thread has not answered yet. */
  readonly #asked = new Map<number, Asked>();
  #thread: Worker | undefined;
  #count = 0;
  #closing: Promise<void> | undefined;

  /** `path`: the file, made when it is not there. Throws what SQLite says when it cannot be used. */
  constructor(path: string) {
    this.#path = path;
    this.#reading = openConnection(path, (database) => {
      useLog(database, BUSY_MS);
      database.exec(
        `PRAGMA busy_timeout = ${BUSY_MS};
         CREATE TABLE IF NOT EXISTS traces (id TEXT PRIMARY KEY, principal TEXT NOT NULL, at TEXT NOT NULL, trace TEXT NOT NULL) STRICT;
         CREATE INDEX IF NOT EXISTS traces_by_age ON traces (at)`,
      );
    });
  }

  /** Those of an id that is there already take its place. */
  keep(rows: readonly TraceRow[]): Promise<void> {
    return this.#ask({ kind: 'keep', rows });
  }

  async find(id: string): Promise<KeptTrace | undefined> {
    const row = this.#read((database) => database.prepare('SELECT * FROM traces WHERE id = ?').get(id));
    // Written by `keep` alone.
    return row && { principal: String(row.principal), at: String(row.at), trace: JSON.parse(String(row.trace)) as Trace };
  }

  async sweep(before: string, most: number): Promise<void> {
    if (this.#mayHoldAny()) await this.#ask({ kind: 'sweep', before, most });
  }

  async forget(principal: string): Promise<void> {
    if (this.#mayHoldAny()) await this.#ask({ kind: 'forget', principal });
  }

  /** What was asked for is waited for; nothing is taken afterwards. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#asked.values()].map(({ promise }) => promise));
    await this.#thread?.terminate();
    this.#reading.close();
  }

  /** Or is about to. No thread is begun to take something out of nothing. */
  #mayHoldAny(): boolean {
    return this.#asked.size > 0 || this.#read((database) => database.prepare('SELECT 1 FROM traces LIMIT 1').get()) !== undefined;
  }

  #read<Result>(run: (database: DatabaseSync) => Result): Result {
    if (this.#closing !== undefined) throw new StoreError('the store is closed');
    try {
      return run(this.#reading);
    } catch (cause) {
      throw sqliteCode(cause) === undefined ? cause : new StoreError('the store cannot be read', { cause });
    }
  }

  async #ask(ask: TraceAsk): Promise<void> {
    if (this.#closing !== undefined) throw new StoreError('the store is closed');
    const thread = this.#running();
    const asked: Asked = Promise.withResolvers<void>();
    this.#count += 1;
    this.#asked.set(this.#count, asked);
    thread.ref();
    thread.postMessage({ number: this.#count, ask });
    return await asked.promise;
  }

  /** Throws StoreError where the system lets no thread begin. */
  #running(): Worker {
    if (this.#thread !== undefined) return this.#thread;
    const thread = begun(this.#path);
    thread.on('message', ({ number, failure }: TraceAnswer) => this.#answered(number, failure));
    thread.on('error', (cause) => this.#ended(thread, cause));
    thread.on('exit', () => this.#ended(thread, undefined));
    this.#thread = thread;
    return thread;
  }

  #answered(number: number, failure: string | undefined): void {
    const asked = this.#asked.get(number);
    this.#asked.delete(number);
    // Only what somebody waits for keeps the process alive.
    if (this.#asked.size === 0) this.#thread?.unref();
    if (failure === undefined) asked?.resolve();
    else asked?.reject(new StoreError('the store does not take traces', { cause: failure }));
  }

  /** The next who asks begins another. */
  #ended(thread: Worker, cause: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const { reject } of this.#asked.values()) reject(new StoreError('the thread that keeps traces ended', { cause }));
    this.#asked.clear();
  }
}

function begun(path: string): Worker {
  try {
    return new Worker(THREAD, { workerData: path, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB } });
  } catch (cause) {
    throw new StoreError('no thread can be begun to keep traces', { cause });
  }
}
