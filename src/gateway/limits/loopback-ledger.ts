// The spend of callers without limits: there is nothing to wait for, so nobody does. What was opened, closed and spent is
// written together a few times a second; a process that is killed loses the last moment of it, and what ran then stands in
// the books as reserved, to be resolved as possibly billed. What the store does not take is kept and written later, and
// nothing new is begun meanwhile.
import type { MicroUsd } from '../../domain/money.ts';
import { addCosts, type Cost, NO_COST } from '../../domain/result.ts';
import type { CancelTimer, Clock } from '../../system/clock.ts';
import type { Lease } from '../ports.ts';
import type { SpendBatch, Store } from '../store/store.ts';

/** Real milliseconds between two writes; the longest that a kill can cost. */
const WRITE_EVERY_MS = 200;

export class LoopbackLedger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #principal: string;
  readonly #onTrouble: (error: unknown) => void;
  /** Open, and not written yet. */
  readonly #fresh = new Map<string, MicroUsd>();
  /** Open, and written or being written. */
  readonly #written = new Set<string>();
  /** Ended, but still open in the store. */
  readonly #closed = new Set<string>();
  #spent: Cost = NO_COST;
  #timer: CancelTimer | undefined;
  #writing: Promise<void> | undefined;
  #isFailing = false;

  constructor(store: Store, clock: Clock, principal: string, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#principal = principal;
    this.#onTrouble = onTrouble;
  }

  /** Whether the store did not take the last batch. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  open(id: string, most: MicroUsd): Lease {
    this.#fresh.set(id, most);
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
    await this.#writing;
    this.#timer?.();
    this.#write();
    await this.#writing;
  }

  #close(id: string, cost: Cost): void {
    // What begins and ends between two writes never needs a row of its own.
    if (!this.#fresh.delete(id) && this.#written.delete(id)) this.#closed.add(id);
    this.#spent = addCosts(this.#spent, cost);
    this.#soon();
  }

  #soon(): void {
    if (this.#writing !== undefined) return;
    this.#timer ??= this.#clock.timer(WRITE_EVERY_MS * this.#clock.speed, () => this.#write(), { background: true });
  }

  #write(): void {
    this.#timer = undefined;
    const batch: SpendBatch = {
      principal: this.#principal,
      at: this.#clock.wall().getTime(),
      opened: [...this.#fresh].map(([id, most]) => ({ id, microUsd: most })),
      closed: [...this.#closed],
      spent: this.#spent,
    };
    if (batch.opened.length + batch.closed.length + batch.spent.billed + batch.spent.possiblyBilled === 0) return;
    for (const { id } of batch.opened) this.#written.add(id);
    this.#fresh.clear();
    this.#closed.clear();
    this.#spent = NO_COST;
    this.#writing = this.#store.note(batch).then(
      () => this.#ended(false),
      (error: unknown) => {
        this.#takeBack(batch);
        // Told once, not five times a second.
        if (!this.#isFailing) this.#onTrouble(error);
        this.#ended(true);
      },
    );
  }

  #ended(isFailing: boolean): void {
    this.#isFailing = isFailing;
    this.#writing = undefined;
    if (isFailing || this.#fresh.size + this.#closed.size > 0 || this.#spent !== NO_COST) this.#soon();
  }

  /** Nothing of a batch that failed is in the store. */
  #takeBack({ opened, closed, spent }: SpendBatch): void {
    for (const { id, microUsd: most } of opened) {
      if (this.#written.delete(id)) this.#fresh.set(id, most);
      else this.#closed.delete(id);
    }
    for (const id of closed) this.#closed.add(id);
    this.#spent = addCosts(this.#spent, spent);
  }
}
