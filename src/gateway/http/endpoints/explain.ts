// POST /v1/images/explain: what a generation with the same body would do now, and why. Nothing is sent and nothing is spent.
import { dollars } from '../../../domain/money.ts';
import type { Exclusion, Forecast, Plan, PlannedAttempt } from '../../../domain/plan.ts';
import type { Price } from '../../../domain/price.ts';
import { formatSize } from '../../../domain/size.ts';
import type { Explanation } from '../../../index.ts';
import type { Endpoint } from '../endpoint.ts';
import { wireOffer } from '../openai/errors.ts';
import { type Note, readOrder } from '../openai/order.ts';
import { readJsonBody } from '../read-json.ts';
import { sendJson } from '../send.ts';

export const explain: Endpoint = {
  method: 'POST',
  path: '/v1/images/explain',
  scope: 'read',
  summary: 'Say what a generation would do, how likely it is to be in time and what it would cost, without spending',
  handle: async (call) => {
    const order = readOrder(call.gateway, call.principal, await readJsonBody(call), call.headers, 'generation');
    const wantsPartials = order.stream && order.partialImages > 0;
    const explanation = call.gateway.router().explain(order.request, wantsPartials ? { onPartial: () => undefined } : {});
    return sendJson(call, 200, explanationObject(explanation, order.notes));
  },
};

function explanationObject({ need, plan, parts, preview }: Explanation, notes: readonly Note[]) {
  return {
    object: 'image.explanation',
    feasible: plan.kind === 'plan',
    need: {
      operation: need.operation,
      tier: need.tier,
      unhurried_tier: need.unhurriedTier,
      text_accuracy: need.textAccuracy,
      complexity: need.complexity,
      size: formatSize(need.size),
      n: need.n,
      output_format: need.format,
      background: need.background,
      latency_budget_ms: need.budgetMs,
      max_cost_usd: need.maxCost === undefined ? null : dollars(need.maxCost),
      policy: need.policy.id,
      evidence: need.evidence,
    },
    ...(plan.kind === 'plan'
      ? {
          ...planObject(plan),
          calls_side_by_side: parts,
        }
      : { binding: plan.binding, detail: plan.detail, offers: plan.offers.map(wireOffer) }),
    preview: preview === undefined ? null : planObject(preview),
    forecasts: plan.forecasts.map(forecastObject),
    excluded: plan.excluded.map(({ route, target, reason, detail }: Exclusion) => ({ route, target: target ?? null, reason, detail })),
    warnings: [...notes, ...need.warnings].map(({ code, detail }) => ({ code, detail })),
  };
}

function planObject({ chance, expectedCost, worstCost, attempts }: Plan) {
  return {
    chance,
    cost_usd: { expected: dollars(expectedCost), worst: dollars(worstCost) },
    attempts: attempts.map(attemptObject),
  };
}

function attemptObject({ route, target, startMs, hedge, price, images, why }: PlannedAttempt) {
  return { route, target, start_ms: startMs ?? null, hedge: hedge ?? null, price_usd: priceObject(price), images, why };
}

function forecastObject(forecast: Forecast) {
  const { route, target, tier, chance, latencyMsP50, latencyMsP95, queueWaitMs, price, below, valueUsd } = forecast;
  return {
    route,
    target,
    tier,
    chance,
    latency_ms: { p50: Math.round(latencyMsP50), p95: Math.round(latencyMsP95) },
    queue_wait_ms: Math.round(queueWaitMs),
    price_usd: priceObject(price),
    below,
    value_usd: valueUsd,
  };
}

function priceObject({ expected, ceiling }: Price) {
  return { expected: dollars(expected), ceiling: dollars(ceiling) };
}
