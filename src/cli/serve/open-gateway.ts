// Composes a gateway that runs in this process: a sandbox where one stands behind it, state, observer, router, app, socket. What
// was opened is closed in the opposite order, also when a later part could not be opened.
import { problemsError } from '../../domain/problem.ts';
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import { docsEndpoints } from '../../gateway/docs/endpoints.ts';
import { createApp, ENDPOINTS, type GatewayLoad } from '../../gateway/http/app.ts';
import { editsEndpoint } from '../../gateway/http/endpoints/edits.ts';
import { type RunningServer, startServer } from '../../gateway/http/server.ts';
import { createObserver, type Observer } from '../../gateway/observe/observer.ts';
import { openState, type State } from '../../gateway/state.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import { systemIds } from '../../system/ids.ts';
import { giveMemoryBack } from '../../system/memory.ts';
import { isLoopbackHost } from '../../system/network/loopback-host.ts';
import type { Source } from '../endpoints.ts';
import { sandboxFor } from '../open-world.ts';
import { systemReason } from '../text-file.ts';
import { version } from '../version.ts';
import { createLiveRouter, type LiveRouter } from './live-router.ts';
import { openJobs } from './open-jobs.ts';
import { tidyAfterBursts } from './tidy-after-burst.ts';

export type GatewayPlan = {
  readonly source: Source;
  /** With the command line's options applied. */
  readonly settings: GatewaySettings;
  readonly requireKeys: boolean;
};

export type OpenGateway = {
  readonly url: string;
  readonly live: LiveRouter;
  readonly observer: Observer;
  /** Keys that are let in now. */
  readonly usableKeys: number;
  /** Takes no new work and waits for what runs, so long as the settings say. */
  drain(): Promise<void>;
  /** Ends at once what still runs. */
  close(): Promise<void>;
};

/** Rejects with ImageRouterError when the address cannot be listened on, or must not be. */
export async function openGateway(plan: GatewayPlan): Promise<OpenGateway> {
  const closers: (() => Promise<unknown>)[] = [];
  // One that fails must not keep the others open: the process would never end.
  const close = async (): Promise<void> => {
    const closer = closers.pop();
    if (closer !== undefined) await closer().finally(close);
  };
  try {
    return { ...(await openParts(plan, (closer) => closers.push(closer))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type WhenClosing = (close: () => Promise<unknown>) => void;

async function openParts({ source, settings, requireKeys }: GatewayPlan, whenClosing: WhenClosing): Promise<Omit<OpenGateway, 'close'>> {
  const clock = systemClock(source.options.speed);
  const sandbox = source.kind === 'sandbox' ? await sandboxFor(source, clock) : undefined;
  if (sandbox !== undefined) whenClosing(() => sandbox.close());
  const options = sandbox === undefined ? source.options : { ...source.options, endpoints: sandbox.endpoints };
  const views: Views = { live: undefined, load: undefined };
  const observer = await observe(clock, settings, views);
  whenClosing(() => observer.close());
  const live = createLiveRouter({ options, gateway: settings }, clock, observer.listener);
  views.live = live;
  whenClosing(() => live.close());
  const ids = systemIds();
  const { dataDir, traceTtlMs, idempotencyTtlMs } = settings;
  const onTrouble = (error: unknown): void => observer.defect('store', error);
  const state = await openState({ dataDir, clock, ids, requireKeys, traceTtlMs, idempotencyTtlMs, onTrouble });
  whenClosing(() => state.close());
  const usableKeys = await countKeys(state);
  if (usableKeys === 0) refuseOpenDoor(settings);
  const jobs = await openJobs(settings, live, state, { clock, ids, onTrouble });
  whenClosing(() => jobs.close());
  const more = [editsEndpoint(() => live.settings()), ...jobs.endpoints];
  const parts = { ...live, ...state, jobs: jobs.parts, isStoreHealthy: state.isHealthy, clock, ids, observer, isDraining: () => false };
  const app = createApp(parts, [...more, ...docsEndpoints([...ENDPOINTS, ...more], version())]);
  views.load = () => app.load();
  const tidying = tidyAfterBursts(clock, () => app.load(), giveMemoryBack);
  whenClosing(async () => tidying.stop());
  await live.router().ready();
  const server = await listen(() => startServer(app, settings), settings);
  whenClosing(() => server.drain(0));
  jobs.start();
  const drain = async (): Promise<void> => {
    const { drainMs } = live.settings();
    await Promise.all([server.drain(drainMs), jobs.drain(drainMs)]);
  };
  return { url: server.url, live, observer, usableKeys, drain };
}

/** What the observer looks at, and is there only after it. */
type Views = { live: LiveRouter | undefined; load: (() => GatewayLoad) | undefined };

function observe(clock: Clock, { logLevel, otlpEndpoint }: GatewaySettings, views: Views): Promise<Observer> {
  return createObserver({
    clock,
    logLevel,
    logDestination: undefined,
    otlpEndpoint,
    health: () => views.live?.router().health() ?? [],
    load: () => views.load?.() ?? { running: 0, heldBytes: 0 },
    modelOf: (target) => views.live?.options().routes.find(({ id }) => target.startsWith(`${id}@`)),
  });
}

async function countKeys({ keys }: State): Promise<number> {
  return (await keys.list()).filter((key) => key.revokedAt === undefined).length;
}

/** Whoever can be reached from elsewhere needs a key to be asked for, and one to exist. */
function refuseOpenDoor({ host, dataDir }: GatewaySettings): void {
  if (isLoopbackHost(host)) return;
  const remedy = `create one first: ${createKeyLine(dataDir)}`;
  throw problemsError('invalid_config', 'configuration', [
    { field: 'host', rule: 'must be loopback while there is no key', value: JSON.stringify(host), remedy },
  ]);
}

/** Keys are made in the folder of the gateway that is to know them. */
export function createKeyLine(dataDir: string): string {
  return `image-router keys create --name NAME --data ${dataDir}`;
}

/** Errors of listening that are about the address rather than the port. */
const ADDRESS_ERRORS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);

async function listen(start: () => Promise<RunningServer>, { host, port }: GatewaySettings): Promise<RunningServer> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const reason = systemReason(error);
    const problem = ADDRESS_ERRORS.has(String(error.code))
      ? { field: 'host', rule: `must be an address of this machine (${reason})`, value: JSON.stringify(host) }
      : { field: 'port', rule: `must be free to listen on (${reason})`, value: String(port) };
    const remedy = problem.field === 'host' ? 'leave --host out for 127.0.0.1' : 'name another with --port, or 0 for any free one';
    throw problemsError('invalid_request', 'request', [{ ...problem, remedy }]);
  }
}
