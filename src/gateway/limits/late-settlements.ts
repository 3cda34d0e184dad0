// Spend of keyed callers that the store did not take when it was settled, because the disk was full for a moment. It is offered
// again until it is taken: until then the reservation stands for it, and a key would never get its place back without.

import type { Cost } from '../../domain/result.ts';
import { StoreError } from '../../domain/store-error.ts';
import type { Store } from '../store/store.ts';

export class LateSettlements {
  readonly #store: Store;
  /** By request. No more than requests that were admitted, and none is while the store takes nothing. */
  readonly #late = new Map<string, Cost>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Rejects when it is not on disk yet; it will be offered again. */
  async settle(id: string, cost: Cost): Promise<void> {
    try {
      await this.#store.settle(id, cost);
    } catch (error) {
      if (error instanceof StoreError) this.#late.set(id, cost);
      throw error;
    }
  }

  /** Rejects when one of them is still not taken. */
  async retry(): Promise<void> {
    await Promise.all(
      [...this.#late].map(async ([id, cost]) => {
        await this.#store.settle(id, cost);
        this.#late.delete(id);
      }),
    );
  }
}
