// image-router demo: ten scenes on good and bad days, a table, pictures, and a report to show around.
import { relative } from 'node:path';
import type { Command } from 'commander';
import { formatUsd, microUsd } from '../../domain/money.ts';
import { runDemo } from '../demo/run-demo.ts';
import { findSource, readSpeed, type SourceFlags } from '../endpoints.ts';
import { type Io, print } from '../io.ts';
import { paintFor } from '../paint.ts';

type Flags = Pick<SourceFlags, 'sandbox' | 'speed'> & { readonly out: string };

/** About what the scenes without a fault cost at list prices, generously. */
const REAL_COST = microUsd(0.7);

export function addDemo(program: Command, io: Io, fail: (exit: number) => void): void {
  program
    .command('demo')
    .description('good days and bad days in under a minute: ten scenes, their pictures, and a report')
    .option('--out <folder>', 'where pictures and report go', 'out')
    .option('--sandbox', 'use the built-in sandbox even when keys are set')
    .option('--speed <factor>', 'world seconds per real second for every scene; default: each scene its own')
    .action(async (flags: Flags) => {
      if (!(await demo(flags, io))) fail(BROKEN_EXIT);
    });
}

/** A promise was not kept. */
const BROKEN_EXIT = 1;

async function demo(flags: Flags, io: Io): Promise<boolean> {
  const speed = flags.speed === undefined ? undefined : readSpeed(flags.speed);
  const source = await findSource(flags, io);
  const isReal = source.kind === 'keys';
  const notice = isReal
    ? `using ${source.name}: scenes that need no fault run against the real providers and cost about ${formatUsd(REAL_COST)}; --sandbox for all of them, free`
    : 'no provider is called: each scene runs against a built-in sandbox of its own, nothing is billed, all seconds are world seconds';
  print(io.stderr, `${paintFor(io.stderr, io.env)('dim', notice)}\n`);
  const { report, broken } = await runDemo({ options: source.options, speed, isReal, out: flags.out }, io);
  const shown = relative(io.cwd, report);
  print(io.stdout, `report: ${shown.startsWith('..') ? report : shown}`);
  if (broken.length > 0) print(io.stdout, ['', 'promises that were not kept:', ...broken.map((line) => `  ${line}`)].join('\n'));
  else print(io.stdout, ['', 'next:', ...NEXT.map((line) => `  ${line}`)].join('\n'));
  return broken.length === 0;
}

const NEXT = [
  'image-router generate "a red fox in the snow" --budget 8s',
  'image-router explain "poster with the words \'Grand opening\'" --budget 60s --max-cost 0.10',
  'image-router sandbox --speed 10',
];
