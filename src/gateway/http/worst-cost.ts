// What a request may cost at worst, which is what a key reserves for it.
import { addUsd, type MicroUsd, ZERO_USD } from '../../domain/money.ts';
import { priceOf } from '../../domain/price.ts';
import type { ImageRequest } from '../../domain/request.ts';
import { parseSize, type Size } from '../../domain/size.ts';
import type { Explanation } from '../../index.ts';
import type { Gateway } from './gateway.ts';

/** What one whole plan of it costs at worst, its preview included. Undefined: it is infeasible now. */
export function worstOf(gateway: Gateway, request: ImageRequest, { plan, need }: Explanation): MicroUsd | undefined {
  if (plan.kind === 'infeasible') return undefined;
  const hasPreview = request.preview === true || (need.policy.precheck && need.tier === 'premium');
  return hasPreview ? addUsd(plan.worstCost, worstOfPreview(gateway, request)) : plan.worstCost;
}

function worstOfPreview(gateway: Gateway, request: ImageRequest): MicroUsd {
  const { quality: _, route: __, model: ___, ...rest } = request;
  const { plan } = gateway.router().explain({ ...rest, n: 1, tier: 'preview', textAccuracy: 'none' });
  return plan.kind === 'plan' ? plan.worstCost : ZERO_USD;
}

/** What the request's images cost at the dearest route in question. */
export function dearestImages({ options }: Gateway, request: ImageRequest): MicroUsd {
  const shape = {
    size: (request.size === undefined ? undefined : parseSize(request.size)) ?? USUAL_SIZE,
    resolution: undefined,
    n: request.n ?? 1,
    references: request.referenceImages?.length ?? 0,
    partials: 0,
    promptBytes: request.prompt.length,
  };
  const { tier, route, model } = request;
  const prices = options().routes.map((known) => {
    const isOut = (tier ?? known.tier) !== known.tier || (route ?? known.id) !== known.id || (model ?? known.model) !== known.model;
    return isOut ? ZERO_USD : priceOf(known.price, shape).ceiling;
  });
  return prices.reduce((most, price) => (price > most ? price : most), ZERO_USD);
}

const USUAL_SIZE: Size = { width: 1024, height: 1024 };
