// Log lines on their way to standard error, put together: each write is a call to another thread and back, and at hundreds
// of requests a second a tenth of a second's lines are as well written at once. A line about trouble takes all before it
// along and waits for nothing.
import type { CancelTimer, Clock } from '../../system/clock.ts';

/** Where lots go: sonic-boom, which writes in the order it is told. */
export type LineSink = { write(lines: string): unknown; flush(done: (error?: Error | null) => void): void };

/** Real milliseconds. What is killed within them loses its last lines. */
const WRITE_EVERY_MS = 100;
const MOST_WAITING = 16_384;
/** pino's number for `warn`. */
const TROUBLE = 40;

/** Asks pino to set `lastLevel` before it writes. */
const METADATA: unique symbol = Symbol.for('pino.metadata');

export class LotsOfLines {
  readonly [METADATA] = true;
  lastLevel = 0;
  readonly #sink: LineSink;
  readonly #clock: Clock;
  #lines = '';
  #timer: CancelTimer | undefined;

  constructor(sink: LineSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  write(line: string): void {
    this.#lines += line;
    if (this.lastLevel >= TROUBLE || this.#lines.length >= MOST_WAITING) this.#pass();
    else this.#timer ??= this.#clock.timer(WRITE_EVERY_MS * this.#clock.speed, () => this.#pass(), { background: true });
  }

  close(): Promise<void> {
    this.#pass();
    return new Promise((resolve) => this.#sink.flush(() => resolve()));
  }

  #pass(): void {
    this.#timer?.();
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.#sink.write(lines);
  }
}
