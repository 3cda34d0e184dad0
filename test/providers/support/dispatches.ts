// Watches what fetch hands to undici: the only place where its timeouts can be seen without waiting for them.
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');

/** The options of every dispatch made while `run` runs. */
export async function dispatchesDuring(run: () => Promise<unknown>): Promise<readonly object[]> {
  const original = Reflect.get(globalThis, GLOBAL_DISPATCHER);
  const seen: object[] = [];
  const dispatch = (options: object, handler: object): boolean => {
    seen.push(options);
    return original.dispatch(options, handler);
  };
  Reflect.set(globalThis, GLOBAL_DISPATCHER, { dispatch });
  try {
    await run();
  } finally {
    Reflect.set(globalThis, GLOBAL_DISPATCHER, original);
  }
  return seen;
}
