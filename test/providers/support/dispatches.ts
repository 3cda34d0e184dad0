// Watches what the wire hands to undici: the only place where its timeouts can be seen without waiting for them.
import { Agent } from 'undici';
import { vi } from 'vitest';

/** The options of every dispatch made while `run` runs. */
export async function dispatchesDuring(run: () => Promise<unknown>): Promise<readonly object[]> {
  const dispatch = vi.spyOn(Agent.prototype, 'dispatch');
  try {
    await run();
    return dispatch.mock.calls.map(([options]) => options);
  } finally {
    dispatch.mockRestore();
  }
}
