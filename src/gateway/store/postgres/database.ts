// A bounded pool of connections to one PostgreSQL database. Everything that goes wrong on the way there or back is a
// StoreError within a known time: connecting, waiting for a free connection, a statement and its answer each have a limit of
// their own, so a database that hangs is no worse than one that is gone. What broke is thrown away, and the next who asks
// connects anew: nothing has to be restarted by hand.
import { type ClientBase, DatabaseError, Pool, type PoolClient, type PoolConfig, TypeOverrides } from 'pg';
import { StoreError } from '../../../domain/store-error.ts';
import type { Clock } from '../../../system/clock.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement; its rows. Without values it may be several statements, and is compiled anew each time. */
export type Run = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

export type DatabaseOptions = {
  /** `postgres://user:password@host:port/database?sslmode=...` */
  readonly url: string;
  readonly clock: Clock;
  /** How this process is called in `pg_stat_activity`. */
  readonly name: string;
  /** Connections at most, beside the one that says that this process lives. Default 10: a server takes a hundred by default. */
  readonly connections?: number;
  /** How long connecting, or waiting for a free connection, may take. Real milliseconds. Default 5 000. */
  readonly connectMs?: number;
  /** How long a statement may run, as the server counts. Real milliseconds. Default 10 000. */
  readonly statementMs?: number;
};

/** How much later than the server's own limit an answer is given up here: a server that is gone cuts nothing off. */
const ANSWER_GRACE_MS = 2_000;
/** A transaction whose process is busy elsewhere must not hold its locks for ever. */
const IDLE_IN_TRANSACTION_MS = 15_000;
/** What was prepared before a newer version changed a table no longer fits it (`feature_not_supported`). */
const OUTDATED = '0A000';
/** Two transactions that waited for each other, or could not be ordered: one of them is to be asked again. */
const ASK_AGAIN = new Set(['40P01', '40001', OUTDATED]);
const MOST_TRIES = 5;
/**
 * Every question is meant to be answered from an index. Between a hundred thousand jobs that came within a minute and the server's
 * next look at its statistics, it would rather read whole tables, which it still takes for empty. Compiling queries (jit) takes
 * longer than any of these runs.
 */
const BY_INDEX = 'SET enable_seqscan = off; SET jit = off';
/** Read by a trigger: the ends of a batch's jobs that come from here were counted (schema-jobs.ts). */
const COUNTS_ENDS = 'SET image_router.counts = on';
const NO_ANSWER = 'the database does not answer';
const FAREWELL_MS = 2_000;
const BYTEA = 17;
const INT8 = 20;
const NUMERIC = 1700;

