// One line of advice after a drill: the first thing in the caller's own configuration that would have helped. It reads
// what happened, and never guesses what other limits would do beyond the offers the router made itself.

import type { Endpoint } from '../../domain/endpoint.ts';
import { formatUsd, microUsd } from '../../domain/money.ts';
import type { Offer } from '../../domain/plan.ts';
import type { Policy } from '../../domain/policy.ts';
import { durationText } from '../duration-text.ts';
import type { Figures } from './figures.ts';
import type { Observation } from './run-drill.ts';

export type Drilled = {
  readonly endpoints: readonly Endpoint[];
  readonly policy: Policy;
  /** The requests that met the fault, and what they would have cost without it. */
  readonly during: readonly Observation[];
  readonly figures: Figures;
  readonly without: Figures;
};

/** Above this share of all spending, waste is worth a word. */
const NOTABLE_WASTE = 0.15;

export function adviseOn(drilled: Drilled): string {
  const { figures } = drilled;
  if (figures.failed > 0) return adviseOnFailures(drilled);
  if (figures.degraded > 0) {
    return `all were delivered, ${figures.degraded} of ${figures.requests} below the need: a longer budget or a higher price cap would buy better ones`;
  }
  const spent = (figures.costPerImage ?? 0) * figures.delivered;
  if (figures.wasted > NOTABLE_WASTE * spent) {
    const share = Math.round((100 * figures.wasted) / spent);
    return `every request was delivered in time; ${share} % of the money may have gone to calls that were given up: hedgeBudgetUsd of policy ${drilled.policy.id} bounds it`;
  }
  return 'nothing to change: every request was delivered in time';
}

function adviseOnFailures({ endpoints, policy, during, figures, without }: Drilled): string {
  const [only, ...others] = new Set(endpoints.map(({ provider }) => provider));
  if (only !== undefined && others.length === 0 && endpoints.length === 1) {
    return `every endpoint is ${only}'s: one of another provider, or a second way to this one, would have answered`;
  }
  const lost = `${figures.failed} of ${figures.requests} failed`;
  if ((figures.failedByCode.get('refused') ?? 0) * 2 > figures.failed && !policy.fallbackOnRefusal) {
    return `${lost}: policy ${policy.id} forbids fallback after a refusal (fallbackOnRefusal: false), so a provider's false alarm loses the request`;
  }
  const offer = commonest(during.flatMap(usefulOffers));
  if (offer !== undefined) return `${lost}: ${adviseOffer(offer, policy)}`;
  if (figures.failed <= without.failed) return `${lost}, as many as without the fault: they ask for what no route can do`;
  const [code] = figures.failedByCode.keys();
  // A deadline passed with nothing else tried: the calls were in flight before anything looked wrong.
  if (code === 'deadline_exceeded') {
    const budgetMs = Math.min(...during.map((one) => one.budgetMs));
    return `${lost}: they were sent before the router noticed, and a budget of ${durationText(budgetMs)} has no room for a second call`;
  }
  const message = during.find((one) => one.code === code)?.message ?? '';
  return `${lost} as ${code}, under policy ${policy.id} with nothing else left to ask: ${message}`;
}

/** The best offer a request was made, unless it is the time it had: by then that time was gone. */
function usefulOffers({ offers, budgetMs }: Observation): readonly Offer[] {
  return offers.filter((offer) => offer.change !== 'latencyBudgetMs' || offer.to > budgetMs).slice(0, 1);
}

function adviseOffer(offer: Offer, policy: Policy): string {
  switch (offer.change) {
    case 'latencyBudgetMs':
      return `a budget of ${durationText(offer.to)} would let ${offer.route} answer (latencyBudgetMs, or patienceMs of policy ${policy.id})`;
    case 'maxCostUsd':
      return `a price cap of ${formatUsd(microUsd(offer.to))} would let ${offer.route} answer`;
    case 'onLate':
      return `policy ${policy.id} says onLate: fail; degrade would let ${offer.route} answer`;
    case 'retryAfterMs':
      return `nothing else may serve them; they would have worked again after ${durationText(offer.to)}`;
    default:
      return `${offer.change} ${offer.to} would let ${offer.route} answer`;
  }
}

/** The change offered most often, at the most that was asked for it. */
function commonest(offers: readonly Offer[]): Offer | undefined {
  const groups = [...Map.groupBy(offers, ({ change }) => change).values()].sort((a, b) => b.length - a.length);
  return groups[0]?.reduce((most, offer) => (Number(offer.to) > Number(most.to) ? offer : most));
}
