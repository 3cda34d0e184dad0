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
