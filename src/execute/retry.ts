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
  #requests: InstantMs[] = [];
  #retries: InstantMs[] = [];

  constructor(random: Random, options: RetryOptions = RETRY_DEFAULTS) {
    this.#random = random;
    this.#options = options;
  }

  countRequest(now: InstantMs): void {
    this.#requests.push(now);
    this.#forget(now);
  }

  countRetry(now: InstantMs): void {
    this.#retries.push(now);
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
    this.#forget(now);
    return this.#retries.length < this.#options.share * this.#requests.length + this.#options.minimum;
  }

  #forget(now: InstantMs): void {
    const oldest = after(now, -this.#options.windowMs);
    const isRecent = (at: InstantMs): boolean => at > oldest;
    if (this.#requests[0] !== undefined && !isRecent(this.#requests[0])) this.#requests = this.#requests.filter(isRecent);
    if (this.#retries[0] !== undefined && !isRecent(this.#retries[0])) this.#retries = this.#retries.filter(isRecent);
  }
}
