// The end of the event loop's present turn: when everything that arrived together has said what it wants. No time passes,
// so it is the same on every clock.

/** Runs `callback` once all that is ready now has run. Keeps the process alive until then. */
export function atEndOfTurn(callback: () => void): void {
  setImmediate(callback);
}

/** Resolves once everybody else who is ready has had a turn: long work asks for it now and then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => atEndOfTurn(resolve));
}

export interface Turns {
  /** Undefined: go on at once. Else resolves in a turn that has time left, in the order of asking. */
  enter(): Promise<void> | undefined;
}

/**
 * Shares the event loop out. Work that begins in one turn beyond `mostMs` real milliseconds waits; it begins, one a turn, and
 * newcomers are let in for twice as long as it took. A turn takes one connection off the kernel's queue (libuv): of thousands
 * who come at once most would be cut off there, and timers fire seconds late, if every turn were full of work.
 */
export function createTurns(mostMs: number): Turns {
  const waiting: (() => void)[] = [];
  /** When work last began; undefined: nobody has asked of late. */
  let began: number | undefined;
  let letInUntil = 0;
  let hasNewcomers = false;
  const next = (): void => {
    const now = performance.now();
    if (began !== undefined && letInUntil < began) letInUntil = now + NEWCOMERS_SHARE * (now - began);
    const isLettingIn = hasNewcomers && now < letInUntil;
    hasNewcomers = false;
    const begin = isLettingIn ? undefined : waiting.shift();
    if (begin !== undefined) began = performance.now();
    else if (waiting.length === 0) {
      began = undefined;
      return;
    }
    setImmediate(next);
    begin?.();
  };
  return {
    enter: () => {
      hasNewcomers = true;
      if (began === undefined) {
        began = performance.now();
        setImmediate(next);
        return undefined;
      }
      if (waiting.length === 0 && performance.now() - began < mostMs) return undefined;
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** Time for newcomers, to time for the work begun before. */
const NEWCOMERS_SHARE = 2;
