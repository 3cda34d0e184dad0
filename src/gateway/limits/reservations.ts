// Reservations of keyed callers, from when they are taken to when what was spent takes their place. What the store does not take
// then, because the disk was full for a moment, is offered again until it is taken: the reservation stands for it meanwhile, and
// a key would never get its place back without. A repeat may come under the id of what it repeats: of an id there is one at a time.
import { type Cost, NO_COST } from '../../domain/result.ts';
import { mayBeWritten, StoreError } from '../../domain/store-error.ts';
import { KeyedTurns } from '../../system/keyed-turns.ts';
import type { Reservation, Reserved, Store } from '../store/store.ts';

/** `times`: how often it must be taken. */
type Owed = { readonly cost: Cost; readonly times: number };

/**
 * A reservation whose answer was lost may still be under way: a database goes on with a statement whose asker has gone, for ten
 * seconds at most (`statementMs`). It is let go of at so many beats of five seconds.
 */
const BEATS_UNTIL_SURE = 4;

export class Reservations {
  readonly #store: Store;
  /** By request. No more than requests that were admitted, and none is while the store takes nothing. */
  readonly #owed = new Map<string, Owed>();
  /** Of one request, one thing at a time is taken or settled. */
  readonly #turns = new KeyedTurns();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Undefined: another of the same id may still be there, and is let go of first. Rejects with StoreError; nothing then begins,
   * so nothing stays reserved.
   */
  take(reservation: Reservation): Promise<Reserved | undefined> {
    const { id } = reservation;
    return this.#turns.take(id, async () => (this.#owed.has(id) ? undefined : await this.#take(reservation)));
  }

  /** Rejects when it is not on disk yet; it will be offered again. */
  settle(id: string, cost: Cost): Promise<void> {
    return this.#turns.take(id, () => this.#settle(id, cost));
  }

  /** Once a beat. Rejects when one of them is still not taken; not before all are answered, or the next beat would overtake it. */
  async retry(): Promise<void> {
    const answers = await Promise.allSettled(
      [...this.#owed].map(async ([id, { cost, times }]) => {
        await this.#store.settle(id, cost);
        if (times > 1) this.#owed.set(id, { cost, times: times - 1 });
        else this.#owed.delete(id);
      }),
    );
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #take(reservation: Reservation): Promise<Reserved> {
    try {
      return await this.#store.reserve(reservation);
    } catch (error) {
      if (mayBeWritten(error)) {
        this.#owed.set(reservation.id, { cost: NO_COST, times: BEATS_UNTIL_SURE });
        this.#store.settle(reservation.id, NO_COST).catch(() => undefined);
      }
      throw error;
    }
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
