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
/** Handed over at a time: so many, or so many characters of them. */
const MOST_AT_ONCE = 200;
const MOST_CHARACTERS = 4_000_000;

export class WrittenBehindTraces implements Traces {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onTrouble: (error: unknown) => void;
  readonly #waiting = new Map<string, TraceRow>();
  #timer: CancelTimer | undefined;
  #writing: Promise<void> | undefined;
  /** The batch that was handed to the store last. */
  #sent: Promise<void> | undefined;
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

  /** What waits to be written of a principal. What is written by the time this resolves is the store's to forget. */
  async forget(principal: string): Promise<void> {
    for (const [id, kept] of this.#waiting) if (kept.principal === principal) this.#waiting.delete(id);
    await this.#sent?.catch(() => undefined);
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    // One after another, or a store that is slow for a while would be sent the same again every second.
    await this.#writing;
    this.#timer?.();
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.size > 0) this.#soon();
    });
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (const slice of slicesOf([...this.#waiting.values()])) {
      // Not what was forgotten, let go or replaced while the slices before were on their way.
      if (!(await this.#write(slice.filter((row) => this.#waiting.get(row.id) === row)))) return;
    }
  }

  async #write(batch: readonly TraceRow[]): Promise<boolean> {
    if (batch.length === 0) return true;
    try {
      this.#sent = this.#store.keepTraces(batch);
      await this.#sent;
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
    if (this.#writing === undefined)
      this.#timer ??= this.#clock.timer(WRITE_EVERY_MS * this.#clock.speed, () => void this.flush(), { background: true });
  }
}

function slicesOf(rows: readonly TraceRow[]): readonly (readonly TraceRow[])[] {
  const slices: TraceRow[][] = [];
  let characters = 0;
  for (const row of rows) {
    const last = slices.at(-1);
    characters += row.trace.length;
    if (last === undefined || last.length === MOST_AT_ONCE || characters > MOST_CHARACTERS) {
      slices.push([row]);
      characters = row.trace.length;
    } else last.push(row);
  }
  return slices;
}

function keptBy({ principal, at, trace }: TraceRow): KeptTrace {
  // Written by `keep` alone.
  return { principal, at, trace: JSON.parse(trace) as Trace };
}
