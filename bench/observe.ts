// What watching a request costs: the events of one ordinary image request, told to an observer again and again, its log
// going to the null device. Prints microseconds of CPU for each part and for all of it, and how long a scrape takes.
// `npm run bench:observe`.
import { openSync } from 'node:fs';
import pino from 'pino';
import { compose } from '../src/compose.ts';
import type { HttpEvent } from '../src/gateway/http/http-event.ts';
import { createObserver, type ObserverOptions } from '../src/gateway/observe/observer.ts';
import { resolveOptions } from '../src/options.ts';
import type { Provider } from '../src/providers/provider.ts';
import { systemClock } from '../src/system/clock.ts';
import type { RouterEvent } from '../src/telemetry/event.ts';
import { printLine } from './support/print.ts';

const ROUNDS = 20_000;
const PASSES = 5;
const clock = systemClock();
const NULL_DEVICE = openSync('/dev/null', 'w');

/** What a real router tells of one request it delivers at once. */
async function eventsOfOneRequest(): Promise<readonly RouterEvent[]> {
  const told: RouterEvent[] = [];
  const generate: Provider['generate'] = async ({ deliver, format }) => ({
    kind: 'delivered',
    images: [{ bytes: new Uint8Array([1]), format, mediaType: `image/${format}`, ...deliver }],
    adjustments: [],
    usage: { textInTokens: 10, imageInTokens: 0, imageOutTokens: 196, textOutTokens: 0 },
    requestId: 'req-upstream',
  });
  const provider: Provider = { generate, ready: async () => undefined, close: async () => undefined };
  const router = compose(options, { clock, providers: { openai: provider, google: provider }, listener: (event) => told.push(event) });
  const { route, tier, id } = await router.generate({ prompt: 'a red fox', tier: 'preview', latencyBudgetMs: 60_000 });
  facts = { ...facts, route, tier, traceId: id };
  await router.close();
  return told;
}

const options = resolveOptions({
  endpoints: [
    { id: 'openai', provider: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k' },
    { id: 'google', provider: 'google', baseUrl: 'http://127.0.0.1:9', apiKey: 'k' },
  ],
});
let facts: Partial<Extract<HttpEvent, { kind: 'images-end' }>> = {
  degraded: false,
  policy: 'default',
  attempts: 1,
  costMicroUsd: 5_900,
  deadlineMet: true,
  predictedChance: 0.98,
};

const routerEvents = await eventsOfOneRequest();
const id = 'req_http';
const endpoint = '/v1/images/generations';
const before: HttpEvent = { kind: 'request-start', id, method: 'POST', endpoint };
const after: readonly HttpEvent[] = [
  { ...facts, kind: 'images-end', id },
  { ...facts, kind: 'request-end', id, method: 'POST', endpoint, status: 200, ms: 9_000, principal: 'key_1', bytes: 2_000_000 },
];

async function measure(name: string, changes: Partial<ObserverOptions>): Promise<void> {
  const router = compose(options, { clock });
  const observer = await createObserver({
    clock,
    logLevel: 'info',
    logDestination: pino.destination({ fd: NULL_DEVICE, sync: false }),
    otlpEndpoint: undefined,
    modelOf: () => ({ model: 'gpt-image-2', provider: 'openai' }),
    health: () => router.health(),
    load: () => ({ running: 0, heldBytes: 0 }),
    ...changes,
  });
  const passes: number[] = [];
  for (let pass = 0; pass < PASSES; pass += 1) {
    const { user, system } = process.cpuUsage();
    for (let round = 0; round < ROUNDS; round += 1) {
      observer.http(before);
      for (const event of routerEvents) observer.listener(event);
      for (const event of after) observer.http(event);
      // As between requests: what was written gets its chance to leave.
      if (round % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const used = process.cpuUsage({ user, system });
    passes.push((used.user + used.system) / ROUNDS);
  }
  const scrapeStart = performance.now();
  const text = await observer.metricsText();
  const scrapeMs = performance.now() - scrapeStart;
  await observer.close();
  await router.close();
  const [best = 0] = [...passes].sort((a, b) => a - b);
  const all = passes.map((us) => us.toFixed(1)).join(', ');
  const scrape = `scrape ${scrapeMs.toFixed(1)} ms, ${text.length} bytes`;
  printLine(`${name.padEnd(28)} ${best.toFixed(1).padStart(6)} us a request (passes ${all}); ${scrape}`);
}

printLine(`${routerEvents.length} router events and ${after.length + 1} of the gateway a request, ${ROUNDS} requests a pass`);
await measure('metrics and log', {});
await measure('metrics, log silent', { logLevel: 'silent' });
await measure('metrics and log at debug', { logLevel: 'debug' });
await measure('metrics and log at trace', { logLevel: 'trace' });
await measure('metrics, log and spans', { otlpEndpoint: 'http://127.0.0.1:9' });
