// Collects garbage on demand without asking whoever starts the script for a flag: what is left after it is really held.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** Collects now. Costs some milliseconds and belongs outside of what is timed. */
export function collectGarbage(): void {
  gc();
}

const SETTLES_MS = 200;
const MOST_LOOKS = 20;

/** Bytes held, once nothing more goes: finalizers, weak references and sockets that are being closed have their turns. */
export async function heldBytes(): Promise<number> {
  let held = await collectedBytes();
  for (let look = 1; look < MOST_LOOKS; look += 1) {
    await sleep(SETTLES_MS);
    const again = await collectedBytes();
    if (again > held * 0.99) return again;
    held = again;
  }
  return held;
}

async function collectedBytes(): Promise<number> {
  for (let pass = 0; pass < 4; pass += 1) {
    gc();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}
