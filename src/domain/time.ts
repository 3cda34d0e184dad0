// Instants and durations. An instant is world time on a monotonic clock: comparable with other instants of the
// same clock and with nothing else. Durations are plain numbers whose names end in `Ms`.

/** Milliseconds of world time since an arbitrary start; never goes back. */
export type InstantMs = number & { readonly __unit: 'instant-ms' };

export function after(instant: InstantMs, durationMs: number): InstantMs {
  return (instant + durationMs) as InstantMs;
}

export function earliest(...instants: readonly InstantMs[]): InstantMs {
  return Math.min(...instants) as InstantMs;
}

/** `850 ms`, `4.6 s`, `3 min 15 s`: what people read in tables and errors. */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return 'unbounded';
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 99_950) return `${(durationMs / 1_000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(durationMs / 1_000);
  const rest = seconds % 60 === 0 ? '' : ` ${seconds % 60} s`;
  return `${Math.floor(seconds / 60)} min${rest}`;
}