export class Database {
  readonly #pool: Pool;
  readonly #settings: PoolConfig;
  readonly #clock: Clock;
  /** By their text: the sources hold a few dozen. A prepared statement is parsed and planned once a connection. */
  readonly #names = new Map<string, string>();
  #named = 0;
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    this.#settings = settingsOf(options);
    this.#clock = options.clock;
    this.#pool = new Pool({ ...this.#settings, onConnect: prepare });
    // A connection that broke while nobody used it is no longer in the pool: there is nothing else to do, and nobody to tell.
    this.#pool.on('error', () => undefined);
  }

  /** For one more connection beside the pool's. */
  get settings(): PoolConfig {
    return this.#settings;
  }

  /** One statement, a transaction of its own. Rejects with StoreError. */
  async run(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return await this.#again(async () => {
      const client = await this.#pool.connect();
      let broken: Error | undefined;
      try {
        return await this.#asked(client, text, values);
      } catch (cause) {
        if (!(cause instanceof DatabaseError)) broken = errorOf(cause);
        throw unlessRefused(cause);
      } finally {
        client.release(broken);
      }
    });
  }

  /**
   * Everything or nothing; done again from the start when two such waited for each other, so `work` may run several times.
   * What `work` throws itself comes out as it is; trouble with the database is a StoreError.
   */
  async transaction<Result>(work: (run: Run) => Promise<Result>): Promise<Result> {
    const ended = await this.#again(async () => await this.#attempt(work));
    if (ended.kind === 'done') return ended.result;
    throw ended.error;
  }

  /** What was begun is waited for, for a while; nothing is taken afterwards. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await settledSoon(this.#clock, this.#pool.end());
  }

  async #again<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      if (this.#isClosed) throw new StoreError('the store is closed');
      try {
        return await attempt();
      } catch (error) {
        const mayPass = error instanceof DatabaseError && ASK_AGAIN.has(error.code ?? '') && tries < MOST_TRIES;
        if (!mayPass) throw storeErrorOf(error);
        // Under new names, on every connection.
        if (error.code === OUTDATED) this.#names.clear();
      }
    }
  }

  async #attempt<Result>(work: (run: Run) => Promise<Result>): Promise<Ended<Result>> {
    const client = await this.#pool.connect();
    let trouble: unknown;
    const told = async <Answer>(asked: Promise<Answer>): Promise<Answer> => {
      try {
        return await asked;
      } catch (error) {
        trouble = error;
        throw error;
      }
    };
    const run: Run = async (text, values) => await told(this.#asked(client, text, values));
    let broken: Error | undefined;
    try {
      await told(client.query('BEGIN'));
      const result = await work(run);
      await told(client.query('COMMIT').catch((cause: unknown) => Promise.reject(unlessRefused(cause))));
      return { kind: 'done', result };
    } catch (error) {
      broken = await rolledBack(client, trouble);
      if (trouble === undefined) return { kind: 'given-up', error };
      throw trouble;
    } finally {
      client.release(broken);
    }
  }

  async #asked(on: PoolClient, text: string, values: readonly unknown[] | undefined): Promise<readonly Row[]> {
    // Several statements answer with several results, which nobody asks for.
    if (values === undefined) return (await on.query<Row>(text)).rows ?? [];
    const name = this.#names.get(text) ?? this.#newName(text);
    return (await on.query<Row>({ name, text, values: [...values] })).rows;
  }

  #newName(text: string): string {
    this.#named += 1;
    const name = `image_router_${this.#named}`;
    this.#names.set(text, name);
    return name;
  }
}

/** `given-up`: the work itself threw, and nothing of it was kept. */
type Ended<Result> = { readonly kind: 'done'; readonly result: Result } | { readonly kind: 'given-up'; readonly error: unknown };

/** The server may have kept what it was sent all the same; only where it refuses the record itself has it not. */
function unlessRefused(cause: unknown): unknown {
  return isOfRecord(cause) ? cause : new StoreError(NO_ANSWER, { cause, mayBeWritten: true });
}

/** Undefined: the connection is as good as new. Else why it must not be used again. */
async function rolledBack(client: PoolClient, trouble: unknown): Promise<Error | undefined> {
  if (trouble !== undefined && !(trouble instanceof DatabaseError)) return errorOf(trouble);
  return await client.query('ROLLBACK').then(() => undefined, errorOf);
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Waits for a farewell, but not for ever: a network that says nothing does not even hang up. */
export function settledSoon(clock: Clock, farewell: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.timer(FAREWELL_MS * clock.speed, resolve);
  farewell.catch(() => undefined).finally(resolve);
  return promise.finally(cancel);
}

async function prepare(client: ClientBase): Promise<void> {
  // One may also break in the middle of a transaction, between two statements: whoever asks next hears of it. Unheard, it would
  // end the process.
  client.on('error', () => undefined);
  await client.query(`${BY_INDEX}; ${COUNTS_ENDS}`);
}

/** The server's words are kept as the cause; they may name values, so they are no part of the message. */
export function storeErrorOf(cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  return new StoreError(isOfRecord(cause) ? 'the database refused a record' : NO_ANSWER, { cause });
}

/** Whether something about the record itself was wrong; others may fare better. */
export function isRefusal(error: unknown): boolean {
  return error instanceof StoreError && isOfRecord(error.cause);
}

/** Not its resources (53), nor somebody's doing (57). */
function isOfRecord(cause: unknown): boolean {
  return cause instanceof DatabaseError && cause.code !== undefined && !/^5[37]/.test(cause.code);
}

function settingsOf({ url, name, connections = 10, connectMs = 5_000, statementMs = 10_000 }: DatabaseOptions): PoolConfig {
  const types = new TypeOverrides();
  // Whole micro-dollars and milliseconds stay far below 2^53.
  for (const type of [INT8, NUMERIC]) types.setTypeParser(type, Number);
  types.setTypeParser(BYTEA, (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex')));
  return {
    connectionString: url,
    application_name: name,
    max: connections,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: statementMs + ANSWER_GRACE_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types,
  };
}
