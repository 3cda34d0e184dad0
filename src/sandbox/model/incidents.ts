// Whole routes falling ill: up or down, with memoryless arrivals and lognormal spells (field reports, a proposal from
// status pages). A pure function of seed, route and time: a day's incidents are drawn from the day, so that asking twice,
// late or out of order gives one history.
import type { ProviderKind } from '../../domain/vocabulary.ts';
import { type Random, seededRandom } from '../../system/random.ts';
import { normal, uniform } from './draws.ts';

export type Incident = {
  /** Milliseconds of the calendar, whose first day starts at 0. */
  readonly startMs: number;
  readonly endMs: number;
  /** Share of calls that are answered 503. */
  readonly errorShare: number;
  /** Times slower than when healthy. */
  readonly slowdown: number;
};

type Regime = {
  readonly perDay: number;
  readonly medianMinutes: number;
  readonly sigma: number;
  readonly errorShare: number;
  readonly slowdown: readonly [low: number, high: number];
  /** How much likelier an incident starts between 10 and 14 UTC than at other hours. */
  readonly middayWeight: number;
};

const REGIMES: Readonly<Record<ProviderKind, Regime>> = {
  openai: { perDay: 1 / 20, medianMinutes: 60, sigma: 1, errorShare: 0.3, slowdown: [2, 2], middayWeight: 1 },
  google: { perDay: 1, medianMinutes: 45, sigma: 0.6, errorShare: 0.45, slowdown: [3, 5], middayWeight: 5 },
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The longest on the status page that was read. It bounds how many days back an incident may have begun. */
const LONGEST_MINUTES = 1_924;
const DAYS_BACK = Math.ceil((LONGEST_MINUTES * MINUTE_MS) / DAY_MS);
/** More in one day would be one incident to anybody. */
const MOST_PER_DAY = 8;

/** The incident of a route at `calendarMs`, if it is ill; of several, the one that began last. */
export function incidentAt(seed: string | number, routeId: string, provider: ProviderKind, calendarMs: number): Incident | undefined {
  const today = Math.floor(calendarMs / DAY_MS);
  for (let day = today; day >= Math.max(0, today - DAYS_BACK); day -= 1) {
    const found = incidentsOf(seed, routeId, provider, day).findLast(({ startMs, endMs }) => calendarMs >= startMs && calendarMs < endMs);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All that begin on a day, in order. */
export function incidentsOf(seed: string | number, routeId: string, provider: ProviderKind, day: number): readonly Incident[] {
  const regime = REGIMES[provider];
  const random = seededRandom(`${seed}|incidents|${routeId}|${day}`);
  return Array.from({ length: poisson(random, regime.perDay) }, () => drawIncident(random, regime, day)).sort(
    (a, b) => a.startMs - b.startMs,
  );
}

function drawIncident(random: Random, regime: Regime, day: number): Incident {
  const startMs = day * DAY_MS + startHour(random, regime.middayWeight) * HOUR_MS;
  const minutes = Math.min(LONGEST_MINUTES, regime.medianMinutes * Math.exp(regime.sigma * normal(random)));
  return { startMs, endMs: startMs + minutes * MINUTE_MS, errorShare: regime.errorShare, slowdown: uniform(random, ...regime.slowdown) };
}

function startHour(random: Random, middayWeight: number): number {
  const midday = 4 * middayWeight;
  const at = random.next() * (20 + midday);
  if (at < 10) return at;
  return at < 10 + midday ? 10 + (at - 10) / middayWeight : at - midday + 4;
}

/** Knuth's method: the rates are small. */
function poisson(random: Random, mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit && count < MOST_PER_DAY; product *= random.next()) count += 1;
  return count;
}
