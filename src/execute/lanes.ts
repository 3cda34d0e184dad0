// The bounded queue in front of every target: at most its concurrency at once, a bounded number waiting, higher priority
// first, first come first served among equals. p-queue keeps the order and the count. A slot is held until it is released,
// whatever happens to the caller: p-queue frees the slot of a running task whose signal aborts while the call still runs,
// so it is only ever given a signal that dies with the waiting. No timers; how long to wait is the caller's decision.
import PQueue from 'p-queue';
import type { TargetId } from '../domain/route.ts';

/**
 * Waiting places per lane unless told otherwise. Far more than any deadline has room for (16 places of 7 s serve 10 000
 * calls in over an hour), so it bounds memory, 2.8 kB each as measured, and never decides who is served.
 */
const DEFAULT_MAX_WAITING = 10_000;

/** A place among the running calls of a target. */
export interface Slot {
  /** Gives the place back; only the first time counts. */
  release(): void;
}

export type LaneDepth = { readonly running: number; readonly waiting: number };

export interface Lanes {
  /**
   * Resolves with a slot when one is free; with `full` at once when too many wait already; with `aborted` as soon as
   * `signal` aborts while waiting. Never rejects. A higher `priority` goes first.
   */
  enter(target: TargetId, options: { readonly priority: number; readonly signal: AbortSignal }): Promise<Slot | 'full' | 'aborted'>;
  depth(target: TargetId): LaneDepth;
  /** Resolves when nothing runs or waits anywhere. */
  idle(): Promise<void>;
}

/** Throws RangeError when `maxWaiting` is not a whole number from 0. Lanes are made when first entered. */
export function createLanes(options: {
  /** Calls in flight at once; read when the lane is first entered. */
  readonly concurrencyOf: (target: TargetId) => number;
  readonly maxWaiting?: number;
}): Lanes {
  const maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
  if (!(Number.isInteger(maxWaiting) && maxWaiting >= 0)) {
    throw new RangeError(`maxWaiting must be a whole number from 0, got ${maxWaiting}`);
  }
  const lanes = new Map<TargetId, PQueue>();
  const laneOf = (target: TargetId): PQueue => {
    const lane = lanes.get(target) ?? new PQueue({ concurrency: options.concurrencyOf(target) });
    lanes.set(target, lane);
    return lane;
  };

  return {
    enter: (target, { priority, signal }) => {
      if (signal.aborted) return Promise.resolve('aborted');
      const lane = laneOf(target);
      if (lane.pending >= lane.concurrency && lane.size >= maxWaiting) return Promise.resolve('full');
      // With a place free and nobody waiting it runs before anything could abort it.
      return lane.pending < lane.concurrency && lane.size === 0 ? startIn(lane) : waitIn(lane, priority, signal);
    },
    depth: (target) => {
      const lane = lanes.get(target);
      return { running: lane?.pending ?? 0, waiting: lane?.size ?? 0 };
    },
    idle: async () => {
      const isBusy = (lane: PQueue): boolean => lane.pending + lane.size > 0;
      // Again, because a lane may be entered while another is waited for.
      while ([...lanes.values()].some(isBusy)) await Promise.all([...lanes.values()].map((lane) => lane.onIdle()));
    },
  };
}

function startIn(lane: PQueue): Promise<Slot> {
  return new Promise((resolve) => void lane.add(() => holdIn(resolve)));
}

function holdIn(resolve: (slot: Slot) => void): Promise<void> {
  return new Promise((free) => resolve({ release: () => free() }));
}

function waitIn(lane: PQueue, priority: number, signal: AbortSignal): Promise<Slot | 'aborted'> {
  return new Promise((resolve) => {
    const waiting = new AbortController();
    // A reason of our own: without one every abort builds an error with a stack.
    const leave = (): void => waiting.abort('left');
    signal.addEventListener('abort', leave, { once: true });
    const hold = (): Promise<void> => {
      signal.removeEventListener('abort', leave);
      return holdIn(resolve);
    };
    lane.add(hold, { priority, signal: waiting.signal }).catch(() => resolve('aborted'));
  });
}
