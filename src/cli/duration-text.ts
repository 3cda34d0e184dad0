// Durations where people read them: as the domain writes them, without the seconds that are zero.
import { formatDuration } from '../domain/time.ts';

/** `3 min`, `3 min 15 s`, `4.6 s`. */
export function durationText(durationMs: number): string {
  return formatDuration(durationMs).replace(/ min 0 s$/, ' min');
}
