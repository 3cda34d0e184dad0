// Builds what a command works with: a router, and a sandbox beside it when there are no keys, both on one clock. Whoever
// opens a world closes it, whatever happened in between.
import type { Command } from 'commander';
import { compose } from '../compose.ts';
import type { ImageRouter } from '../index.ts';
import type { ResolvedOptions } from '../options.ts';
import { type Sandbox, startSandbox } from '../sandbox/index.ts';
import { type Clock, systemClock } from '../system/clock.ts';
import { findSource, type Source, type SourceFlags } from './endpoints.ts';
import { type Io, print } from './io.ts';
import { paintFor } from './paint.ts';

export type World = {
  readonly router: ImageRouter;
  readonly clock: Clock;
  readonly options: ResolvedOptions;
  readonly source: Source;
  /** Only when it runs in this process. */
  readonly sandbox: Sandbox | undefined;
};

/** Options that say where calls go. */
export function addSourceOptions(command: Command): Command {
  return command
    .option('--config <file>', 'endpoints, routes and policies from a YAML or JSON file')
    .option('--sandbox', 'use the built-in sandbox even when keys are set; with --config, for a file without endpoints')
    .option('--sandbox-url <url>', 'use a sandbox that runs: the URL that image-router sandbox printed')
    .option('--speed <factor>', "world seconds per real second: 10 with the built-in sandbox, the sandbox's own with --sandbox-url, else 1")
    .option('--profile <name>', 'latency to expect before anything was observed: brief or field');
}

/** Opens a world, lets `work` use it, and closes it. Says on stderr when pictures will come from a sandbox. */
export async function withWorld<Result>(flags: SourceFlags, io: Io, work: (world: World) => Promise<Result>): Promise<Result> {
  const source = await findSource(flags, io);
  const clock = systemClock(source.options.speed);
  const sandbox = source.kind === 'sandbox' ? await sandboxFor(source, clock) : undefined;
  const options = sandbox === undefined ? source.options : { ...source.options, endpoints: sandbox.endpoints };
  const router = compose(options, { clock });
  if (sandbox !== undefined) announce(flags, io, clock.speed);
  try {
    return await work({ router, clock, options, source, sandbox });
  } finally {
    await router.close();
    await sandbox?.close();
  }
}

/** A router to ask and never to send with: no socket is opened. */
export async function planningRouter(flags: SourceFlags, io: Io): Promise<Pick<World, 'router' | 'options' | 'source'>> {
  const source = await findSource(flags, io);
  return { router: compose(source.options), options: source.options, source };
}

/** Its endpoints take the place of the source's placeholders. */
export function sandboxFor({ options }: Source, clock: Clock): Promise<Sandbox> {
  return startSandbox({ routes: options.routes, clock, profile: options.latencyProfile });
}

function announce(flags: SourceFlags, io: Io, speed: number): void {
  const why = flags.sandbox === true ? 'as asked' : 'no provider keys are set';
  const how = `using the built-in sandbox at ${speed} times real speed: nothing is billed`;
  print(io.stderr, paintFor(io.stderr, io.env)('dim', `${why}: ${how}`));
}
