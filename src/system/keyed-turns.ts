// One thing at a time for each of many names.

export class KeyedTurns {
  /** By name: the last who came. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Begins when all that came before under the same name has ended, however it did. */
  async take<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    const done = before === undefined ? work() : before.then(work, work);
    this.#last.set(name, done);
    try {
      return await done;
    } finally {
      if (this.#last.get(name) === done) this.#last.delete(name);
    }
  }
}
