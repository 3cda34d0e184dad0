// Whose turn it is: a queue of pg-boss that holds one entry a job, always changed in the transaction that changes the job. It
// orders, and gives each entry to one taker (SKIP LOCKED); that is all it is asked. Runs, fences, deaths and deadlines are told
// by the jobs themselves (docs/decisions/0012), so an entry stays `active` from when its job is taken until it ends or is to be
// had again, and no pg-boss worker, retry limit or heartbeat has a say in it.
import { createHash } from 'node:crypto';
import { PgBoss } from 'pg-boss';
import type { Clock } from '../../../system/clock.ts';
import type { Database, Run } from './database.ts';

const SCHEMA = 'image_router_queue';
const QUEUE = 'jobs';
/** The longest there is. An entry that is active for longer becomes available again; whoever takes it finds that its job runs, and passes over it. */
const EXPIRE_SECONDS = 86_400;
/** Entries are made available again by their jobs, as often as it takes. */
const RETRIES = 1_000_000;
/** An entry nobody took for so long would be thrown away by pg-boss's upkeep; jobs expire long before. */
const KEEP_SECONDS = 365 * 86_400;

export type Entry = { readonly id: string; readonly priority: number };

/**
 * A queue that was empty when the server last looked is fetched from by a plan for an empty table: with a hundred thousand entries
 * a fetch then takes a second instead of milliseconds, until the server looks again within a minute. So after so many new
 * entries it is told to look at once, and at most every ten real seconds, since looking takes a tenth of one.
 */
const LOOK_AFTER_ENTRIES = 1_000;
const LOOK_EVERY_MS = 10_000;
/** For the entries to be there when it looks. */
const LOOK_IN_MS = 50;

export class Queue {
  readonly #boss: PgBoss;
  readonly #database: Database;
  readonly #clock: Clock;
  #unseen = 0;
  #mayLook = true;

  private constructor(boss: PgBoss, database: Database, clock: Clock) {
    this.#boss = boss;
    this.#database = database;
    this.#clock = clock;
  }

  /** Makes or migrates pg-boss's tables, under pg-boss's own lock. */
  static async open(database: Database, clock: Clock): Promise<Queue> {
    const db = { executeSql: async (text: string, values?: unknown[]) => ({ rows: [...(await database.run(text, values))] }) };
    const boss = new PgBoss({ db, schema: SCHEMA, schedule: false });
    // Its upkeep in the background is tried again by itself.
    boss.on('error', () => undefined);
    await boss.start();
    const settings = { retryLimit: RETRIES, retryDelay: 0, expireInSeconds: EXPIRE_SECONDS, retentionSeconds: KEEP_SECONDS };
    // What exists keeps its old settings.
    await boss.createQueue(QUEUE, settings);
    await boss.updateQueue(QUEUE, settings);
    // It looks its queue up at the first call, on a connection of its own: never while we hold the last one.
    await boss.deleteJob(QUEUE, entryOf(''));
    return new Queue(boss, database, clock);
  }

  async add(run: Run, entries: readonly Entry[]): Promise<void> {
    const jobs = entries.map(({ id, priority }) => ({ id: entryOf(id), data: { job: id }, priority: -priority }));
    await this.#boss.insert(QUEUE, jobs, { db: over(run) });
    this.#unseen += jobs.length;
    if (this.#unseen >= LOOK_AFTER_ENTRIES && this.#mayLook) this.#look();
  }

  #look(): void {
    this.#unseen = 0;
    this.#mayLook = false;
    const later = (delayMs: number, work: () => void): void => {
      this.#clock.timer(delayMs * this.#clock.speed, work, { background: true });
    };
    later(LOOK_EVERY_MS, () => {
      this.#mayLook = true;
    });
    later(LOOK_IN_MS, () => {
      this.#database.run(`ANALYZE ${SCHEMA}.job`).catch(() => undefined);
    });
  }

  /** Up to `most` jobs whose turn it is, in no order. They are nobody else's from then on. */
  async take(run: Run, most: number): Promise<readonly string[]> {
    const entries = await this.#boss.fetch<{ readonly job: string }>(QUEUE, { batchSize: most, db: over(run) });
    return entries.map(({ data }) => data.job);
  }

  /** To be had again, each in the place its age gives it. */
  async again(run: Run, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#boss.fail(
      QUEUE,
      entries.map(({ id }) => entryOf(id)),
      null,
      { db: over(run) },
    );
    // Those that are there stay as they are.
    await this.add(run, entries);
  }

  async drop(run: Run, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#boss.deleteJob(QUEUE, ids.map(entryOf), { db: over(run) });
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false });
  }
}

function over(run: Run): { executeSql(text: string, values?: unknown[]): Promise<{ rows: object[] }> } {
  return { executeSql: async (text, values) => ({ rows: [...(await run(text, values))] }) };
}

/** pg-boss wants a UUID. */
function entryOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
