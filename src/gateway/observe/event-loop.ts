// How late the event loop runs. node's histogram counts the whole interval between two ticks of its own timer, so the
// interval asked for is taken off; and it forgets the tick in which it is reset, so it never is: two histograms take turns.
// Reading uses nothing up, however many scrapers there are.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { InstantMs } from '../../domain/time.ts';
import type { Clock } from '../../system/clock.ts';

type Histogram = ReturnType<typeof monitorEventLoopDelay>;

/** Seconds. */
export type EventLoopLag = { readonly p50: number; readonly p99: number; readonly max: number };

export type EventLoopMonitor = {
  /** Of the last minute or two; of longer when nobody has looked for longer. */
  read(): EventLoopLag;
  close(): void;
};

const TICK_MS = 20;
/** Real milliseconds until the next histogram takes over: a few of Prometheus' usual scrapes. */
const TURN_MS = 60_000;

export function monitorEventLoop(clock: Clock): EventLoopMonitor {
  const start = (): Histogram => {
    const histogram = monitorEventLoopDelay({ resolution: TICK_MS });
    histogram.enable();
    return histogram;
  };
  let older = start();
  let newer: Histogram | undefined;
  let turnedAt: InstantMs = clock.now();
  return {
    read: () => {
      const now = clock.now();
      if ((now - turnedAt) / clock.speed >= TURN_MS) {
        if (newer !== undefined) {
          older.disable();
          older = newer;
        }
        newer = start();
        turnedAt = now;
      }
      return lagOf(older);
    },
    close: () => {
      older.disable();
      newer?.disable();
    },
  };
}

function lagOf(histogram: Histogram): EventLoopLag {
  // Before its first tick a histogram says the smallest and largest numbers it knows.
  if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - TICK_MS) / 1e3;
  return { p50: seconds(histogram.percentile(50)), p99: seconds(histogram.percentile(99)), max: seconds(histogram.max) };
}
