// Waiting in real time, whatever the world's speed: for a store that takes nothing at the moment, and for the next look. A disk
// that is full or a database that restarts is nothing a render that was paid for should be thrown away for.
import { StoreError } from '../domain/store-error.ts';
import type { Clock } from '../system/clock.ts';

/** Real milliseconds between tries: a hiccup is over at once, an outage is not hammered. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

export type Patience = {
  readonly clock: Clock;
  /** Ends the patience. */
  readonly signal: AbortSignal;
  /** Real milliseconds; undefined: until the signal. */
  readonly mostMs: number | undefined;
  /** Hears of the first failure. */
  readonly onTrouble: (error: unknown) => void;
};

/** Does it until the store takes it. Rejects with the StoreError when the patience ends, and with anything else at once. */
export async function untilTaken<Result>(act: () => Promise<Result>, patience: Patience): Promise<Result> {
  const { clock, signal, mostMs, onTrouble } = patience;
  const since = clock.now();
  let pauseMs = FIRST_PAUSE_MS;
  let isTold = false;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!isTold) onTrouble(error);
      isTold = true;
      const isOver = mostMs !== undefined && clock.now() - since >= mostMs * clock.speed;
      if (isOver || signal.aborted) throw error;
    }
    await pause(clock, pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** Real milliseconds, or until the signal. */
export function pause(clock: Clock, realMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.timer(realMs * clock.speed, end);
    signal.addEventListener('abort', end);
  });
}
