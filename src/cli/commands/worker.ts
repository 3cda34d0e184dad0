// image-router worker: makes jobs that gateways have taken, until SIGTERM or Ctrl-C. It shares a database (DATABASE_URL) or a data
// folder with them and listens nowhere.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../../gateway/config/settings.ts';
import type { SourceFlags } from '../endpoints.ts';
import { type Io, print } from '../io.ts';
import { addSourceOptions } from '../open-world.ts';
import { wholeNumber } from '../quantities.ts';
import { databaseUrlIn } from '../serve/open-stores.ts';
import { openWorker } from '../serve/open-worker.ts';
import { readSettings } from '../serve/read-settings.ts';
import { runUntilTold } from '../serve/run-until-told.ts';

type Flags = SourceFlags & { readonly data?: string; readonly concurrency?: string };

export function addWorker(program: Command, io: Io): void {
  const { dataDir, jobs } = DEFAULT_SETTINGS;
  addSourceOptions(program.command('worker'))
    .description('make the jobs that gateways on the same database or data folder have taken, until Ctrl-C')
    .option('--data <folder>', `the gateways' data folder; default gateway.dataDir of the file, else ${dataDir}`)
    .option('--concurrency <number>', `jobs at a time; default gateway.jobs.concurrency of the file, else ${jobs.concurrency}`)
    .action((flags: Flags) => work(flags, io));
}

async function work(flags: Flags, io: Io): Promise<void> {
  const { source, settings, read } = await readSettings(flags, io, (file) => withFlags(file, flags, io));
  const databaseUrl = databaseUrlIn(io.env);
  const worker = await openWorker({ source, settings, databaseUrl });
  const queue = databaseUrl === undefined ? settings.dataDir : 'the database in DATABASE_URL';
  await runUntilTold(worker, { source, read, io, about: {} }, () =>
    print(io.stdout, `worker    makes up to ${settings.jobs.concurrency} jobs at a time from ${queue}, through ${source.name}`),
  );
}

/** The command line wins over the file. */
function withFlags(settings: GatewaySettings, { data, concurrency }: Flags, io: Io): GatewaySettings {
  const jobs =
    concurrency === undefined ? settings.jobs : { ...settings.jobs, concurrency: wholeNumber('concurrency', concurrency, 1, 10_000) };
  return { ...settings, jobs, dataDir: resolve(io.cwd, data ?? settings.dataDir) };
}
