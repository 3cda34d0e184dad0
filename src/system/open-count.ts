// How much is under way, counted, for whoever waits until nothing is: ten thousand promises more would have to be kept to list it.

export class OpenCount {
  #open = 0;
  readonly #whenIdle: (() => void)[] = [];

  begin(): void {
    this.#open += 1;
  }

  end(): void {
    this.#open -= 1;
    if (this.#open === 0) for (const tell of this.#whenIdle.splice(0)) tell();
  }

  /** Resolves once nothing is under way, at once where nothing is. */
  async idle(): Promise<void> {
    // Again, because something may begin before who waits has heard.
    while (this.#open > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }
}
