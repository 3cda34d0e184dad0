// When a delivery that failed is tried again: the schedule of the Standard Webhooks specification, ten tries over three days
// and three hours, with jitter so that what failed together does not come back together.
import type { Random } from '../../system/random.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Real milliseconds between the first try and the second, and so on. The first is made at once. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];

/** A tenth either way. */
const JITTER = 0.1;

/** `tries`: how many failed so far, this one included. Undefined: it was the last. */
export function retryDelayMs(tries: number, random: Random): number | undefined {
  const delayMs = RETRY_DELAYS_MS[tries - 1];
  return delayMs === undefined ? undefined : Math.round(delayMs * (1 - JITTER + 2 * JITTER * random.next()));
}
