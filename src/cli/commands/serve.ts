// image-router serve: the gateway in the foreground, until SIGTERM or Ctrl-C; then it drains. Without keys the built-in sandbox
// stands behind it, so that the first request works before anything is configured.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { isImageRouterError } from '../../domain/error.ts';
import { problemsError } from '../../domain/problem.ts';
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import { docsEndpoints } from '../../gateway/docs/endpoints.ts';
import { createApp, ENDPOINTS } from '../../gateway/http/app.ts';
import { editsEndpoint } from '../../gateway/http/endpoints/edits.ts';
import { isLoopbackHost, type RunningServer, startServer } from '../../gateway/http/server.ts';
import { createObserver, type Observer } from '../../gateway/observe/observer.ts';
import { openState, type State } from '../../gateway/state.ts';
import { systemClock } from '../../system/clock.ts';
import { systemIds } from '../../system/ids.ts';
import { findSource, type SourceFlags } from '../endpoints.ts';
import { type Io, print } from '../io.ts';
import { addSourceOptions, sandboxFor } from '../open-world.ts';
import { paintFor } from '../paint.ts';
import { wholeNumber } from '../quantities.ts';
import { createLiveRouter, type LiveRouter } from '../serve/live-router.ts';
import { watchConfig } from '../serve/reload.ts';
import { systemReason } from '../text-file.ts';
import { version } from '../version.ts';

type Flags = SourceFlags & {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly requireKeys?: boolean;
};

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8787;

export function addServe(program: Command, io: Io): void {
  addSourceOptions(program.command('serve'))
    .description('run the gateway: OpenAI-compatible HTTP over the router, until Ctrl-C')
    .option('--host <address>', `where to listen; default ${DEFAULT_HOST}. Elsewhere keys are required`)
    .option('--port <number>', `TCP port; default ${DEFAULT_PORT}, 0 for any free one`)
    .option('--data <folder>', 'keys, spend, idempotency and traces; default .image-router, or gateway.dataDir of the file')
    .option('--require-keys', 'let nobody in without a key, on loopback neither')
    .action((flags: Flags) => serve(flags, io));
}

async function serve(flags: Flags, io: Io): Promise<void> {
  const host = flags.host ?? DEFAULT_HOST;
  const port = flags.port === undefined ? DEFAULT_PORT : wholeNumber('port', flags.port, 0, 65_535);
  const requireKeys = flags.requireKeys === true || !isLoopbackHost(host);
  const source = await findSource(flags, io);
  const clock = systemClock(source.options.speed);
  const ids = systemIds();
  const settings = withData(source.gateway, flags, io);
  const open: (() => Promise<unknown>)[] = [];
  try {
    const sandbox = source.kind === 'sandbox' ? await sandboxFor(source, clock) : undefined;
    if (sandbox !== undefined) open.unshift(() => sandbox.close());
    const options = sandbox === undefined ? source.options : { ...source.options, endpoints: sandbox.endpoints };
    let live: LiveRouter | undefined;
    let load = (): { readonly running: number; readonly heldBytes: number } => ({ running: 0, heldBytes: 0 });
    const observer = await createObserver({
      clock,
      logLevel: settings.logLevel,
      logDestination: undefined,
      otlpEndpoint: settings.otlpEndpoint,
      health: () => live?.router().health() ?? [],
      load: () => load(),
      modelOf: (target) => live?.options().routes.find(({ id }) => target.startsWith(`${id}@`)),
    });
    open.unshift(() => observer.close());
    live = createLiveRouter({ options, gateway: settings }, clock, observer.listener);
    const current = live;
    open.unshift(() => current.close());
    const onTrouble = (error: unknown): void => observer.defect('store', error);
    const { dataDir, traceTtlMs, idempotencyTtlMs } = settings;
    const state = await openState({ dataDir, clock, ids, requireKeys, traceTtlMs, idempotencyTtlMs, onTrouble });
    open.unshift(() => state.close());
    await refuseOpenDoor(host, state);
    const parts = { ...current, ...state, isStoreHealthy: state.isHealthy, clock, ids, observer, isDraining: () => false };
    const edits = editsEndpoint(() => current.settings());
    const app = createApp(parts, [edits, ...docsEndpoints([...ENDPOINTS, edits], version())]);
    load = () => app.load();
    const server = await listen(() => startServer(app, { host, port, limits: settings.limits }), port);
    await current.router().ready();
    // Before anybody is told that it runs: a SIGHUP nobody listens for ends the process.
    const file = source.kind === 'config' ? resolve(io.cwd, source.name) : undefined;
    open.unshift(watchConfig(file, () => reload(source.name, flags, current, observer, io)));
    introduce(server, current, source.name, clock.speed, requireKeys, io);
    observer.note('info', 'start', { url: server.url, behind: source.name, speed: clock.speed });
    await aborted(io.signal);
    observer.note('info', 'drain', { within_ms: settings.drainMs });
    print(io.stderr, `draining: running renders get ${Math.ceil(settings.drainMs / 1_000)} s; a second signal ends at once`);
    await server.drain(settings.drainMs);
    observer.note('info', 'stop', {});
  } finally {
    for (const close of open) await close();
  }
}

