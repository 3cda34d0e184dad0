// image-router batch: many jobs from a file, a bounded number at a time. It can be killed at any moment and run again:
// what is on disk is kept and not paid for twice.
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { ERROR_CODES } from '../../domain/error.ts';
import { addUsd, dollars, formatUsd } from '../../domain/money.ts';
import { problemsError } from '../../domain/problem.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import { systemIds } from '../../system/ids.ts';
import { type BatchProgress, countTexts, showBatch } from '../batch/batch-progress.ts';
import { checkJobs } from '../batch/check-jobs.ts';
import { gatewayClient } from '../batch/gateway-client.ts';
import { type Past, RESULTS_NAME, readPast } from '../batch/results-file.ts';
import { runAtGateway } from '../batch/run-at-gateway.ts';
import { type BatchOrder, runBatch } from '../batch/run-batch.ts';
import { notStarted, spentBy, type Tally } from '../batch/tally.ts';
import { costJson, describeCost } from '../cost.ts';
import { findSource, type SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, printJson } from '../io.ts';
import { addSourceOptions, withWorld } from '../open-world.ts';
import { makeWritable } from '../output-files.ts';
import { paintFor } from '../paint.ts';
import { readDollars, wholeNumber } from '../quantities.ts';
import { renderPairs } from '../table.ts';

type Flags = SourceFlags & {
  readonly out?: string;
  readonly concurrency: string;
  readonly maxCost?: string;
  readonly json?: boolean;
  readonly gateway?: string;
};

/** router.batch takes no more. */
const MOST_CONCURRENCY = 1_000;

export function addBatch(program: Command, io: Io, fail: (exit: number) => void): void {
  const command = program
    .command('batch')
    .description('make the images of a file of jobs; run it again to go on after a kill')
    .argument('<jobs>', "JSON lines: a request each, in the library's field names, with an id and referenceImages as paths if wanted")
    .option('--out <folder>', 'where images and results.jsonl go; default: named after the jobs file')
    .option('--concurrency <count>', 'jobs at the same time', '5')
    .option('--max-cost <dollars>', 'most that all runs of this folder may cost together, possibly billed calls included: 1.00')
    .option('--json', 'one JSON object on stdout at the end')
    .option('--gateway <url>', 'hand it in as a batch at a gateway, and wait there; a key goes into IMAGE_ROUTER_KEY');
  addSourceOptions(command)
    .addHelpText('after', `\n${HELP}`)
    .action(async (jobs: string, flags: Flags) => fail(await batch(jobs, flags, io)));
}

const HELP = `Exit codes:
    0  every job is delivered
    3  some were skipped because --max-cost has no room for them, none failed
    5  some failed; running it again tries them again
  130  interrupted; running it again goes on

At a gateway, jobs have no pictures and no premium images, latencyBudgetMs counts for none of them, and the batch goes on there
when this command is interrupted: running it again waits for it and fetches what is not there yet.
`;

async function batch(jobs: string, flags: Flags, io: Io): Promise<number> {
  const jobsPath = resolve(io.cwd, jobs);
  const jobsFolder = dirname(jobsPath);
  const concurrency = wholeNumber('concurrency', flags.concurrency, 1, MOST_CONCURRENCY);
  const maxCostUsd = capOf(flags.maxCost);
  const options = flags.gateway === undefined ? (await findSource(flags, io)).options : undefined;
  const total = await checkJobs(jobsPath, jobsFolder, options);
  const out = resolve(io.cwd, flags.out ?? join(jobsFolder, `${basename(jobs, extname(jobs))}-images`));
  await makeWritable(out, 'out');
  const past = await readPast(out);
  const order: BatchOrder = { jobsPath, jobsFolder, out, total, concurrency, maxCostUsd, past };
  const show = (clock: Clock): BatchProgress | undefined => (flags.json === true ? undefined : showBatch(io, clock, total));
  const tally = await (flags.gateway === undefined
    ? makeHere(order, flags, io, show)
    : makeAtGateway(flags.gateway, order, flags, io, show));
  const exit = exitOf(tally, io.signal.aborted);
  if (flags.json === true) printJson(io.stdout, summaryJson(tally, order, io));
  else print(io.stdout, summaryText(tally, order, io));
  return exit;
}

type Show = (clock: Clock) => BatchProgress | undefined;

