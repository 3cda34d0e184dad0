// Recent traces, for their callers to look at: written behind, a batch a second, because losing the last moment's traces in a
// crash costs nobody money. What the store does not take is offered again; under a flood the oldest are let go.
import type { Trace } from '../../domain/trace.ts';
import type { CancelTimer, Clock } from '../../system/clock.ts';
import type { KeptTrace, Principal, Traces } from '../ports.ts';
import type { Store, TraceRow } from '../store/store.ts';

/** Real milliseconds. */
const WRITE_EVERY_MS = 1_000;
/** Waiting to be written. */
const MOST_WAITING = 5_000;
/** Handed over at a time. */
const MOST_AT_ONCE = 200;

export class WrittenBehindTraces implements Traces {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onTrouble: (error: unknown) => void;
  readonly #waiting = new Map<string, TraceRow>();
  #timer: CancelTimer | undefined;
  #isFailing = false;

  constructor(store: Store, clock: Clock, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
  }

  keep(principal: Principal, trace: Trace): void {
    const id = trace.requestId;
    // As text at once: the hundreds of objects a trace is made of would outlive a collection or two while it waits.
    this.#waiting.set(id, { id, principal: principal.id, at: this.#clock.wall().toISOString(), trace: JSON.stringify(trace) });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MOST_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    this.#soon();
  }

  async find(principal: Principal, id: string): Promise<KeptTrace | undefined> {
    const waiting = this.#waiting.get(id);
    const kept = waiting === undefined ? await this.#store.findTrace(id) : keptBy(waiting);
    return kept?.principal === principal.id || principal.scopes.includes('admin') ? kept : undefined;
  }

  /** What waits to be written of a principal; what is written is the store's to forget. */
  forget(principal: string): void {
    for (const [id, kept] of this.#waiting) if (kept.principal === principal) this.#waiting.delete(id);
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    const all = [...this.#waiting.values()];
    for (let start = 0; start < all.length; start += MOST_AT_ONCE) {
      // Not what was forgotten, let go or replaced while the pieces before were on their way.
      const batch = all.slice(start, start + MOST_AT_ONCE).filter((row) => this.#waiting.get(row.id) === row);
      if (!(await this.#write(batch))) return this.#soon();
    }
  }

  async #write(batch: readonly TraceRow[]): Promise<boolean> {
    try {
      await this.#store.keepTraces(batch);
    } catch (error) {
      // Told once, not every second.
      if (!this.#isFailing) this.#onTrouble(error);
      this.#isFailing = true;
      return false;
    }
    this.#isFailing = false;
    for (const kept of batch) if (this.#waiting.get(kept.id) === kept) this.#waiting.delete(kept.id);
    return true;
  }

  #soon(): void {
    this.#timer ??= this.#clock.timer(WRITE_EVERY_MS * this.#clock.speed, () => void this.flush(), { background: true });
  }
}

function keptBy({ principal, at, trace }: TraceRow): KeptTrace {
  // Written by `keep` alone.
  return { principal, at, trace: JSON.parse(trace) as Trace };
}
