// A plan for people and for machines: every target with its chance, latency and price, whether it was chosen and why not.
import { dollars, formatUsd } from '../domain/money.ts';
import type { Exclusion, Forecast, Infeasible, Plan, PlannedAttempt } from '../domain/plan.ts';
import type { Price } from '../domain/price.ts';
import { durationText } from './duration-text.ts';
import type { Paint } from './paint.ts';
import { type Column, renderTable } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'target' },
  { title: 'tier' },
  { title: 'in time', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: 'price', align: 'right' },
  { title: 'verdict' },
];

export function targetTable(plan: Plan | Infeasible, width: number, paint: Paint): string {
  const attempts = plan.kind === 'plan' ? plan.attempts : [];
  const forecastRows = plan.forecasts.map((forecast) => [
    forecast.target,
    forecast.tier,
    `${Math.round(forecast.chance * 100)} %`,
    durationText(forecast.latencyMsP50),
    durationText(forecast.latencyMsP95),
    formatUsd(forecast.price.expected),
    verdictOf(forecast, attempts, plan.excluded, paint),
  ]);
  const unable = plan.excluded.filter(({ target }) => !plan.forecasts.some((forecast) => forecast.target === target));
  const unableRows = unable.map(({ target, route, reason, detail }) => [
    target ?? route,
    '-',
    '-',
    '-',
    '-',
    '-',
    paint('yellow', `${reason}: ${detail}`),
  ]);
  return renderTable(COLUMNS, [...forecastRows, ...unableRows], width);
}

function verdictOf(forecast: Forecast, attempts: readonly PlannedAttempt[], excluded: readonly Exclusion[], paint: Paint): string {
  const exclusion = excluded.find(({ target }) => target === forecast.target);
  if (exclusion) return paint('yellow', `${exclusion.reason}: ${exclusion.detail}`);
  const places = attempts.flatMap(({ target }, index) => (target === forecast.target ? [index + 1] : []));
  if (places.length > 0) return paint('green', `chosen, attempt ${places.join(' and ')}`);
  const below = forecast.below.length === 0 ? '' : `, below the need in ${forecast.below.map(describeBelow).join(' and ')}`;
  return paint('dim', `possible, worth less than the plan${below}`);
}

function describeBelow(below: Forecast['below'][number]): string {
  return below === 'visual' ? 'picture' : 'lettering';
}

/** The plan in words, one line an attempt; none when there is no plan. */
export function attemptLines(plan: Plan | Infeasible): readonly string[] {
  return plan.kind === 'infeasible' ? [] : plan.attempts.map((attempt) => `${attempt.route}: ${attempt.why}`);
}

/** What the whole plan promises and costs, or why there is none. */
export function planVerdict(plan: Plan | Infeasible): string {
  if (plan.kind === 'infeasible') return `not possible within the limits: ${plan.detail}`;
  const cost = `${formatUsd(plan.expectedCost)} expected, ${formatUsd(plan.worstCost)} at worst`;
  return `in all ${Math.round(plan.chance * 100)} % in time; ${cost}`;
}

export function planJson(plan: Plan | Infeasible): Record<string, unknown> {
  const forecasts = plan.forecasts.map((forecast) => ({ ...forecast, price: priceJson(forecast.price) }));
  if (plan.kind === 'infeasible') return { ...plan, forecasts };
  const { expectedCost, worstCost, attempts, ...rest } = plan;
  return {
    ...rest,
    expectedCostUsd: dollars(expectedCost),
    worstCostUsd: dollars(worstCost),
    attempts: attempts.map((attempt) => ({ ...attempt, price: priceJson(attempt.price) })),
    forecasts,
  };
}

export function priceJson(price: Price): { readonly expectedUsd: number; readonly ceilingUsd: number } {
  return { expectedUsd: dollars(price.expected), ceilingUsd: dollars(price.ceiling) };
}