function makeHere(order: BatchOrder, flags: Flags, io: Io, show: Show): Promise<Tally> {
  return withWorld(flags, io, async (world) => {
    await world.router.ready();
    const progress = show(world.clock);
    return runBatch(world, order, io.signal, progress?.onFinished ?? (() => {})).finally(() => progress?.close());
  });
}

async function makeAtGateway(gateway: string, order: BatchOrder, flags: Flags, io: Io, show: Show): Promise<Tally> {
  refuseSource(flags);
  const clock = systemClock(1);
  const client = gatewayClient(gateway, io.env.IMAGE_ROUTER_KEY, clock, io.signal);
  const progress = show(clock);
  const remote = { ...order, gateway };
  return runAtGateway({ client, clock, ids: systemIds() }, remote, io.signal, progress?.onFinished ?? (() => {})).finally(() =>
    progress?.close(),
  );
}

/** What makes the images is the gateway's affair. */
function refuseSource({ config, sandbox, sandboxUrl, speed, profile }: Flags): void {
  const [given] = Object.entries({ config, sandbox, sandboxUrl, speed, profile }).filter(([, value]) => value !== undefined);
  if (given === undefined) return;
  const remedy = 'leave it out: the gateway has its own';
  throw problemsError('invalid_request', 'request', [
    { field: given[0], rule: 'must not be given together with gateway', value: undefined, remedy },
  ]);
}

function capOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const reading = readDollars('maxCostUsd', text);
  if (reading.kind === 'problem') throw problemsError('invalid_request', 'request', [reading.problem]);
  if (reading.value > 0) return reading.value;
  const remedy = 'give a positive number of dollars, such as 1.00';
  throw problemsError('invalid_request', 'request', [{ field: 'maxCostUsd', rule: 'must be above 0', value: text, remedy }]);
}

function exitOf(tally: Tally, wasInterrupted: boolean): number {
  const { failed, skipped, cancelled } = tally.counts;
  if (wasInterrupted && cancelled + notStarted(tally) > 0) return ERROR_CODES.cancelled.exit;
  if (failed > 0) return ERROR_CODES.providers_failed.exit;
  return skipped > 0 ? ERROR_CODES.infeasible.exit : 0;
}

function summaryText(tally: Tally, { total, out, past, maxCostUsd }: BatchOrder, io: Io): string {
  const paint = paintFor(io.stdout, io.env);
  const waiting = notStarted(tally);
  const counts = [...countTexts(tally), ...(waiting === 0 ? [] : [`${waiting} not started`])].join(', ');
  const rows: readonly (readonly [string, string])[] = [
    ['jobs', `${paint('bold', String(total))}: ${counts}`],
    ...(tally.degraded === 0 ? [] : [['degraded', paint('yellow', `${tally.degraded}; ${RESULTS_NAME} says which and why`)] as const]),
    ['cost', `${describeCost(tally.cost)}${earlier(tally, past, maxCostUsd)}`],
    ['files', join(shown(out, io), '')],
    ['results', shown(join(out, RESULTS_NAME), io)],
    ...(total === tally.counts.delivered + tally.counts.already
      ? []
      : [['next', 'run the same command again: what is delivered is kept'] as const]),
  ];
  return renderPairs(rows, columnsOf(io.stdout), '');
}

function earlier(tally: Tally, past: Past, maxCostUsd: number | undefined): string {
  const all = addUsd(past.spent, spentBy(tally));
  const cap = maxCostUsd === undefined ? '' : ` of $${maxCostUsd.toFixed(2)}`;
  return past.spent === 0 && cap === '' ? '' : `; with earlier runs ${formatUsd(all)}${cap}`;
}

function shown(path: string, io: Io): string {
  const short = relative(io.cwd, path);
  return short === '' || short.startsWith('..') ? path : short;
}

function summaryJson(tally: Tally, { total, out, past, maxCostUsd }: BatchOrder, io: Io): unknown {
  return {
    total,
    ...tally.counts,
    notStarted: notStarted(tally),
    degraded: tally.degraded,
    cost: costJson(tally.cost),
    spentByAllRunsUsd: dollars(addUsd(past.spent, spentBy(tally))),
    maxCostUsd: maxCostUsd ?? null,
    out: shown(out, io),
    results: shown(join(out, RESULTS_NAME), io),
  };
}
