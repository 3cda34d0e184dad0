// The bounded queue in front of every target: at most its concurrency at once, a bounded number waiting, higher priority
// first, first come first served among equals. p-queue keeps the order of those who wait; a call that finds a free place never
// enters it, which would cost a kilobyte for as long as it runs. A slot is held until it is released, whatever happens to the
// caller. No timers; how long to wait is the caller's decision.
import PQueue from 'p-queue';
import type { TargetId } from '../domain/route.ts';
import { OpenCount } from '../system/open-count.ts';

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
  /** How many who wait there now go before somebody who enters with this priority. */
  ahead(target: TargetId, priority: number): number;
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
  const lanes = new Map<TargetId, Lane>();
  const open = new OpenCount();
  const laneOf = (target: TargetId): Lane => {
    const lane = lanes.get(target) ?? new Lane(options.concurrencyOf(target), open);
    lanes.set(target, lane);
    return lane;
  };

  return {
    enter: (target, { priority, signal }) => {
      if (signal.aborted) return Promise.resolve('aborted');
      const lane = laneOf(target);
      if (!lane.hasRoom && lane.waiting >= maxWaiting) return Promise.resolve('full');
      open.begin();
      return lane.hasRoom ? Promise.resolve(lane.take()) : lane.wait(priority, signal);
    },
    depth: (target) => {
      const lane = lanes.get(target);
      return { running: lane?.running ?? 0, waiting: lane?.waiting ?? 0 };
    },
    ahead: (target, priority) => lanes.get(target)?.ahead(priority) ?? 0,
    idle: () => open.idle(),
  };
}

/** Places are counted here; whoever finds none waits in p-queue, which stands still for as long as none is free. */
class Lane {
  readonly #places: number;
  /** Of whoever runs or waits, in all lanes. */
  readonly #open: OpenCount;
  readonly #queue = new PQueue();
  /** How many wait, by their priority. */
  readonly #waitingWith = new Map<number, number>();
  #running = 0;

  constructor(places: number, open: OpenCount) {
    this.#places = places;
    this.#open = open;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  ahead(priority: number): number {
    let ahead = 0;
    for (const [theirs, count] of this.#waitingWith) if (theirs >= priority) ahead += count;
    return ahead;
  }

  get hasRoom(): boolean {
    return this.#running < this.#places && this.#queue.size === 0;
  }

  take(): Slot {
    this.#running += 1;
    if (this.#running >= this.#places) this.#queue.pause();
    let isHeld = true;
    return {
      release: () => {
        if (isHeld) this.#giveBack();
        isHeld = false;
      },
    };
  }

  wait(priority: number, signal: AbortSignal): Promise<Slot | 'aborted'> {
    this.#count(priority, 1);
    return new Promise((resolve) => {
      const served = (): void => {
        this.#count(priority, -1);
        resolve(this.take());
      };
      this.#queue.add(served, { priority, signal }).catch(() => {
        this.#count(priority, -1);
        resolve('aborted');
        this.#open.end();
      });
    });
  }

  #count(priority: number, change: 1 | -1): void {
    const waiting = (this.#waitingWith.get(priority) ?? 0) + change;
    if (waiting === 0) this.#waitingWith.delete(priority);
    else this.#waitingWith.set(priority, waiting);
  }

  #giveBack(): void {
    this.#running -= 1;
    this.#queue.start();
    this.#open.end();
  }
}
