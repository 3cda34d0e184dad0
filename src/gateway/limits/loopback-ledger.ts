// The spend of callers without limits: there is nothing to wait for, so nobody does. What was opened, closed and spent is
// written together a few times a second; a process that is killed loses the last moment of it, and what ran then stands in
// the books as reserved, to be resolved as possibly billed. What the store does not take is kept and written later, and
// nothing new is begun meanwhile; where nobody knows whether it was taken, the same is offered again under the same id.
import type { MicroUsd } from '../../domain/money.ts';
import { addCosts, type Cost, NO_COST } from '../../domain/result.ts';
import { mayBeWritten } from '../../domain/store-error.ts';
import type { CancelTimer, Clock } from '../../system/clock.ts';
import type { Ids } from '../../system/ids.ts';
import type { Lease } from '../ports.ts';
import type { SpendBatch, Store } from '../store/store.ts';

/** Real milliseconds between two writes; the longest that a kill can cost. */
const WRITE_EVERY_MS = 200;

export type LedgerParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Whose spend it is. */
  readonly principal: string;
  readonly onTrouble: (error: unknown) => void;
};

export class LoopbackLedger {
  readonly #parts: LedgerParts;
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
  /** Of which nobody knows whether the store has it. */
  #unheard: SpendBatch | undefined;
  /** The last that the store has: its mark there is no longer needed. */
  #noted: string | undefined;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
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

  /** Writes what is left, as far as the store takes it. */
  async flush(): Promise<void> {
    await this.#writing;
    do {
      this.#timer?.();
      this.#write();
      await this.#writing;
    } while (this.#hasMore && !this.#isFailing);
  }

  #close(id: string, cost: Cost): void {
    // What begins and ends between two writes never needs a row of its own.
    if (!this.#fresh.delete(id) && this.#written.delete(id)) this.#closed.add(id);
    this.#spent = addCosts(this.#spent, cost);
    this.#soon();
  }

  #soon(): void {
    if (this.#writing !== undefined) return;
    const { clock } = this.#parts;
    this.#timer ??= clock.timer(WRITE_EVERY_MS * clock.speed, () => this.#write(), { background: true });
  }

  #write(): void {
    this.#timer = undefined;
    const isAgain = this.#unheard !== undefined;
    const batch = this.#unheard ?? this.#next();
    if (batch === undefined) return;
    this.#writing = this.#parts.store.note(batch).then(
      () => {
        this.#unheard = undefined;
        this.#noted = batch.id;
        this.#ended(false);
      },
      (error: unknown) => {
        if (isAgain || mayBeWritten(error)) this.#unheard = batch;
        else this.#takeBack(batch);
        // Told once, not five times a second.
        if (!this.#isFailing) this.#parts.onTrouble(error);
        this.#ended(true);
      },
    );
  }

  /** What has come together since the last; undefined when that is nothing. */
  #next(): SpendBatch | undefined {
    const { clock, ids, principal } = this.#parts;
    if (!this.#hasMore) return undefined;
    const batch: SpendBatch = {
      id: ids.next('note'),
      principal,
      at: clock.wall().getTime(),
      opened: [...this.#fresh].map(([id, most]) => ({ id, microUsd: most })),
      closed: [...this.#closed, ...(this.#noted === undefined ? [] : [this.#noted])],
      spent: this.#spent,
    };
    for (const { id } of batch.opened) this.#written.add(id);
    this.#fresh.clear();
    this.#closed.clear();
    this.#spent = NO_COST;
    return batch;
  }

  #ended(isFailing: boolean): void {
    this.#isFailing = isFailing;
    this.#writing = undefined;
    if (this.#hasMore) this.#soon();
  }

  /** After a failure also nothing is written, to know whether the store takes records again. */
  get #hasMore(): boolean {
    return this.#isFailing || this.#unheard !== undefined || this.#fresh.size + this.#closed.size > 0 || this.#spent !== NO_COST;
  }

  /** Of a batch that failed, and of which nothing is in the store. */
  #takeBack({ opened, closed, spent }: SpendBatch): void {
    for (const { id, microUsd: most } of opened) {
      if (this.#written.delete(id)) this.#fresh.set(id, most);
      else this.#closed.delete(id);
    }
    for (const id of closed) this.#closed.add(id);
    this.#spent = addCosts(this.#spent, spent);
  }
}
