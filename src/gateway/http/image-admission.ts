// May this image be made now? The gateway's own bounds come first and cost nothing; then the key's limits, which reserve
// the most the request may cost. Whatever is turned away here has spent nothing.
import { type MicroUsd, microUsd, ZERO_USD } from '../../domain/money.ts';
import { priceOf } from '../../domain/price.ts';
import type { ImageRequest } from '../../domain/request.ts';
import { parseSize, type Size } from '../../domain/size.ts';
import type { Lease } from '../ports.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { fromDenial, overloaded, shuttingDown } from './openai/errors.ts';
import type { ImageOrder } from './openai/order.ts';

/** Throws Refusal 503. Asked before a body is read: an overloaded gateway reads nothing it will not use. */
export function refuseWhenFull({ isDraining, held, work }: Gateway): void {
  if (isDraining()) throw shuttingDown();
  if (held.isFull) throw overloaded('The gateway holds as many pictures as it may until their callers have taken them.');
  if (work.isFull) throw overloaded('As many image requests are running as may run at once.');
}

/** Takes a place inside the key's limits. Throws Refusal, or ImageRouterError `invalid_request`. */
export async function admit({ gateway, principal, id }: Call, order: ImageOrder): Promise<Lease> {
  const { request, model } = order;
  const { usdPerDay, usdPerMonth } = principal.limits;
  const isBudgeted = usdPerDay !== undefined || usdPerMonth !== undefined;
  const lease = await gateway.gatekeeper.admit(principal, {
    requestId: id,
    images: request.n ?? 1,
    mostMicroUsd: mostItMayCost(gateway, order, isBudgeted),
    policy: request.policy,
    model,
  });
  if ('settle' in lease) return lease;
  throw fromDenial(lease, gateway);
}

/**
 * A key with a budget reserves what the plan may cost at worst, which means planning once more. Other reservations only
 * matter when the process dies with calls in flight: one image of the dearest route in question is near enough.
 */
function mostItMayCost(gateway: Gateway, { request }: ImageOrder, isBudgeted: boolean): MicroUsd {
  if (request.maxCostUsd !== undefined) return microUsd(request.maxCostUsd);
  if (!isBudgeted) return dearestImages(gateway, request);
  const { plan } = gateway.router().explain(request);
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
