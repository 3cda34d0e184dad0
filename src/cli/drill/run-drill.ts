// One run of a drill: the caller's own options on a sandbox of its own, requests arriving at an even rate, and from one of
// them on a provider that misbehaves. What each request got is written down; nothing is judged here.
import { compose } from '../../compose.ts';
import { isImageRouterError } from '../../domain/error.ts';
import { addUsd, type MicroUsd } from '../../domain/money.ts';
import type { Offer } from '../../domain/plan.ts';
import { type Cost, NO_COST } from '../../domain/result.ts';
import type { TargetId } from '../../domain/route.ts';
import type { InstantMs } from '../../domain/time.ts';
import type { Trace } from '../../domain/trace.ts';
import type { ProviderKind, RouteId } from '../../domain/vocabulary.ts';
import type { ImageRequest, ImageRouter } from '../../index.ts';
import type { ResolvedOptions } from '../../options.ts';
import { type Sandbox, startSandbox } from '../../sandbox/index.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import { seededRandom } from '../../system/random.ts';
import { costOfFailure } from '../cost.ts';
import { DRILL_FAULTS, type DrillFaultName } from './drill-faults.ts';
import { drillPrompt } from './drill-prompts.ts';

export type DrillOrder = {
  readonly options: ResolvedOptions;
  /** Undefined: nothing breaks, to compare with. */
  readonly fault: DrillFaultName | undefined;
  readonly provider: ProviderKind;
  readonly policy: string | undefined;
  readonly requests: number;
  /** Requests a world second. */
  readonly rate: number;
  readonly speed: number;
};

/** What one request got. */
export type Observation = {
  /** Place in the drill, from 0. */
  readonly index: number;
  readonly seconds: number;
  readonly budgetMs: number;
  readonly images: number;
  readonly route: RouteId | undefined;
  /** Where its first call went; undefined when none was sent. */
  readonly firstRoute: RouteId | undefined;
  readonly isDegraded: boolean;
  /** Undefined when it was delivered. */
  readonly code: string | undefined;
  /** What the error said. */
  readonly message: string | undefined;
  readonly offers: readonly Offer[];
  readonly cost: Cost;
  /** Billed or possibly billed for calls whose image was not delivered. */
  readonly wasted: MicroUsd;
};

/** A breaker of the broken provider that opened. */
export type Notice = { readonly target: TargetId; readonly afterMs: number; readonly reason: string };
export type DrillRun = { readonly observations: readonly Observation[]; readonly notices: readonly Notice[] };

/** The same prompts, latencies and choices every time. */
const SEED = 'image-router drill';

/** The first request that meets the fault. */
export function faultFrom(requests: number): number {
  return Math.ceil(requests / 3);
}

/**
 * A request to every route on a sandbox that answers at once. The first call through an SDK costs this machine tens of
 * milliseconds, which at drill speed would be seconds of somebody's budget.
 */
export async function warmUp(options: ResolvedOptions): Promise<void> {
  const clock = systemClock();
  const { routes } = options;
  const sandbox = await startSandbox({ routes, clock, pictures: 'tiny', latency: 'none' });
  const router = compose({ ...options, endpoints: sandbox.endpoints, speed: 1 }, { clock });
  const warm = routes.map((route) => router.generate({ prompt: 'a red fox', route: route.id, latencyBudgetMs: WARM_UP_MS }));
  await Promise.allSettled(warm);
  await router.close();
  await sandbox.close();
}

/** Long enough for the plan of the slowest route; the answer comes at once. */
const WARM_UP_MS = 600_000;

