// Every delay of the sandbox, on the world's clock and cancellable at once: closing leaves no timer behind.
import type { Clock } from '../system/clock.ts';

export type Timers = {
  /** Runs `callback` once, at once for a delay of 0; returns how to forget it. After close() nothing runs any more. */
  after(delayMs: number, callback: () => void): () => void;
  close(): void;
};

export function createTimers(clock: Clock): Timers {
  const pending = new Set<() => void>();
  let closed = false;
  return {
    after: (delayMs, callback) => {
      if (closed) return () => undefined;
      // A delay of nothing is not worth a timer, which would make a millisecond of it.
      if (delayMs <= 0) {
        callback();
        return () => undefined;
      }
      const cancel = clock.timer(delayMs, () => {
        pending.delete(cancel);
        callback();
      });
      pending.add(cancel);
      return () => {
        pending.delete(cancel);
        cancel();
      };
    },
    close: () => {
      closed = true;
      for (const cancel of pending) cancel();
      pending.clear();
    },
  };
}
