// A clock that moves only when told to: the time of every test and, at speed 1, of virtual time. Timers fire in the order
// of their instants, then of their creation, and see `now()` at exactly their own instant.
import { after, type InstantMs } from '../../src/domain/time.ts';
import type { Clock } from '../../src/system/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time forward by world milliseconds, firing what falls due, timers set meanwhile included. */
  advance(durationMs: number): void;
  /** Timers not yet fired or cancelled. */
  readonly timerCount: number;
}

type Timer = { readonly at: InstantMs; readonly callback: () => void };

/** Starts at instant 0; `wall()` counts from `startsAt`. `speed` is only what the clock says of itself. */
export function manualClock(speed = 1, startsAt = new Date('2026-09-01T00:00:00Z')): ManualClock {
  let now = 0 as InstantMs;
  const timers = new Set<Timer>();
  const nextDue = (limit: InstantMs): Timer | undefined => {
    let due: Timer | undefined;
    for (const timer of timers) if (timer.at <= limit && (due === undefined || timer.at < due.at)) due = timer;
    return due;
  };
  return {
    speed,
    now: () => now,
    wall: () => new Date(startsAt.getTime() + now),
    timer: (delayMs, callback) => {
      const timer = { at: after(now, Math.max(0, delayMs)), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (durationMs) => {
      if (!(durationMs >= 0)) throw new RangeError(`durationMs must not be negative, got ${durationMs}`);
      const end = after(now, durationMs);
      for (let timer = nextDue(end); timer !== undefined; timer = nextDue(end)) {
        timers.delete(timer);
        now = timer.at;
        timer.callback();
      }
      now = end;
    },
    get timerCount() {
      return timers.size;
    },
  };
}
