// UTC days and months of an instant, by arithmetic alone: limits in dollars are counted in them, and free when they end.

const DAY_MS = 86_400_000;

/** `2026-11-26` and `2026-11`, of milliseconds since 1970. */
export function periodsOf(wallMs: number): { readonly day: string; readonly month: string } {
  const days = Math.floor(wallMs / DAY_MS);
  // Civil date from days since 1970 (Hinnant's algorithm): the only arithmetic with dates there is here.
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (part: number): string => String(part).padStart(2, '0');
  return { day: `${year}-${two(month)}-${two(day)}`, month: `${year}-${two(month)}` };
}

/** When the period of a limit ends, as milliseconds since 1970. */
export function periodEnd(limit: 'usdPerDay' | 'usdPerMonth', wallMs: number): number {
  const nextDay = (Math.floor(wallMs / DAY_MS) + 1) * DAY_MS;
  if (limit === 'usdPerDay') return nextDay;
  const { month } = periodsOf(wallMs);
  let end = nextDay;
  while (periodsOf(end).month === month) end += DAY_MS;
  return end;
}
