// The world's clock. With a speed factor the sandbox, deadlines, breakers and reports all run on scaled time, so a
// 200-second render can be watched in 10 seconds and every number is still in world seconds.
import type { InstantMs } from '../domain/time.ts';

/** Stops a timer; harmless when it has already fired. */
export type CancelTimer = () => void;

export interface Clock {
  /** Monotonic world milliseconds. */
  now(): InstantMs;
  /** Wall-clock time, for dates people and protocols read. Scaled like everything else. */
  wall(): Date;
  /** Runs `callback` once, `delayMs` world milliseconds from now. Never keeps the process alive by itself when `background`. */
  timer(delayMs: number, callback: () => void, options?: { readonly background?: boolean }): CancelTimer;
  /** World milliseconds per real millisecond. */
  readonly speed: number;
}

/** The longest delay `setTimeout` takes; longer waits are chained. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** A clock over the machine's own, `speed` times as fast. Throws RangeError unless speed is in (0, 100 000]. */
export function systemClock(speed = 1): Clock {
  if (!(speed > 0 && speed <= 100_000)) throw new RangeError(`speed must be in (0, 100000], got ${speed}`);
  const startedReal = performance.now();
  const startedWall = Date.now();
  const elapsed = (): number => (performance.now() - startedReal) * speed;
  return {
    speed,
    now: () => elapsed() as InstantMs,
    wall: () => new Date(startedWall + elapsed()),
    timer: (delayMs, callback, options) => realTimer(delayMs / speed, callback, options?.background ?? false),
  };
}

/** Node's timers may fire up to a millisecond early, which is seconds of a fast world: what is early is armed again. */
function realTimer(delayMs: number, callback: () => void, background: boolean): CancelTimer {
  const dueAt = performance.now() + Math.max(0, delayMs);
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const remainingMs = Math.max(0, dueAt - performance.now());
    handle = setTimeout(() => (performance.now() < dueAt ? arm() : callback()), Math.min(remainingMs, LONGEST_TIMEOUT_MS));
    if (background) handle.unref();
  };
  arm();
  return () => clearTimeout(handle);
}
