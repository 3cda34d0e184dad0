// Recent traces, for their callers to look at: written behind, a batch a second, because losing the last moment's traces in a
// crash costs nobody money.
import type { Trace } from '../../domain/trace.ts';
import type { CancelTimer, Clock } from '../../system/clock.ts';
import type { KeptTrace, Principal, Traces } from '../ports.ts';
import type { Store } from '../store/store.ts';

const WRITE_EVERY_MS = 1_000;
/** Waiting to be written; under a flood the oldest are let go. */
const MOST_WAITING = 5_000;

export class WrittenBehindTraces implements Traces {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onTrouble: (error: unknown) => void;
  readonly #waiting = new Map<string, KeptTrace>();
  #timer: CancelTimer | undefined;

  constructor(store: Store, clock: Clock, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
  }

  keep(principal: Principal, trace: Trace): void {
    this.#waiting.set(trace.requestId, { principal: principal.id, trace, at: this.#clock.wall().toISOString() });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MOST_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    this.#timer ??= this.#clock.timer(WRITE_EVERY_MS * this.#clock.speed, () => void this.flush(), { background: true });
  }

  async find(principal: Principal, id: string): Promise<KeptTrace | undefined> {
    const kept = this.#waiting.get(id) ?? (await this.#store.findTrace(id));
    return kept?.principal === principal.id || principal.scopes.includes('admin') ? kept : undefined;
  }

  async flush(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    const batch = [...this.#waiting.values()];
    if (batch.length === 0) return;
    await this.#store.keepTraces(batch).catch(this.#onTrouble);
    for (const kept of batch) if (this.#waiting.get(kept.trace.requestId) === kept) this.#waiting.delete(kept.trace.requestId);
  }
}
