// May this image be made now? The gateway's own bounds come first and cost nothing; then the key's limits, which reserve
// the most the request may cost. Whatever is turned away here has spent nothing.
import { type MicroUsd, microUsd } from '../../domain/money.ts';
import { isHindered } from '../../domain/plan.ts';
import type { Lease, Principal } from '../ports.ts';
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

/** Takes a place inside the key's limits. Throws Refusal, or ImageRouterError `invalid_request`. */
export async function admit({ gateway, principal, id }: Call, order: ImageOrder): Promise<Lease> {
  const { request, model } = order;
  const lease = await gateway.gatekeeper.admit(principal, {
    requestId: id,
    images: request.n ?? 1,
    mostMicroUsd: mostItMayCost(gateway, principal, order),
    policy: request.policy,
    model,
  });
  if ('settle' in lease) return lease;
  throw fromDenial(lease, gateway);
}

/**
 * A key with a budget reserves what the plan may cost at worst, preview and interim pictures included, which means planning once
 * more; it is not held to that, or a retry that nobody planned would be refused. Without a budget a reservation only matters when
 * the process dies with calls in flight: its images at the dearest route in question are near enough.
 */
function mostItMayCost(gateway: Gateway, { limits }: Principal, { request, stream, partialImages }: ImageOrder): MicroUsd {
  if (request.maxCostUsd !== undefined) return microUsd(request.maxCostUsd);
  if (limits.usdPerDay === undefined && limits.usdPerMonth === undefined) return dearestImages(gateway, request);
  const onPartial = stream && partialImages > 0 ? { onPartial: () => undefined } : {};
  const router = gateway.router();
  const explanation = router.explain(request, onPartial);
  // Sick routes may be well again by the time it is planned in earnest.
  const isUncertain = explanation.plan.kind === 'infeasible' && explanation.plan.excluded.some(isHindered);
  const worst = worstOf(isUncertain ? router.explain(request, { ...onPartial, onceWell: true }) : explanation);
  const { maxCost = worst } = explanation.need;
  return maxCost < worst ? maxCost : worst;
}
