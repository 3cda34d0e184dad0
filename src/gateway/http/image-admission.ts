// May this image be made now? The gateway's own bounds come first and cost nothing; then the key's limits, which reserve
// the most the request may cost. Whatever is turned away here has spent nothing.
import { dollars, LEAST_CAP, type MicroUsd, microUsd, ZERO_USD } from '../../domain/money.ts';
import type { ImageRequest } from '../../domain/request.ts';
import type { Lease } from '../ports.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { fromDenial, overloaded, shuttingDown } from './openai/errors.ts';
import type { ImageOrder } from './openai/order.ts';
import { dearestImages, worstOf } from './worst-cost.ts';

/** Throws Refusal 503. Asked before a body is read: an overloaded gateway reads nothing it will not use. */
export function refuseWhenFull({ isDraining, held, work }: Gateway): void {
  if (isDraining()) throw shuttingDown();
  if (held.isFull) throw overloaded('The gateway holds as many pictures as it may until their callers have taken them.');
  if (work.isFull) throw overloaded('As many image requests are running as may run at once.');
}

/** What was let in: the order with the cap it is held to, and its place inside the key's limits. */
export type Admitted = { readonly order: ImageOrder; readonly lease: Lease };

/** Takes a place inside the key's limits. Throws Refusal, or ImageRouterError `invalid_request`. */
export async function admit({ gateway, principal, id }: Call, asked: ImageOrder): Promise<Admitted> {
  const { usdPerDay, usdPerMonth } = principal.limits;
  const isBudgeted = usdPerDay !== undefined || usdPerMonth !== undefined;
  const order = isBudgeted ? capped(gateway, asked) : asked;
  const { request, model } = order;
  const lease = await gateway.gatekeeper.admit(principal, {
    requestId: id,
    images: request.n ?? 1,
    mostMicroUsd: request.maxCostUsd === undefined ? unbudgeted(gateway, request, isBudgeted) : microUsd(request.maxCostUsd),
    policy: request.policy,
    model,
  });
  if ('settle' in lease) return { order, lease };
  throw fromDenial(lease, gateway);
}

/**
 * A key with a budget reserves what the plan may cost at worst, which means planning once more, and the request is held to that:
 * no other fallback makes it dearer than what was reserved.
 */
function capped(gateway: Gateway, order: ImageOrder): ImageOrder {
  const { request } = order;
  if (request.maxCostUsd !== undefined) return order;
  const worst = worstOf(gateway, request, gateway.router().explain(request));
  return worst === undefined ? order : { ...order, request: { ...request, maxCostUsd: dollars(worst > LEAST_CAP ? worst : LEAST_CAP) } };
}

/**
 * Without a budget a reservation only matters when the process dies with calls in flight: one image of the dearest route in
 * question is near enough. With one, this is a request that no plan was found for: it reserves nothing, and is told so.
 */
function unbudgeted(gateway: Gateway, request: ImageRequest, isBudgeted: boolean): MicroUsd {
  return isBudgeted ? ZERO_USD : dearestImages(gateway, request);
}
