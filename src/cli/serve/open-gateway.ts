// Composes a gateway that runs in this process: the core it has in common with a worker, then app and socket.
import { problemsError } from '../../domain/problem.ts';
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import { docsEndpoints } from '../../gateway/docs/endpoints.ts';
import { createApp, ENDPOINTS, type GatewayLoad } from '../../gateway/http/app.ts';
import { editsEndpoint } from '../../gateway/http/endpoints/edits.ts';
import { type RunningServer, startServer } from '../../gateway/http/server.ts';
import type { Observer } from '../../gateway/observe/observer.ts';
import type { State } from '../../gateway/state.ts';
import { giveMemoryBack } from '../../system/memory.ts';
import { isLoopbackHost } from '../../system/network/loopback-host.ts';
import { systemReason } from '../text-file.ts';
import { version } from '../version.ts';
import { openInParts, type WhenClosing } from './closing.ts';
import type { LiveRouter } from './live-router.ts';
import { type CorePlan, openCore } from './open-core.ts';
import { createKeyLine } from './open-stores.ts';
import { tidyAfterBursts } from './tidy-after-burst.ts';

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
export function openGateway(plan: CorePlan): Promise<OpenGateway> {
  return openInParts((whenClosing) => openParts(plan, whenClosing));
}

async function openParts(plan: CorePlan, whenClosing: WhenClosing): Promise<Omit<OpenGateway, 'close'>> {
  const { settings } = plan;
  let load: (() => GatewayLoad) | undefined;
  const { clock, ids, live, observer, state, jobs } = await openCore(plan, () => load?.(), whenClosing);
  const usableKeys = await countKeys(state);
  if (usableKeys === 0) refuseOpenDoor(settings, plan.databaseUrl);
  const more = [editsEndpoint(() => live.settings()), ...jobs.endpoints];
  const parts = { ...live, ...state, jobs: jobs.parts, isStoreHealthy: state.isHealthy, clock, ids, observer, isDraining: () => false };
  const app = createApp(parts, [...more, ...docsEndpoints([...ENDPOINTS, ...more], version())]);
  load = () => app.load();
  const tidying = tidyAfterBursts(clock, () => app.load(), giveMemoryBack);
  whenClosing(async () => tidying.stop());
  await live.router().ready();
  const server = await listen(() => startServer(app, { ...settings, ids }), settings);
  whenClosing(() => server.drain(0));
  jobs.start();
  const drain = async (): Promise<void> => {
    const { drainMs } = live.settings();
    await Promise.all([server.drain(drainMs), jobs.drain(drainMs)]);
  };
  return { url: server.url, live, observer, usableKeys, drain };
}

async function countKeys({ keys }: State): Promise<number> {
  return (await keys.list()).filter((key) => key.revokedAt === undefined).length;
}

/** Whoever can be reached from elsewhere needs a key to be asked for, and one to exist. */
function refuseOpenDoor({ host, dataDir }: GatewaySettings, databaseUrl: string | undefined): void {
  if (isLoopbackHost(host)) return;
  const remedy = `create one first: ${createKeyLine({ dataDir, databaseUrl })}`;
  throw problemsError('invalid_config', 'configuration', [
    { field: 'host', rule: 'must be loopback while there is no key', value: JSON.stringify(host), remedy },
  ]);
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
