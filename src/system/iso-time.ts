// Instants as people and protocols write them. Pure; it lives here because `Date` is banned elsewhere, so that nobody reads
// the machine's clock by accident.

/** Milliseconds since 1970 -> `2026-11-26T12:00:00.000Z`. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
