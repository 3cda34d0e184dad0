// How likely a call is to end in a usable image: a Beta posterior per target and operation, seeded by the catalogue, that
// forgets both with time and with every call. Siblings at the same endpoint lend a part of their trouble: one sick route
// makes the others a little suspect, a sick provider makes all of them so, and a route's own calls outweigh hearsay.
// Ignored evidence (refusals, cancels, malformed requests) changes nothing at all.
import type { InstantMs } from '../domain/time.ts';
import { clamp, fade } from './decay.ts';

/** What an ended call says about its route. */
export type Evidence = 'for' | 'against' | 'ignored';

/** The catalogue's success weighs as much as 20 calls: six failures in a row take 0.985 to 0.76, one takes it to 0.94. */
const PRIOR_CALLS = 20;
/** A memory of 60 calls: a brown-out of 30 % shows within the 35 calls the detector takes (T3), while noise stays near 2 points. */
const KEPT_PER_CALL = 1 - 1 / 60;
/** What was learned before a pause fades in time as well; half of the 44 minutes an incident takes to mitigate (T2). */
const HALF_LIFE_MS = 20 * 60_000;
/** A sibling is believed halfway after ten calls. */
const SIBLING_CALLS = 10;
/** Never certain in either direction: the view promises the open interval. */
const SMALLEST = 0.001;

export class SuccessBelief {
  readonly #prior: number;
  #for = 0;
  #against = 0;
  #at: InstantMs | undefined;

  constructor(prior: number) {
    if (!(prior > 0 && prior <= 1)) throw new RangeError(`prior success must be in (0, 1], got ${prior}`);
    this.#prior = prior;
  }

  record(evidence: Evidence, now: InstantMs): void {
    if (evidence === 'ignored') return;
    const kept = this.#kept(now) * KEPT_PER_CALL;
    this.#for = this.#for * kept + (evidence === 'for' ? 1 : 0);
    this.#against = this.#against * kept + (evidence === 'against' ? 1 : 0);
    this.#at = now;
  }

  /** Probability of success in (0, 1), given what `siblings` at the same endpoint have seen. */
  estimate(siblings: Iterable<SuccessBelief>, now: InstantMs): number {
    const kept = this.#kept(now);
    const seeded = PRIOR_CALLS * this.#prior * endpointFactor(siblings, now);
    const probability = (seeded + this.#for * kept) / (PRIOR_CALLS + (this.#for + this.#against) * kept);
    return clamp(probability, SMALLEST, 1 - SMALLEST);
  }

  /** Its own success as a share of what the catalogue expects, and how far that is to be believed. */
  testimony(now: InstantMs): { readonly ratio: number; readonly weight: number } {
    const calls = this.#for + this.#against;
    if (calls === 0) return { ratio: 1, weight: 0 };
    const faded = calls * this.#kept(now);
    return { ratio: Math.min(1, this.#for / calls / this.#prior), weight: faded / (faded + SIBLING_CALLS) };
  }

  #kept(now: InstantMs): number {
    return this.#at === undefined ? 1 : fade(now - this.#at, HALF_LIFE_MS);
  }
}

/**
 * By how much the endpoint's other routes lower a route's prior: the mean of their testimonies and of one healthy witness,
 * each route one voice however many calls it made. One sibling all failing: at worst 1/2. Three: at worst 1/4.
 */
function endpointFactor(siblings: Iterable<SuccessBelief>, now: InstantMs): number {
  let voices = 1;
  let sum = 1;
  for (const sibling of siblings) {
    const { ratio, weight } = sibling.testimony(now);
    voices += weight;
    sum += weight * ratio;
  }
  return sum / voices;
}
