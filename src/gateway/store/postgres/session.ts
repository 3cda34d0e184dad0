// One connection that lasts as long as its process, and what hangs on that: advisory locks by which others see who lives (the
// server lets go of them when the connection ends, however it ends), beats that say so by the server's clock, and news by LISTEN. When it breaks it is made
// anew, locked and listening as before; whoever listens is told, since what was said meanwhile was not heard. A connection
// whose other end vanished without a word is given up by keepalive, here and on the server.
import { Client, type ClientConfig } from 'pg';
import { StoreError } from '../../../domain/store-error.ts';
import type { CancelTimer, Clock } from '../../../system/clock.ts';
import { type Row, settledSoon, storeErrorOf } from './database.ts';

/** `undefined`: it is heard from now on, for the first time or again, and something may have been missed. */
export type Listener = (payload: string | undefined) => void;

/** Real milliseconds before it is made anew: doubled each time up to the second, which is how late a recovery is noticed at most. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** A lock that somebody holds for the length of one transaction, or that an earlier connection of ours still holds, is tried again. */
const LOCK_AGAIN_MS = 500;
/**
 * How soon the server notices that this machine is gone: six seconds of silence, then twice two. Each alone, since not every
 * server and system knows them all.
 */
const KEEPALIVES = ['tcp_keepalives_idle = 6', 'tcp_keepalives_interval = 2', 'tcp_keepalives_count = 2', 'tcp_user_timeout = 10000'];

/**
 * Real milliseconds. With the four seconds of silence that count as an outage (schema-limits.ts) and the longest pause, a process
 * that lives is heard of within the eight after which silence is death.
 */
const BEAT_EVERY_MS = 1_500;
const BEAT = 'SELECT image_router.beat($1)';
/** How long an answer is waited for: these are the smallest of questions. */
const ANSWER_MS = 5_000;

export class Session {
  readonly #settings: ClientConfig;
  readonly #clock: Clock;
  readonly #names = new Set<string>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #timers = new Set<CancelTimer>();
  /** Being made, or made. */
  #connection: Promise<Client> | undefined;
  #made: Client | undefined;
  readonly #turns = new WeakMap<Client, Promise<unknown>>();
  #pauseMs = FIRST_PAUSE_MS;
  #isClosed = false;

  constructor(settings: ClientConfig, clock: Clock) {
    this.#settings = { ...settings, query_timeout: ANSWER_MS };
    this.#clock = clock;
  }

  /** From now on others see that `name` lives, while this process does. Rejects with StoreError while there is no connection. */
  async hold(name: string): Promise<void> {
    const isNew = !this.#names.has(name);
    this.#names.add(name);
    const client = await this.#connected();
    if (isNew) await this.#lock(client, name);
  }

  /** Says so once more; it is also said every now and then without being asked. Rejects with StoreError when the connection does not answer; it is then made anew. */
  async beat(): Promise<void> {
    const client = await this.#connected();
    for (const name of this.#names) await this.#ask(client, BEAT, [name]);
  }

  /**
   * Hears `channel`, a plain identifier, from when it resolves on. Rejects with StoreError while there is no connection; the
   * channel is heard all the same, as soon as there is one.
   */
  async listen(channel: string, listener: Listener): Promise<void> {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    await this.#ask(await this.#connected(), `LISTEN ${channel}`);
    listener(undefined);
  }

  forget(channel: string, listener: Listener): void {
    this.#listeners.get(channel)?.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    const connection = this.#connection;
    if (connection === undefined) return;
    await settledSoon(
      this.#clock,
      connection.then((client) => client.end()),
    );
  }

  #connected(): Promise<Client> {
    if (this.#isClosed) return Promise.reject(new StoreError('the store is closed'));
    if (this.#connection !== undefined) return this.#connection;
    const connection = this.#connect();
    this.#connection = connection;
    connection.catch(() => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#connectLater();
    });
    return connection;
  }

  async #connect(): Promise<Client> {
    const client = new Client(this.#settings);
    client.on('error', () => this.#lose(client));
    client.on('end', () => this.#lose(client));
    client.on('notification', ({ channel, payload }) => this.#tell(channel, payload ?? ''));
    try {
      await client.connect();
      for (const setting of KEEPALIVES) await client.query(`SET ${setting}`).catch(() => undefined);
      // A beat lost in a crash of the server says nothing that the crash does not.
      await client.query('SET synchronous_commit = off');
      for (const name of this.#names) await this.#lock(client, name);
      for (const channel of this.#listeners.keys()) await client.query(`LISTEN ${channel}`);
    } catch (error) {
      client.end().catch(() => undefined);
      throw storeErrorOf(error);
    }
    this.#made = client;
    this.#beatLater(client);
    this.#pauseMs = FIRST_PAUSE_MS;
    for (const channel of this.#listeners.keys()) this.#tell(channel, undefined);
    return client;
  }

  /** Tells that `name` lives as well: whoever finds the lock free just then looks at the time first. */
  async #lock(client: Client, name: string): Promise<void> {
    await this.#ask(client, BEAT, [name]);
    const rows = await this.#ask(client, 'SELECT pg_try_advisory_lock(image_router.lock_of($1)) AS held', [name]);
    if (rows[0]?.held === true) return;
    this.#later(LOCK_AGAIN_MS, () => {
      if (this.#names.has(name) && this.#made === client) this.#lock(client, name).catch(() => undefined);
    });
  }

  /** One question at a time: a connection answers them in order, and its client wants to be asked so. */
  async #ask(client: Client, text: string, values: unknown[] = []): Promise<readonly Row[]> {
    const ask = async (): Promise<readonly Row[]> => (await client.query<Row>(text, values)).rows;
    const answer = (this.#turns.get(client) ?? Promise.resolve()).then(ask, ask);
    this.#turns.set(client, answer);
    try {
      return await answer;
    } catch (error) {
      this.#lose(client);
      throw storeErrorOf(error);
    }
  }

  #lose(client: Client): void {
    if (this.#made !== client) return;
    this.#made = undefined;
    this.#connection = undefined;
    // An answer that is still owed is not waited for.
    client.end().catch(() => undefined);
    this.#connectLater();
  }

  #beatLater(client: Client): void {
    this.#later(BEAT_EVERY_MS, () => {
      if (this.#made !== client) return;
      // Where it fails the connection is made anew, and beats again.
      this.beat()
        .catch(() => undefined)
        .finally(() => this.#beatLater(client));
    });
  }

  #connectLater(): void {
    this.#later(this.#pauseMs, () => this.#connected().catch(() => undefined));
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
  }

  #tell(channel: string, payload: string | undefined): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
  }

  #later(delayMs: number, work: () => void): void {
    if (this.#isClosed) return;
    const once = (): void => {
      this.#timers.delete(cancel);
      work();
    };
    const cancel = this.#clock.timer(delayMs * this.#clock.speed, once, { background: true });
    this.#timers.add(cancel);
  }
}