function withData(settings: GatewaySettings, { data }: Flags, io: Io): GatewaySettings {
  return { ...settings, dataDir: resolve(io.cwd, data ?? settings.dataDir) };
}

/** Whoever can be reached from elsewhere needs a key to be asked for, and one to exist. */
async function refuseOpenDoor(host: string, { keys }: State): Promise<void> {
  if (isLoopbackHost(host)) return;
  const usable = (await keys.list()).filter((key) => key.revokedAt === undefined);
  if (usable.length > 0) return;
  const remedy = 'create one first: image-router keys create --name NAME';
  throw problemsError('invalid_config', 'configuration', [
    { field: 'host', rule: 'must be loopback while there is no key', value: JSON.stringify(host), remedy },
  ]);
}

async function listen(start: () => Promise<RunningServer>, port: number): Promise<RunningServer> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const rule = `must be free to listen on (${systemReason(error)})`;
    const remedy = 'name another with --port, or 0 for any free one';
    throw problemsError('invalid_request', 'request', [{ field: 'port', rule, value: String(port), remedy }]);
  }
}

function introduce({ url }: RunningServer, live: LiveRouter, source: string, speed: number, requireKeys: boolean, io: Io): void {
  const paint = paintFor(io.stdout, io.env);
  const served = new Set(
    live
      .router()
      .health()
      .map(({ route }) => route),
  );
  const key = requireKeys ? ' -H "authorization: Bearer $IMAGE_ROUTER_KEY"' : '';
  const lines = [
    `gateway   ${paint('bold', url)}  (base URL for OpenAI clients: ${url}/v1)`,
    `behind it ${source}${speed === 1 ? '' : `, at ${speed} times real speed`}`,
    `models    auto, preview, standard, premium, ${[...served].join(', ')}`,
    `keys      ${requireKeys ? 'required' : 'none needed on this machine'}`,
    `look at   ${url}/docs  ${url}/v1/routes  ${url}/metrics`,
    `try       curl -s ${url}/v1/images/generations -H "content-type: application/json"${key} -d '{"model":"auto","prompt":"a red fox asleep in fresh snow"}'`,
  ];
  for (const line of lines) print(io.stdout, line);
}

/** A bad file is told, and changes nothing. */
async function reload(file: string, flags: Flags, live: LiveRouter, observer: Observer, io: Io): Promise<void> {
  try {
    const source = await findSource(flags, io);
    const kept = live.replace({ options: source.options, gateway: withData(source.gateway, flags, io) });
    observer.note('info', 'reload', { file, ...(kept.length === 0 ? {} : { needs_restart: kept.join(', ') }) });
  } catch (error) {
    const problems = isImageRouterError(error) ? error.problems : [];
    for (const { field, rule, ...more } of problems) print(io.stderr, `${'at' in more ? `${more.at} ` : ''}${field} ${rule}`);
    observer.note('error', 'reload-refused', { file, problems: problems.length });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
