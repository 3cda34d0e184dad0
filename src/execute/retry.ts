// The one retry engine. SDK retries are off, so every repeated call in the process is counted and paced here: full
// jitter unless the provider names a delay, and a budget so that retries can never multiply an overload.
import type { Failure } from '../domain/failure.ts';
import { after, type InstantMs } from '../domain/time.ts';
import type { Random } from '../system/random.ts';

export type RetryOptions = {
  /** Retries allowed per request of the window, as a share. 0.2: Envoy's and Finagle's figure. */
  readonly share: number;
  /** Retries allowed whatever the traffic, per window: a lone request may always try again. */
  readonly minimum: number;
  readonly windowMs: number;
  /** Full jitter draws from 0 to this, doubled per repetition. */
  readonly baseMs: number;
  readonly capMs: number;
};

const RETRY_DEFAULTS: RetryOptions = { share: 0.2, minimum: 3, windowMs: 10_000, baseMs: 500, capMs: 8_000 };

export class RetryEngine {
  readonly #options: RetryOptions;
  readonly #random: Random;
  readonly #requests: RecentEvents;
  readonly #retries: RecentEvents;

  constructor(random: Random, options: RetryOptions = RETRY_DEFAULTS) {
    this.#random = random;
    this.#options = options;
    this.#requests = new RecentEvents(options.windowMs);
    this.#retries = new RecentEvents(options.windowMs);
  }

  countRequest(now: InstantMs): void {
    this.#requests.add(now);
  }

  countRetry(now: InstantMs): void {
    this.#retries.add(now);
  }

  /**
   * Milliseconds to leave the target alone after `failure`, the `repetition`th on it (1 for the first). Undefined when
   * sending the same again cannot help or the budget is spent.
   */
  backoffMs(failure: Failure, repetition: number, now: InstantMs): number | undefined {
    if (failure.retry !== 'same' || !this.#hasRoom(now)) return undefined;
    if (failure.retryAfterMs !== undefined) return failure.retryAfterMs;
    const { baseMs, capMs } = this.#options;
    return this.#random.next() * Math.min(capMs, baseMs * 2 ** (repetition - 1));
  }

  #hasRoom(now: InstantMs): boolean {
    return this.#retries.count(now) < this.#options.share * this.#requests.count(now) + this.#options.minimum;
  }
}

/** How many events the last `windowMs` saw. Each is looked at twice in its life, however many there are. */
class RecentEvents {
  readonly #windowMs: number;
  /** In order; those before `#first` are over and wait to be dropped together. */
  #instants: InstantMs[] = [];
  #first = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(now: InstantMs): void {
    this.#instants.push(now);
    this.#forget(now);
  }

  count(now: InstantMs): number {
    this.#forget(now);
    return this.#instants.length - this.#first;
  }

  #forget(now: InstantMs): void {
    const oldest = after(now, -this.#windowMs);
    while ((this.#instants[this.#first] ?? Number.POSITIVE_INFINITY) <= oldest) this.#first += 1;
    if (this.#first <= this.#instants.length / 2) return;
    this.#instants = this.#instants.slice(this.#first);
    this.#first = 0;
  }
}
