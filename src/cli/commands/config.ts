// image-router config: a configuration file is checked before it is used, and described to editors.
import type { Command } from 'commander';
import { loadConfig } from '../config/config-file.ts';
import { configJsonSchema } from '../config/config-schema.ts';
import { SANDBOX_STAND_INS } from '../endpoints.ts';
import { type Io, print, printJson } from '../io.ts';

export function addConfig(program: Command, io: Io): void {
  const config = program.command('config').description('check a configuration file, or describe it to editors');
  config
    .command('check <file>')
    .description('read a file as every command would, and say what is wrong with it; contacts nobody')
    .option('--sandbox', 'a file without endpoints, which is used with --sandbox')
    .option('--json', 'JSON on stdout')
    .action((file: string, flags: Flags) => check(file, flags, io));
  config
    .command('schema')
    .description('print the JSON schema of configuration files')
    .action(() => printJson(io.stdout, configJsonSchema()));
}

type Flags = { readonly sandbox?: boolean; readonly json?: boolean };

async function check(file: string, { sandbox, json }: Flags, io: Io): Promise<void> {
  const { options, gateway } = await loadConfig(file, io.cwd, io.env, sandbox === true ? SANDBOX_STAND_INS : undefined);
  const endpoints = options.endpoints.map(({ id }) => id);
  if (json === true) return printJson(io.stdout, { file, ok: true, endpoints, gateway });
  print(io.stdout, `${file} is good: endpoints ${endpoints.join(', ')}; the gateway listens on ${gateway.host}:${gateway.port}`);
}
