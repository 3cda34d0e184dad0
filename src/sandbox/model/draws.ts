// Random numbers of the behaviour model. Every draw is a function of the sandbox's seed, what was asked and how often it
// was asked before, never of arrival order: two runs whose concurrent calls interleave differently still agree.
import { normalQuantile } from '../../domain/latency.ts';
import { type Random, seededRandom } from '../../system/random.ts';

/** Which call this is: the same question asked again is the next occurrence. */
export type DrawKey = { readonly seed: string | number; readonly question: string; readonly occurrence: number };

/** A fresh stream for one purpose of one call; streams of different purposes are independent. */
export function streamFor(key: DrawKey, purpose: string): Random {
  return seededRandom(`${key.seed}|${purpose}|${key.occurrence}|${key.question}`);
}

export function uniform(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

/** Standard normal. Probabilities are kept away from 0 and 1, where the quantile is infinite. */
export function normal(random: Random): number {
  return normalQuantile(Math.min(1 - 2 ** -33, Math.max(2 ** -33, random.next())));
}

/** Lower-case hexadecimal digits, for request ids and the like. */
export function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random.next() * 16).toString(16)).join('');
}
