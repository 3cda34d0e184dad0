// Many callers, one transaction: what is asked for while a transaction runs goes into the next one, and every caller hears of
// its own result. The busier it is, the more share a round trip and an fsync; alone, nobody waits for company. One that the
// database refuses spoils none beside it: they are then done one by one.
import { StoreError } from '../../../domain/store-error.ts';
import { atEndOfTurn } from '../../../system/turn.ts';
import { isRefusal } from './database.ts';

type Waiting<Item, Result> = {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
};

export type GroupRules<Item> = {
  /** Items of the same name never share a transaction: the later is to see what the earlier did. */
  readonly nameOf: (item: Item) => string;
  /** In one transaction. */
  readonly most: number;
  /** Transactions at a time. */
  readonly atOnce: number;
};

/** Some seconds' work for a busy database; whoever comes then is told so at once. */
const MOST_WAITING = 10_000;

export class Grouped<Item, Result> {
  readonly #work: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #rules: GroupRules<Item>;
  #waiting: Waiting<Item, Result>[] = [];
  #running = 0;
  #isScheduled = false;

  /** `work` does all or nothing, and answers in the order it was asked. */
  constructor(work: (items: readonly Item[]) => Promise<readonly Result[]>, rules: GroupRules<Item>) {
    this.#work = work;
    this.#rules = rules;
  }

  /** Rejects with StoreError also when too many wait. */
  do(item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    if (this.#waiting.length >= MOST_WAITING) {
      reject(new StoreError(`the database is behind by ${MOST_WAITING} records`));
      return promise;
    }
    this.#waiting.push({ item, resolve, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#running >= this.#rules.atOnce || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    atEndOfTurn(() => {
      this.#isScheduled = false;
      const group = this.#next();
      if (group.length === 0) return;
      this.#running += 1;
      void this.#settle(group).finally(() => {
        this.#running -= 1;
        this.#schedule();
      });
      this.#schedule();
    });
  }

  #next(): readonly Waiting<Item, Result>[] {
    const { nameOf, most } = this.#rules;
    const names = new Set<string>();
    const group: Waiting<Item, Result>[] = [];
    const later: Waiting<Item, Result>[] = [];
    for (const waiting of this.#waiting) {
      const name = nameOf(waiting.item);
      const fits = group.length < most && !names.has(name);
      names.add(name);
      (fits ? group : later).push(waiting);
    }
    this.#waiting = later;
    return group;
  }

  async #settle(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#work(group.map(({ item }) => item));
      if (results.length !== group.length) throw new Error('invariant: a group answers for each of its items');
      for (const [index, result] of results.entries()) group[index]?.resolve(result);
    } catch (error) {
      await this.#fail(group, error);
    }
  }

  async #fail(group: readonly Waiting<Item, Result>[], error: unknown): Promise<void> {
    if (isRefusal(error) && group.length > 1) {
      for (const one of group) await this.#settle([one]);
      return;
    }
    for (const { reject } of group) reject(error);
    if (isRefusal(error)) return;
    // Where the database does not answer, whoever waits behind would only wait for the same, one group after another. Nothing of
    // them was sent, so nothing of them may be written.
    for (const { reject } of this.#waiting.splice(0)) reject(new StoreError('the database does not answer', { cause: error }));
  }
}
