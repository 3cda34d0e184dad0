// Spend of keyed callers that the store did not take when it was settled, because the disk was full for a moment. It is offered
// again until it is taken: until then the reservation stands for it, and a key would never get its place back without.
import { type Cost, NO_COST } from '../../domain/result.ts';
import { StoreError } from '../../domain/store-error.ts';
import type { Store } from '../store/store.ts';

/** `times`: how often it must be taken. */
type Owed = { readonly cost: Cost; readonly times: number };

/**
 * A reservation whose answer was lost may still be under way: a database goes on with a statement whose asker has gone, for ten
 * seconds at most (`statementMs`). It is let go of at so many beats of five seconds.
 */
const BEATS_UNTIL_SURE = 4;

export class LateSettlements {
  readonly #store: Store;
  /** By request. No more than requests that were admitted, and none is while the store takes nothing. */
  readonly #owed = new Map<string, Owed>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Rejects when it is not on disk yet; it will be offered again. */
  async settle(id: string, cost: Cost): Promise<void> {
    const settled = this.#settle(id, cost);
    this.#underWay.set(id, settled);
    await settled.finally(() => this.#underWay.delete(id));
  }

  /** Lets go of a reservation that may be there, or come yet, though nobody was told of it. */
  letGoUnheard(id: string): void {
    this.#owed.set(id, { cost: NO_COST, times: BEATS_UNTIL_SURE });
    this.#store.settle(id, NO_COST).catch(() => undefined);
  }

  /** Whether a reservation of this id may still be there. */
  async isOwed(id: string): Promise<boolean> {
    await this.#underWay.get(id)?.catch(() => undefined);
    return this.#owed.has(id);
  }

  /** Once a beat. Rejects when one of them is still not taken. */
  async retry(): Promise<void> {
    await Promise.all(
      [...this.#owed].map(async ([id, { cost, times }]) => {
        await this.#store.settle(id, cost);
        if (times > 1) this.#owed.set(id, { cost, times: times - 1 });
        else this.#owed.delete(id);
      }),
    );
  }

  async #settle(id: string, cost: Cost): Promise<void> {
    try {
      await this.#store.settle(id, cost);
    } catch (error) {
      if (error instanceof StoreError) this.#owed.set(id, { cost, times: 1 });
      throw error;
    }
  }
}
