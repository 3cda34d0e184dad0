// What must not happen at the same time, one after the other: by a name, within this process.

export class Turns {
  /** The last in each line; gone when it has ended. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `act` once everything taken before under this name has ended, however it ended. */
  take<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const mine = before.then(act, act);
    const ended = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(name, ended);
    void ended.then(() => {
      if (this.#last.get(name) === ended) this.#last.delete(name);
    });
    return mine;
  }
}
