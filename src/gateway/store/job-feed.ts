// Who hears that jobs have something new. What is written here is told at once; what other processes write on the same file is
// found by asking it a few times a second whether it changed, which costs microseconds, for as long as anybody listens.
import type { JobHint } from '../../jobs/job-store.ts';
import type { CancelTimer, Clock } from '../../system/clock.ts';
import { tell } from '../../telemetry/event.ts';
import type { JobChange } from './job-changes-sql.ts';
import { figure } from './sql.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** Real milliseconds. */
const LOOK_EVERY_MS = 200;
/** Of one look; what is beyond is found at the next. */
const MOST_EVENTS = 1_000;

export class JobFeed {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #listeners = new Set<(hint: JobHint) => void>();
  #cancel: CancelTimer | undefined;
  /** The file's version at the last look, and the last event seen. */
  #version: number | undefined;
  #seen: number | undefined;

  constructor(file: SqliteFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  subscribe(listener: (hint: JobHint) => void): () => void {
    // The same function may listen twice.
    const own = (hint: JobHint): void => listener(hint);
    this.#listeners.add(own);
    if (this.#cancel === undefined) {
      this.#seen = undefined;
      this.#version = undefined;
      this.#lookLater();
      void this.#look();
    }
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0) return;
      this.#cancel?.();
      this.#cancel = undefined;
    };
  }

  told({ changed, hasWork, cancelAsked }: Omit<JobChange, 'sql'>): void {
    for (const id of changed) this.#tell({ kind: 'job', id });
    if (cancelAsked !== undefined) this.#tell({ kind: 'cancel', id: cancelAsked });
    if (hasWork) this.#tell({ kind: 'work' });
  }

  #tell(hint: JobHint): void {
    for (const listener of this.#listeners) tell(listener, hint);
  }

  #lookLater(): void {
    const look = (): void => {
      this.#lookLater();
      void this.#look();
    };
    this.#cancel = this.#clock.timer(LOOK_EVERY_MS * this.#clock.speed, look, { background: true });
  }

  async #look(): Promise<void> {
    try {
      const rows = await this.#file.read((sql) => {
        const version = Number(Object.values(sql.prepare('PRAGMA data_version').get() ?? {})[0]);
        if (version === this.#version) return [];
        this.#version = version;
        if (this.#seen === undefined) {
          this.#seen = figure(sql.prepare('SELECT max(number) AS last FROM job_events').get(), 'last');
          return [];
        }
        return sql
          .prepare(
            'SELECT e.number, e.kind, jobs.id FROM job_events AS e JOIN jobs ON jobs.number = e.job WHERE e.number > ? ORDER BY e.number LIMIT ?',
          )
          .all(this.#seen, MOST_EVENTS);
      });
      this.#seen = rows.length === 0 ? this.#seen : Number(rows.at(-1)?.number);
      // There may be more than one look takes.
      if (rows.length === MOST_EVENTS) this.#version = undefined;
      const changed = new Set(rows.map(({ id }) => String(id)));
      this.told({ changed, hasWork: rows.some(({ kind }) => kind === 'job.queued'), cancelAsked: undefined });
    } catch {
      // A file that cannot be read now is looked at again; a closed one has nothing to tell. Hints may be lost.
    }
  }
}
