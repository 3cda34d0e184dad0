import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { compose } from '../../../src/compose.ts';
import type { HttpEvent } from '../../../src/gateway/http/http-event.ts';
import { createObserver, type Observer } from '../../../src/gateway/observe/observer.ts';
import type { ImageRouter } from '../../../src/index.ts';
import { resolveOptions } from '../../../src/options.ts';
import type { Provider, ProviderReply } from '../../../src/providers/provider.ts';
import { systemClock } from '../../../src/system/clock.ts';

const CANARY_PROMPT = 'a canary-prompt-5e1f perched on a crate';
const CANARY_KEY = 'sk-canary-key-77aa31';
const CANARY_TENANT = 'canary-tenant-0b2c';
const PICTURE = Buffer.from('canary-picture-bytes-9d04');

const open: { observer: Observer; router: ImageRouter }[] = [];
afterEach(async () => {
  for (const { observer, router } of open.splice(0)) {
    await router.close();
    await observer.close();
  }
});

type World = { readonly router: ImageRouter; readonly observer: Observer; readonly lines: () => readonly Record<string, unknown>[] };

/** A real router over providers that answer at once, watched at the finest level. */
async function world(generate: Provider['generate'], otlpEndpoint?: string): Promise<World> {
  const provider: Provider = { generate, ready: async () => undefined, close: async () => undefined };
  const written: string[] = [];
  const options = resolveOptions({
    endpoints: [{ id: 'openai', provider: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: CANARY_KEY }],
  });
  const clock = systemClock(1);
  let router: ImageRouter | undefined;
  const observer = await createObserver({
    clock,
    logLevel: 'debug',
    logDestination: { write: (line) => void written.push(line) },
    otlpEndpoint,
    modelOf: () => ({ model: 'gpt-image-2', provider: 'openai' }),
    health: () => router?.health() ?? [],
    load: () => ({ running: 3, heldBytes: 1_234 }),
  });
  router = compose(options, { clock, providers: { openai: provider, google: provider }, listener: observer.listener });
  open.push({ observer, router });
  return { router, observer, lines: () => written.map((line): Record<string, unknown> => JSON.parse(line)) };
}

const delivered: Provider['generate'] = async ({ deliver, format }) => ({
  kind: 'delivered',
  images: [{ bytes: PICTURE, format, mediaType: `image/${format}`, ...deliver }],
  adjustments: [],
  usage: { textInTokens: 10, imageInTokens: 0, imageOutTokens: 196, textOutTokens: 0 },
  requestId: 'req-upstream',
});

const overloaded: ProviderReply = {
  kind: 'failed',
  requestId: undefined,
  failure: {
    kind: 'not-accepted',
    fault: 'overloaded',
    retry: 'other',
    evidence: 'against',
    scope: 'route',
    retryAfterMs: undefined,
    billed: 'no',
    message: 'busy',
    status: 503,
  },
};

const REQUEST = { prompt: CANARY_PROMPT, tenant: CANARY_TENANT, tier: 'preview', latencyBudgetMs: 60_000 } as const;

function endOf(changes: Partial<Extract<HttpEvent, { kind: 'request-end' }>> = {}): HttpEvent {
  return {
    kind: 'request-end',
    id: 'req_http',
    method: 'POST',
    endpoint: '/v1/images/generations',
    status: 200,
    ms: 12,
    principal: 'loopback',
    bytes: 2_048,
    ...changes,
  };
}

/** The value of a sample whose labels include these. */
function sample(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const line = text
    .split('\n')
    .find((row) => row.startsWith(`${name}{`) && Object.entries(labels).every(([label, value]) => row.includes(`${label}="${value}"`)));
  const bare = text.split('\n').find((row) => row.startsWith(`${name} `));
  const found = line ?? (Object.keys(labels).length === 0 ? bare : undefined);
  return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(' ') + 1));
}