export async function runDrill(order: DrillOrder, signal: AbortSignal, onAnswered: () => void): Promise<DrillRun> {
  const clock = systemClock(order.speed);
  const { routes, latencyProfile: profile } = order.options;
  const sandbox = await startSandbox({ routes, profile, clock, seed: SEED, pictures: 'tiny' });
  const endpoints = repointed(order.options, sandbox);
  const notices: Notice[] = [];
  let faultAt: InstantMs | undefined;
  const router = compose(
    { ...order.options, endpoints, speed: order.speed },
    {
      clock,
      random: seededRandom(SEED),
      listener: (event) => {
        if (event.kind !== 'breaker-change' || event.to !== 'open' || faultAt === undefined) return;
        notices.push({ target: event.target, afterMs: event.at - faultAt, reason: event.reason });
      },
    },
  );
  try {
    await router.ready();
    const prompts = seededRandom(SEED);
    const answers: Promise<Observation>[] = [];
    const startedAt = clock.now();
    for (let index = 0; index < order.requests && !signal.aborted; index += 1) {
      await until(clock, startedAt + (index * 1_000) / order.rate, signal);
      if (index === faultFrom(order.requests) && order.fault !== undefined) {
        sandbox.inject({ ...DRILL_FAULTS[order.fault].rule, face: order.provider });
        faultAt = clock.now();
      }
      const request = { prompt: drillPrompt(prompts), ...(order.policy === undefined ? {} : { policy: order.policy }) };
      answers.push(observe(router, index, request, signal).finally(onAnswered));
    }
    return { observations: await Promise.all(answers), notices };
  } finally {
    await router.close();
    await sandbox.close();
  }
}

/**
 * The caller's endpoints, each at the sandbox: the first of a provider at that provider's own face, which is the one that
 * breaks; further ones at the aggregator's, because a second way to a provider is there to fail at another time. Addresses,
 * keys and model names are the sandbox's; routes and prices stay.
 */
function repointed(options: ResolvedOptions, sandbox: Pick<Sandbox, 'endpoints' | 'aggregator'>): ResolvedOptions['endpoints'] {
  return options.endpoints.map((endpoint) => {
    const faces = isFirst(options, endpoint.id) ? sandbox.endpoints : sandbox.aggregator;
    const face = faces.find(({ provider }) => provider === endpoint.provider);
    if (face === undefined) throw new Error('invariant: the sandbox has a face for every provider');
    const { models: _, ...kept } = endpoint;
    return { ...kept, baseUrl: face.baseUrl, apiKey: face.apiKey, apiVersion: face.apiVersion };
  });
}

/** Whether it is the first endpoint of its provider: the one that a drill breaks. */
export function isFirst({ endpoints }: ResolvedOptions, id: string): boolean {
  const endpoint = endpoints.find((one) => one.id === id);
  return endpoints.find((one) => one.provider === endpoint?.provider)?.id === id;
}

function until(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.timer(Math.max(0, atMs - clock.now()), done);
    signal.addEventListener('abort', done, { once: true });
  });
}

async function observe(router: ImageRouter, index: number, request: ImageRequest, signal: AbortSignal): Promise<Observation> {
  const { need } = router.explain(request);
  const asked = { index, budgetMs: need.budgetMs };
  try {
    const { trace, cost, images, route, elapsedMs, degraded } = await router.generate(request, { signal });
    const firstRoute = firstRouteIn(trace);
    const ended = {
      route,
      firstRoute,
      isDegraded: degraded !== undefined,
      code: undefined,
      message: undefined,
      offers: [],
      images: images.length,
    };
    return { ...asked, ...ended, seconds: elapsedMs / 1_000, cost, wasted: wastedIn(trace, cost) };
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    const cost = costOfFailure(error.trace) ?? NO_COST;
    const seconds = (error.trace?.events.at(-1)?.atMs ?? 0) / 1_000;
    const firstRoute = firstRouteIn(error.trace);
    const ended = {
      route: undefined,
      firstRoute,
      isDegraded: false,
      code: error.code,
      message: error.message,
      offers: error.offers,
      images: 0,
    };
    return { ...asked, ...ended, seconds, cost, wasted: addUsd(cost.billed, cost.possiblyBilled) };
  }
}

function firstRouteIn(trace: Trace | undefined): RouteId | undefined {
  const start = trace?.events.find((event) => event.kind === 'attempt-start');
  return start?.kind === 'attempt-start' ? start.route : undefined;
}

/** Everything but what the attempts billed whose images were delivered. */
function wastedIn({ events }: Trace, cost: Cost): MicroUsd {
  const winners = events.flatMap((event) => (event.kind === 'end' ? [event] : []));
  const useful = events.flatMap((event) => {
    if (event.kind !== 'attempt-end' || event.end.kind !== 'delivered') return [];
    return winners.some(({ part, attempt }) => part === event.part && attempt === event.attempt) ? [event.billed] : [];
  });
  return (cost.billed + cost.possiblyBilled - addUsd(...useful)) as MicroUsd;
}
