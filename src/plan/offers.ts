// What a caller could change so that the request works. A refusal without an offer leaves people guessing; each offer
// names one field, the value that would do, and the route it would use.
import { dollars, microUsd } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Exclusion, Offer } from '../domain/plan.ts';
import type { Target } from '../domain/route.ts';
import { chooseSize, formatSize, nearestOnGrid, parseSize } from '../domain/size.ts';
import { after } from '../domain/time.ts';
import type { Candidate } from './candidates.ts';
import type { Situation } from './situation.ts';

/** A budget is offered that the route meets nine times in ten. */
const OFFERED_CHANCE = 0.9;
const MOST_OFFERS = 4;

/** `isFeasible` plans a situation: an offer that would not work by itself is not made. */
export function offersFor(
  situation: Situation,
  excluded: readonly Exclusion[],
  reachable: readonly Candidate[],
  isFeasible: (changed: Situation) => boolean,
): readonly Offer[] {
  const reasonOf = new Map(excluded.map((exclusion) => [exclusion.target, exclusion.reason]));
  const offers: Offer[] = [];
  for (const candidate of reachable) {
    const offer = reachableOffer(candidate, reasonOf.get(candidate.target.id), situation);
    if (offer) offers.push(offer);
  }
  for (const target of situation.targets) {
    const offer = capabilityOffer(target, reasonOf.get(target.id), situation);
    if (offer) offers.push(offer);
  }
  const chosen: Offer[] = [];
  for (const offer of offers.toSorted((a, b) => rank(a) - rank(b))) {
    if (chosen.length === MOST_OFFERS || chosen.some((other) => other.change === offer.change)) continue;
    const changed = accepted(offer, situation);
    if (changed === undefined || isFeasible(changed)) chosen.push(offer);
  }
  return chosen;
}

/** The situation as it would be with the offer accepted; undefined for waiting, which no plan of now can judge. */
function accepted(offer: Offer, situation: Situation): Situation | undefined {
  const { need } = situation;
  const withNeed = (changes: Partial<Need>): Situation => ({ ...situation, need: { ...need, ...changes } });
  switch (offer.change) {
    case 'latencyBudgetMs':
      return { ...withNeed({ budgetMs: offer.to }), deadline: after(situation.now, offer.to) };
    case 'maxCostUsd':
      return withNeed({ maxCost: microUsd(offer.to) });
    case 'onLate':
      return withNeed({ mayDegrade: need.policy.mayDegrade });
    case 'size':
      return withNeed({ size: parseSize(offer.to) ?? need.size });
    case 'n':
      return withNeed({ n: Number(offer.to) });
    case 'background':
      return withNeed({ background: 'opaque' });
    case 'retryAfterMs':
      return undefined;
  }
}

function reachableOffer(candidate: Candidate, reason: string | undefined, situation: Situation): Offer | undefined {
  const route = candidate.target.route.id;
  switch (reason) {
    case 'price-cap':
      return { change: 'maxCostUsd', to: dollars(candidate.price.ceiling), route };
    case 'below-need':
      return candidate.chance < OFFERED_CHANCE / 2 ? undefined : { change: 'onLate', to: 'degrade', route, chance: candidate.chance };
    case 'breaker-open': {
      const { admission } = candidate.view;
      if (admission.kind !== 'open' || admission.retryAt === undefined) return undefined;
      return { change: 'retryAfterMs', to: Math.max(0, Math.ceil(admission.retryAt - situation.now)), route };
    }
    case 'rate-limited':
      return { change: 'retryAfterMs', to: Math.ceil(candidate.readyMs), route };
    default:
      return { change: 'latencyBudgetMs', to: offeredBudget(candidate), route, chance: candidate.success * OFFERED_CHANCE };
  }
}

/** The budget that nine successful calls in ten meet, rounded up to a whole second. */
function offeredBudget(candidate: Candidate): number {
  return Math.ceil((candidate.readyMs + candidate.latency.quantile(OFFERED_CHANCE)) / 1_000) * 1_000;
}

function capabilityOffer(target: Target, reason: string | undefined, situation: Situation): Offer | undefined {
  const { id: route, capabilities } = target.route;
  const { need } = situation;
  switch (reason) {
    case 'size': {
      if (capabilities.sizes.kind !== 'grid') return undefined;
      const nearest = nearestOnGrid(capabilities.sizes.multiple, need.size);
      return chooseSize(capabilities.sizes, nearest).kind === 'unsupported'
        ? undefined
        : { change: 'size', to: formatSize(nearest), route };
    }
    case 'images':
      return { change: 'n', to: String(capabilities.maxImages), route };
    case 'format':
      return { change: 'background', to: 'opaque', route };
    default:
      return undefined;
  }
}

/** Least painful first: another number before another picture; among equals the cheaper or sooner. */
function rank(offer: Offer): number {
  const order = ['onLate', 'latencyBudgetMs', 'maxCostUsd', 'retryAfterMs', 'size', 'background', 'n'];
  const amount = typeof offer.to === 'number' ? Math.min(0.999, offer.to / 1e9) : 0;
  return order.indexOf(offer.change) + amount;
}