describe('the log', () => {
  it('never holds a prompt, a picture, a key or a tenant, at any level', async () => {
    const failing: Provider['generate'] = async (call, signal) =>
      call.route.id === 'gpt-image-2-low' ? overloaded : delivered(call, signal);
    const { router, observer, lines } = await world(failing);
    const result = await router.generate(REQUEST).catch(() => undefined);
    observer.http(endOf({ ...(result && { traceId: result.id, route: result.route, tier: result.tier }) }));
    observer.http({ kind: 'request-defect', id: 'req_http', where: 'test', error: new Error(`${CANARY_PROMPT} ${CANARY_KEY}`) });
    const text = JSON.stringify(lines());
    expect(lines().length).toBeGreaterThan(3);
    for (const canary of [CANARY_PROMPT, CANARY_KEY, CANARY_TENANT, PICTURE.toString('base64'), PICTURE.toString()]) {
      for (let at = 0; at + 12 <= canary.length; at += 1) expect(text).not.toContain(canary.slice(at, at + 12));
    }
  });

  it('has one line for a request, with what it cost and where it came from', async () => {
    const { observer, lines } = await world(delivered);
    observer.http({ kind: 'request-start', id: 'req_http', method: 'POST', endpoint: '/v1/images/generations' });
    observer.http(endOf({ costMicroUsd: 5_900, deadlineMet: true }));
    expect(lines()).toMatchObject([{ level: 'info', event: 'request', status: 200, cost_micro_usd: 5_900, principal: 'loopback' }]);
  });

  it('tells of a server error as a warning, and of a probe only to those who debug', async () => {
    const { observer, lines } = await world(delivered);
    observer.http(endOf({ status: 502 }));
    observer.http(endOf({ endpoint: '/livez' }));
    expect(lines().map(({ level }) => level)).toEqual(['warn', 'debug']);
  });
});

describe('metrics', () => {
  it('count calls, roles, outcomes and spend by route', async () => {
    const { router, observer } = await world(delivered);
    await router.generate(REQUEST);
    const text = await observer.metricsText();
    expect(sample(text, 'image_router_attempt_starts_total', { route: 'gpt-image-2-low', role: 'first' })).toBe(1);
    expect(sample(text, 'image_router_attempts_total', { target: 'gpt-image-2-low@openai', outcome: 'delivered' })).toBe(1);
    expect(sample(text, 'image_router_spend_micro_usd_total', { certainty: 'billed' })).toBe(5_930);
    expect(sample(text, 'image_router_wasted_spend_micro_usd_total')).toBeUndefined();
  });

  it('count what paid for images nobody got as wasted', async () => {
    const lost: ProviderReply = {
      ...overloaded,
      failure: { ...overloaded.failure, kind: 'unknown', fault: 'connection-lost', billed: 'possibly' },
    };
    let calls = 0;
    const { router, observer } = await world(async (call, signal) => {
      calls += 1;
      return calls === 1 ? lost : delivered(call, signal);
    });
    await router.generate(REQUEST);
    const text = await observer.metricsText();
    expect(sample(text, 'image_router_wasted_spend_micro_usd_total')).toBeGreaterThan(0);
    expect(sample(text, 'image_router_attempts_total', { outcome: 'unknown' })).toBe(1);
  });

  it('put predicted chance beside what came true', async () => {
    const { observer } = await world(delivered);
    for (const deadlineMet of [true, true, false]) observer.http(endOf({ deadlineMet, predictedChance: 0.93 }));
    const text = await observer.metricsText();
    expect(sample(text, 'image_router_predictions_total', { chance: '0.9-1.0' })).toBe(3);
    expect(sample(text, 'image_router_predictions_met_total', { chance: '0.9-1.0' })).toBe(2);
    expect(sample(text, 'image_router_deadlines_total', { outcome: 'missed' })).toBe(1);
  });

  it('say what is true now: breakers, lanes, load, memory, the event loop', async () => {
    const { observer } = await world(delivered);
    const text = await observer.metricsText();
    expect(sample(text, 'image_router_breaker_state', { target: 'gpt-image-2-low@openai', operation: 'generate' })).toBe(0);
    expect(sample(text, 'image_router_held_bytes')).toBe(1_234);
    expect(sample(text, 'image_router_open_requests')).toBe(3);
    expect(sample(text, 'image_router_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(sample(text, 'image_router_event_loop_lag_seconds', { quantile: '0.99' })).toBeGreaterThanOrEqual(0);
  });
});

describe('spans', () => {
  it('put the upstream call under the request it served, under the caller’s own trace', async () => {
    const heard: unknown[] = [];
    const collector = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        heard.push(JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    try {
      const { router, observer } = await world(delivered, `http://127.0.0.1:${(collector.address() as AddressInfo).port}`);
      const { id, route, tier } = await router.generate(REQUEST);
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      observer.http(endOf({ traceId: id, route, tier, traceparent }));
      await observer.close();
      const spans = JSON.stringify(heard);
      expect(spans).toContain('0af7651916cd43dd8448eb211c80319c');
      expect(spans).toContain('"name":"POST /v1/images/generations"');
      expect(spans).toContain('"name":"generate_content gpt-image-2"');
      expect(spans).toContain('{"key":"gen_ai.output.type","value":{"stringValue":"image"}}');
      expect(spans).not.toContain('canary');
    } finally {
      collector.close();
      collector.closeAllConnections();
    }
  });
});
