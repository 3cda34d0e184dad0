// Finds the neighbour of a place in the prompt among hits, quotes or words in order. Binary search, because every quote asks
// for its neighbours and a prompt may be thousands of quotes.

/** Binary search over spots in order that do not overlap: the last that ends at or before `at`. */
export function lastBefore<T extends { readonly end: number }>(spots: readonly T[], at: number): T | undefined {
  let low = 0;
  let high = spots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const spot = spots[middle];
    if (spot !== undefined && spot.end <= at) low = middle + 1;
    else high = middle;
  }
  return spots[low - 1];
}

/** The first that starts at or after `at`. */
export function firstFrom<T extends { readonly start: number }>(spots: readonly T[], at: number): T | undefined {
  return spots[indexFrom(spots, at)];
}

/** Its index: the length of the list when there is none. */
export function indexFrom(spots: readonly { readonly start: number }[], at: number): number {
  let low = 0;
  let high = spots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const spot = spots[middle];
    if (spot !== undefined && spot.start < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
