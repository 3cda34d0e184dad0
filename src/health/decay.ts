// How evidence loses weight with age. Everything learned in this folder fades exponentially in world time, so that a
// route that was sick at noon is not judged for it in the evening, and nobody has to run a sweep to forget.

/** The share of its weight that evidence keeps after `elapsedMs`: 1 at once, 1/2 after one half-life. */
export function fade(elapsedMs: number, halfLifeMs: number): number {
  return elapsedMs <= 0 ? 1 : 2 ** (-elapsedMs / halfLifeMs);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
