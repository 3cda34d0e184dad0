// Events of jobs as they happen, for any number of watchers over one ear at the store. Hints may be lost or late, so whoever
// waits also looks by itself now and then; what it yields comes from the store alone, in order and without gaps.
import { ENDED_STATES, type JobEvent } from '../domain/job.ts';
import type { Clock } from '../system/clock.ts';
import type { JobStore } from './job-store.ts';
import { pause } from './patience.ts';

/** Real milliseconds between looks without a hint. */
const LOOK_EVERY_MS = 5_000;

export class JobWatch {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #watchers = new Map<string, Set<() => void>>();
  #unsubscribe: (() => void) | undefined;

  constructor(store: JobStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Ends after the job's last event, with the signal, or at once when there is no such job. */
  async *events(principal: string, id: string, after: number, signal: AbortSignal): AsyncGenerator<JobEvent, void, void> {
    let last = after;
    let news = new AbortController();
    const stop = this.#listen(id, () => news.abort());
    try {
      while (!signal.aborted) {
        // A hint that comes while the store is read is about something this look may have missed.
        news = new AbortController();
        const events = await this.#store.events(principal, id, last);
        for (const event of events) {
          last = event.seq;
          yield event;
          if (isLast(event)) return;
        }
        if (events.length === 0 && (await this.#isOver(principal, id, last))) return;
        await pause(this.#clock, LOOK_EVERY_MS, AbortSignal.any([signal, news.signal]));
      }
    } finally {
      stop();
    }
  }

  /** Nothing will come: there is no such job, or its last event was seen before. */
  async #isOver(principal: string, id: string, last: number): Promise<boolean> {
    const job = await this.#store.find(principal, id);
    if (job === undefined) return true;
    if (!ENDED_STATES.some((state) => state === job.state)) return false;
    // It may have ended since the events were read.
    return (await this.#store.events(principal, id, last)).length === 0;
  }

  #listen(id: string, wake: () => void): () => void {
    this.#unsubscribe ??= this.#store.subscribe((hint) => {
      if (hint.kind === 'job') for (const each of this.#watchers.get(hint.id) ?? []) each();
    });
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(wake));
    return () => {
      watchers.delete(wake);
      if (watchers.size === 0) this.#watchers.delete(id);
      if (this.#watchers.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
    };
  }
}

function isLast({ kind }: JobEvent): boolean {
  return ENDED_STATES.some((state) => kind === `job.${state}`);
}
