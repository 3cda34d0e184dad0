// Builds the object graph: options in, router out. Nothing here opens a socket, starts a timer or reads the environment;
// the doors to the outside (clock, randomness, ids, providers, listener) can each be replaced, which is how tests, the
// sandbox and a simulation run this same composition.
import type { Target } from './domain/route.ts';
import { targetId } from './domain/route.ts';
import type { ProviderKind } from './domain/vocabulary.ts';
import { Engine } from './execute/engine.ts';
import type { ResolvedOptions } from './options.ts';
import { createGoogleProvider } from './providers/google.ts';
import { createOpenAIProvider } from './providers/openai.ts';
import type { Provider } from './providers/provider.ts';
import type { ImageRouter } from './router/image-router.ts';
import { Router } from './router/router.ts';
import { type Clock, systemClock } from './system/clock.ts';
import { type Ids, systemIds } from './system/ids.ts';
import { type Random, systemRandom } from './system/random.ts';
import { IGNORE_EVENTS, type Listener } from './telemetry/event.ts';
import type { HealthNews } from './telemetry/health-news.ts';

/** Replacements for the doors to the outside; each defaults to the machine's own. */
export type Doors = {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly ids?: Ids;
  readonly providers?: Readonly<Record<ProviderKind, Provider>>;
  /** Hears everything the router tells about itself. It must not throw. */
  readonly listener?: Listener;
  /** What processes that share a store tell each other of their breakers; default: this one is alone. */
  readonly news?: HealthNews;
};

export function compose(options: ResolvedOptions, doors: Doors = {}): ImageRouter {
  const clock = doors.clock ?? systemClock(options.speed);
  const providers = doors.providers ?? {
    openai: createOpenAIProvider({ endpoints: options.endpoints.filter((endpoint) => endpoint.provider === 'openai'), clock }),
    google: createGoogleProvider({ endpoints: options.endpoints.filter((endpoint) => endpoint.provider === 'google'), clock }),
  };
  const engine = new Engine({
    clock,
    random: doors.random ?? systemRandom(),
    ids: doors.ids ?? systemIds(),
    targets: targetsOf(options),
    providers,
    profile: options.latencyProfile,
    maxWaitingPerLane: options.maxWaitingPerRoute,
    listener: doors.listener ?? IGNORE_EVENTS,
    news: doors.news,
  });
  return new Router(options, engine);
}

/** Every route at every endpoint that serves it, with the price that endpoint charges. */
function targetsOf(options: ResolvedOptions): readonly Target[] {
  return options.endpoints.flatMap((endpoint) =>
    options.routes
      .filter((route) => route.provider === endpoint.provider && (endpoint.routes?.includes(route.id) ?? true))
      .map((route) => ({
        id: targetId(route.id, endpoint.id),
        endpoint: endpoint.id,
        route: { ...route, price: endpoint.prices?.[route.id] ?? route.price },
      })),
  );
}
