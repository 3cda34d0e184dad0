// What a gateway and a worker have in common: a sandbox where one stands behind them, observer, router, state, jobs. A worker is
// a gateway without the door.
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import type { GatewayLoad } from '../../gateway/http/app.ts';
import { createObserver, type Observer } from '../../gateway/observe/observer.ts';
import { StoreWatch } from '../../gateway/observe/store-watch.ts';
import { openState, type State } from '../../gateway/state.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import { type Ids, systemIds } from '../../system/ids.ts';
import type { Source } from '../endpoints.ts';
import { sandboxFor } from '../open-world.ts';
import type { WhenClosing } from './closing.ts';
import { createLiveRouter, type LiveRouter } from './live-router.ts';
import { type OpenJobs, openJobs } from './open-jobs.ts';
import { openStores } from './open-stores.ts';

export type CorePlan = {
  readonly source: Source;
  /** With the command line's options applied. */
  readonly settings: GatewaySettings;
  readonly requireKeys: boolean;
  readonly databaseUrl: string | undefined;
};

export type Core = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly live: LiveRouter;
  readonly observer: Observer;
  readonly state: State;
  readonly jobs: OpenJobs;
};

/** `load`: of the gateway around it. */
export async function openCore(plan: CorePlan, load: () => GatewayLoad | undefined, whenClosing: WhenClosing): Promise<Core> {
  const { source, settings, requireKeys, databaseUrl } = plan;
  const clock = systemClock(source.options.speed);
  const sandbox = source.kind === 'sandbox' ? await sandboxFor(source, clock) : undefined;
  if (sandbox !== undefined) whenClosing(() => sandbox.close());
  const options = sandbox === undefined ? source.options : { ...source.options, endpoints: sandbox.endpoints };
  // The router tells the observer, and the observer looks at the router.
  const views: { live: LiveRouter | undefined } = { live: undefined };
  const observer = await observe(clock, settings, views, load);
  whenClosing(() => observer.close());
  const ids = systemIds();
  const { dataDir, traceTtlMs, idempotencyTtlMs } = settings;
  const stores = await openStores({ dataDir, databaseUrl }, clock, ids.next('gw'));
  const live = createLiveRouter({ options, gateway: settings }, clock, observer.listener, stores.news);
  views.live = live;
  whenClosing(() => live.close());
  const watch = new StoreWatch(observer, clock);
  const onTrouble = (error: unknown): void => watch.trouble(error);
  const state = await openState({
    dataDir,
    clock,
    ids,
    requireKeys,
    traceTtlMs,
    idempotencyTtlMs,
    stores,
    onTrouble,
    onBeat: () => watch.beat(),
  });
  whenClosing(() => state.close());
  const jobs = await openJobs(settings, live, state, { clock, ids, onTrouble });
  whenClosing(() => jobs.close());
  return { clock, ids, live, observer, state, jobs };
}

function observe(
  clock: Clock,
  { logLevel, otlpEndpoint }: GatewaySettings,
  views: { readonly live: LiveRouter | undefined },
  load: () => GatewayLoad | undefined,
): Promise<Observer> {
  return createObserver({
    clock,
    logLevel,
    logDestination: undefined,
    otlpEndpoint,
    health: () => views.live?.router().health() ?? [],
    load: () => load() ?? { running: 0, heldBytes: 0 },
    modelOf: (target) => views.live?.options().routes.find(({ id }) => target.startsWith(`${id}@`)),
  });
}
