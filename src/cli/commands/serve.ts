// image-router serve: the gateway in the foreground, until SIGTERM or Ctrl-C; then it drains. Without keys the built-in sandbox
// stands behind it, so that the first request works before anything is configured.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../../gateway/config/settings.ts';
import { isLoopbackHost } from '../../system/network/loopback-host.ts';
import type { SourceFlags } from '../endpoints.ts';
import type { Io } from '../io.ts';
import { addSourceOptions } from '../open-world.ts';
import { wholeNumber } from '../quantities.ts';
import { introduce } from '../serve/introduction.ts';
import { openGateway } from '../serve/open-gateway.ts';
import { databaseUrlIn } from '../serve/open-stores.ts';
import { readSettings } from '../serve/read-settings.ts';
import { runUntilTold } from '../serve/run-until-told.ts';

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
  const { source, settings, read } = await readSettings(flags, io, (file) => withFlags(file, flags, io));
  const requireKeys = flags.requireKeys === true || !isLoopbackHost(settings.host);
  const databaseUrl = databaseUrlIn(io.env);
  const gateway = await openGateway({ source, settings, requireKeys, databaseUrl });
  await runUntilTold(gateway, { source, read, io, about: { listens_at: gateway.url } }, () =>
    introduce(gateway, { behind: source.name, requireKeys, databaseUrl }, io),
  );
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
