// The spend of callers without limits: there is nothing to wait for, so nobody does. What was opened, closed and spent is
// written together a few times a second; a process that is killed loses the last moment of it, and what ran then stands in
// the books as reserved, to be resolved as possibly billed.
import type { Cost } from '../../domain/result.ts';
import type { CancelTimer, Clock } from '../../system/clock.ts';
import type { Lease } from '../ports.ts';
import type { Store } from '../store/store.ts';

/** Real milliseconds between two writes. */
const WRITE_EVERY_MS = 200;

export class LoopbackLedger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #principal: string;
  readonly #onTrouble: (error: unknown) => void;
  /** Open, and not written yet. */
  readonly #fresh = new Map<string, number>();
  /** Open, and written. */
  readonly #written = new Set<string>();
  #closed: string[] = [];
  #billed = 0;
  #possiblyBilled = 0;
  #timer: CancelTimer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Store, clock: Clock, principal: string, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#principal = principal;
    this.#onTrouble = onTrouble;
  }

  open(id: string, microUsd: number): Lease {
    this.#fresh.set(id, microUsd);
    this.#soon();
    let isOpen = true;
    return {
      settle: async (cost) => {
        if (!isOpen) return;
        isOpen = false;
        this.#close(id, cost);
      },
    };
  }

  /** Writes what is left. */
  async flush(): Promise<void> {
    this.#timer?.();
    this.#write();
    await this.#writing;
  }

  #close(id: string, { billed, possiblyBilled }: Cost): void {
    // What begins and ends between two writes never needs a row of its own.
    if (!this.#fresh.delete(id)) {
      this.#written.delete(id);
      this.#closed.push(id);
    }
    this.#billed += billed;
    this.#possiblyBilled += possiblyBilled;
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= this.#clock.timer(WRITE_EVERY_MS * this.#clock.speed, () => this.#write(), { background: true });
  }

  #write(): void {
    this.#timer = undefined;
    const opened = [...this.#fresh].map(([id, microUsd]) => ({ id, microUsd }));
    const batch = {
      principal: this.#principal,
      at: this.#clock.wall().getTime(),
      opened,
      closed: this.#closed,
      spent: { billed: this.#billed as Cost['billed'], possiblyBilled: this.#possiblyBilled as Cost['possiblyBilled'] },
    };
    this.#fresh.clear();
    for (const { id } of opened) this.#written.add(id);
    this.#closed = [];
    this.#billed = 0;
    this.#possiblyBilled = 0;
    if (opened.length + batch.closed.length + batch.spent.billed + batch.spent.possiblyBilled === 0) return;
    this.#writing = this.#store.note(batch).catch(this.#onTrouble);
  }
}
