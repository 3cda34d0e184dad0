// Collects garbage on demand without asking whoever starts the script for a flag: what is left after it is really held.
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** Collects now. Costs some milliseconds and belongs outside of what is timed. */
export function collectGarbage(): void {
  gc();
}

/** Bytes held, after finalizers and weak references had their turns too. */
export async function heldBytes(): Promise<number> {
  for (let pass = 0; pass < 4; pass += 1) {
    gc();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}
