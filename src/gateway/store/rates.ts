// How much of a rate is in use, as a whole number that agrees with what was decided: a bucket refills evenly, so between two
// requests a fraction of one is used up. Rounded down it would say that there was room.

/** What a comparison of tokens forgives; the same as in SQL. */
const HAIR = 0.000_001;

/** More than `most` less what was asked for, whenever that had no room. */
export function usedOf(most: number, tokens: number): number {
  return Math.ceil(most - tokens - HAIR);
}
