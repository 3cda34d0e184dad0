// image-router serve: the gateway in the foreground, until SIGTERM or Ctrl-C; then it drains. Without keys the built-in sandbox
// stands behind it, so that the first request works before anything is configured.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../../gateway/config/settings.ts';
import { isLoopbackHost } from '../../system/network/loopback-host.ts';
import type { Config } from '../config/config-file.ts';
import { findSource, type SourceFlags } from '../endpoints.ts';
import { type Io, print } from '../io.ts';
import { addSourceOptions } from '../open-world.ts';
import { wholeNumber } from '../quantities.ts';
import { introduce } from '../serve/introduction.ts';
import { type OpenGateway, openGateway } from '../serve/open-gateway.ts';
import { reload } from '../serve/reload.ts';
import { watchConfig } from '../serve/watch-config.ts';

type Flags = SourceFlags & {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly requireKeys?: boolean;
};

export function addServe(program: Command, io: Io): void {
  const { host, port, dataDir } = DEFAULT_SETTINGS;
  addSourceOptions(program.command('serve'))
    .description('run the gateway: OpenAI-compatible HTTP over the router, until Ctrl-C')
    .option('--host <address>', `where to listen; default gateway.host of the file, else ${host}. Elsewhere keys are required`)
    .option('--port <number>', `TCP port; default gateway.port of the file, else ${port}; 0 for any free one`)
    .option('--data <folder>', `keys, spend, idempotency and traces; default gateway.dataDir of the file, else ${dataDir}`)
    .option('--require-keys', 'let nobody in without a key, on loopback neither')
    .action((flags: Flags) => serve(flags, io));
}

async function serve(flags: Flags, io: Io): Promise<void> {
  const source = await findSource(flags, io);
  const settings = withFlags(source.gateway, flags, io);
  const requireKeys = flags.requireKeys === true || !isLoopbackHost(settings.host);
  const gateway = await openGateway({ source, settings, requireKeys });
  try {
    // Before anybody is told that it runs: a SIGHUP nobody listens for ends the process.
    const stopWatching = await watchSource(source.kind === 'config' ? source.name : undefined, gateway, flags, io);
    introduce(gateway, { behind: source.name, requireKeys }, io);
    gateway.observer.note('info', 'start', { listens_at: gateway.url, behind: source.name, speed: source.options.speed });
    await aborted(io.signal);
    await stopWatching();
    const { drainMs } = gateway.live.settings();
    gateway.observer.note('info', 'drain', { within_ms: drainMs });
    print(io.stderr, `draining: running renders get ${Math.ceil(drainMs / 1_000)} s; a second signal ends at once`);
    await gateway.drain();
    gateway.observer.note('info', 'stop', {});
  } finally {
    await gateway.close();
  }
}

function watchSource(file: string | undefined, gateway: OpenGateway, flags: Flags, io: Io): Promise<() => Promise<void>> {
  const { live, observer } = gateway;
  const read = async (): Promise<Config> => {
    const { options, gateway: settings } = await findSource(flags, io);
    return { options, gateway: withFlags(settings, flags, io) };
  };
  return watchConfig(file === undefined ? undefined : resolve(io.cwd, file), {
    reload: () => reload({ file: file ?? '', read, live, observer }),
    onTrouble: (error) => observer.defect('watch', error),
  });
}

/** The command line wins over the file. */
function withFlags(settings: GatewaySettings, { host, port, data }: Flags, io: Io): GatewaySettings {
  return {
    ...settings,
    host: host ?? settings.host,
    port: port === undefined ? settings.port : wholeNumber('port', port, 0, 65_535),
    dataDir: resolve(io.cwd, data ?? settings.dataDir),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
