// What a request may cost at worst, which is what a key reserves for it.
import { addUsd, type MicroUsd, ZERO_USD } from '../../domain/money.ts';
import { priceOf } from '../../domain/price.ts';
import type { ImageRequest } from '../../domain/request.ts';
import { parseSize, type Size } from '../../domain/size.ts';
import type { Explanation } from '../../index.ts';
import type { Gateway } from './gateway.ts';

/** What one whole plan of it costs at worst, its preview included; nothing where there is none. */
export function worstOf({ plan, preview }: Explanation): MicroUsd {
  return plan.kind === 'plan' ? addUsd(plan.worstCost, preview?.worstCost ?? ZERO_USD) : ZERO_USD;
}

/** What the request's images cost at the dearest route in question. */
export function dearestImages({ options }: Gateway, request: ImageRequest): MicroUsd {
  const shape = {
    size: (request.size === undefined ? undefined : parseSize(request.size)) ?? USUAL_SIZE,
    resolution: undefined,
    n: request.n ?? 1,
    references: request.referenceImages?.length ?? 0,
    partials: 0,
    promptBytes: Buffer.byteLength(request.prompt),
  };
  const { tier, route, model } = request;
  const prices = options().routes.map((known) => {
    const isOut = (tier ?? known.tier) !== known.tier || (route ?? known.id) !== known.id || (model ?? known.model) !== known.model;
    return isOut ? ZERO_USD : priceOf(known.price, shape).ceiling;
  });
  return prices.reduce((most, price) => (price > most ? price : most), ZERO_USD);
}

const USUAL_SIZE: Size = { width: 1024, height: 1024 };
