// GET /v1/routes: what is believed of every route at every endpoint now: may it be used, and if not why; how fast, how
// reliable, how dear, how busy. Times are world milliseconds, as everywhere.
import { dollars } from '../../../domain/money.ts';
import { priceOf } from '../../../domain/price.ts';
import type { Route } from '../../../domain/route.ts';
import type { TargetHealth } from '../../../index.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Gateway } from '../gateway.ts';
import { sendJson } from '../send.ts';

export const routes: Endpoint = {
  method: 'GET',
  path: '/v1/routes',
  scope: 'read',
  summary: 'See health, breaker, learned latency and price of every route',
  handle: (call) => {
    const rows = call.gateway.router().health();
    return sendJson(call, 200, { object: 'list', data: rows.flatMap((row) => routeObject(row, call.gateway)) });
  },
};

function routeObject(row: TargetHealth, gateway: Gateway) {
  const route = gateway.options().routes.find((known) => known.id === row.route);
  // A reload may have taken it away in this very moment.
  if (route === undefined) return [];
  const now = gateway.clock.now();
  return [
    {
      object: 'route',
      id: row.target,
      route: row.route,
      model: route.model,
      quality: route.settings.quality ?? null,
      tier: row.tier,
      operation: row.operation,
      breaker: breakerObject(row, now),
      rate_limited_for_ms: row.notBefore === undefined ? 0 : Math.round(row.notBefore - now),
      latency_ms: { p50: Math.round(row.latencyMsP50), p95: Math.round(row.latencyMsP95) },
      slower_than_expected: row.drift,
      images_seen: row.observations,
      success: row.success,
      silent: row.silent,
      in_flight: row.inFlight,
      waiting: row.waiting,
      price_usd: priceObject(row, route, gateway),
    },
  ];
}

const STATES = { closed: 'closed', probe: 'half-open', open: 'open' } as const;

function breakerObject({ admission }: TargetHealth, now: number) {
  const isOpen = admission.kind === 'open';
  return {
    state: STATES[admission.kind],
    reason: isOpen ? admission.reason : null,
    retry_in_ms: isOpen && admission.retryAt !== undefined ? Math.max(0, Math.round(admission.retryAt - now)) : null,
  };
}

/** One 1024x1024 image for a short prompt, at what its endpoint charges. */
function priceObject({ target }: TargetHealth, route: Route, gateway: Gateway) {
  const endpoint = gateway.options().endpoints.find(({ id }) => target.endsWith(`@${id}`));
  const { sizes } = route.capabilities;
  const resolution = sizes.kind === 'ratios' ? Object.keys(sizes.resolutions)[0] : undefined;
  const shape = { size: { width: 1024, height: 1024 }, resolution, n: 1, references: 0, partials: 0, promptBytes: TYPICAL_PROMPT_BYTES };
  const { expected, ceiling } = priceOf(endpoint?.prices?.[route.id] ?? route.price, shape);
  return { expected: dollars(expected), ceiling: dollars(ceiling) };
}

const TYPICAL_PROMPT_BYTES = 200;
