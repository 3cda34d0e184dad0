// image-router sandbox: both providers' stand-ins in the foreground, until Ctrl-C. It prints what to point a client at,
// how to break it while it runs, and at the end what was really made and really billed.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Problem } from '../../domain/error.ts';
import { dollars, formatUsd } from '../../domain/money.ts';
import { nearest, problemsError } from '../../domain/problem.ts';
import { formatSize } from '../../domain/size.ts';
import { FAULT_IDS, type FaultScript, type LedgerRow, parseFaultScript, type Sandbox, startSandbox } from '../../sandbox/index.ts';
import { systemClock } from '../../system/clock.ts';
import { durationText } from '../duration-text.ts';
import { findSource, readSpeed, type SourceFlags } from '../endpoints.ts';
import { columnsOf, type Io, print, printJson } from '../io.ts';
import { paintFor } from '../paint.ts';
import { wholeNumber } from '../quantities.ts';
import { type Column, renderTable } from '../table.ts';
import { readText, systemReason } from '../text-file.ts';

type Flags = Pick<SourceFlags, 'profile' | 'speed'> & {
  readonly port?: string;
  readonly seed?: string;
  readonly script?: string;
  readonly imagesPerMinute?: string;
  readonly pictures?: string;
  readonly ordinaryFaults?: boolean;
  readonly json?: boolean;
};

export function addSandbox(program: Command, io: Io): void {
  program
    .command('sandbox')
    .description('run stand-ins for both providers on loopback, until Ctrl-C')
    .option('--port <number>', 'TCP port on 127.0.0.1; default: any free one')
    .option('--speed <factor>', 'world seconds per real second; default 1')
    .option('--profile <name>', 'latency: brief or field')
    .option('--seed <seed>', 'same seed, same latencies, faults and pictures; default 1')
    .option('--script <file>', 'faults in force from the start: JSON {"rules": [{"fault": "outage", "face": "openai"}]}')
    .option('--images-per-minute <count>', 'rate limit of every model at every face')
    .option('--pictures <weight>', 'honest: files as heavy as real ones; light: small ones')
    .option('--ordinary-faults', 'let the faults of an ordinary day happen by themselves')
    .option('--json', 'JSON on stdout: one object at the start, one at the end')
    .action((flags: Flags) => runSandbox(flags, io));
}

async function runSandbox(flags: Flags, io: Io): Promise<void> {
  const speed = flags.speed === undefined ? 1 : readSpeed(flags.speed);
  const sandbox = await start(flags, speed, io);
  try {
    if (flags.json === true)
      printJson(io.stdout, { url: sandbox.url, speed, endpoints: sandbox.endpoints, aggregator: sandbox.aggregator });
    else print(io.stdout, introduction(sandbox, speed, io));
    await aborted(io.signal);
    if (flags.json === true) printJson(io.stdout, ledgerJson(sandbox));
    else print(io.stdout, `\n${ledgerText(sandbox, columnsOf(io.stdout))}`);
  } finally {
    await sandbox.close();
  }
}

async function start(flags: Flags, speed: number, io: Io): Promise<Sandbox> {
  const { options } = await findSource({ sandbox: true, ...(flags.profile === undefined ? {} : { profile: flags.profile }) }, io);
  const port = flags.port === undefined ? 0 : wholeNumber('port', flags.port, 0, 65_535);
  const script = flags.script === undefined ? undefined : await scriptIn(flags.script, io);
  const perMinute = flags.imagesPerMinute === undefined ? undefined : wholeNumber('imagesPerMinute', flags.imagesPerMinute, 1, 1_000_000);
  const pictures = picturesOf(flags.pictures);
  try {
    return await startSandbox({
      routes: options.routes,
      clock: systemClock(speed),
      profile: options.latencyProfile,
      port,
      pictures,
      baselineFaults: flags.ordinaryFaults === true,
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(script === undefined ? {} : { script }),
      ...(perMinute === undefined ? {} : { imagesPerMinute: perMinute }),
    });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw refusal({
      field: 'port',
      rule: `must be free (${systemReason(error)})`,
      value: String(port),
      remedy: 'leave --port out to get any free one',
    });
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function picturesOf(text: string | undefined): 'honest' | 'light' {
  if (text === undefined || text === 'honest') return 'honest';
  if (text === 'light') return 'light';
  throw refusal({ field: 'pictures', rule: 'must be honest or light', value: JSON.stringify(text), remedy: 'use one of honest, light' });
}

async function scriptIn(file: string, io: Io): Promise<FaultScript> {
  const text = await readText(resolve(io.cwd, file), 'script', 'fault script');
  try {
    return parseFaultScript(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw refusal({
        field: 'script',
        rule: `is not JSON: ${error.message}`,
        value: undefined,
        remedy: 'write {"rules": [{"fault": "outage"}]}',
      });
    }
    if (error instanceof RangeError) throw refusal(scriptProblem(error.message));
    throw error;
  }
}

/** The sandbox says `script.rules.0.fault: unknown fault "outge"; known are ...`. */
function scriptProblem(complaint: string): Problem {
  const [, field = 'script', rule = complaint] = /^(\S+): (.*)$/s.exec(complaint) ?? [];
  const unknown = /unknown fault "([^"]*)"/.exec(rule)?.[1];
  const near = unknown === undefined ? undefined : nearest(unknown, FAULT_IDS);
  const remedy = near === undefined ? 'see the faults at /__sim/faults of a running sandbox' : `did you mean "${near}"?`;
  return { field, rule, value: undefined, remedy };
}

function refusal(problem: Problem): Error {
  return problemsError('invalid_request', 'request', [problem]);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function introduction(sandbox: Sandbox, speed: number, io: Io): string {
  const paint = paintFor(io.stdout, io.env);
  const endpoints = [...sandbox.endpoints, ...sandbox.aggregator];
  const table = renderTable(
    [{ title: 'endpoint' }, { title: 'protocol' }, { title: 'base URL' }, { title: 'key' }],
    endpoints.map(({ id, provider, baseUrl, apiKey }) => [id, provider, baseUrl, apiKey]),
    columnsOf(io.stdout),
  );
  const snippet = [
    'endpoints:',
    ...sandbox.endpoints.map(
      ({ id, provider, baseUrl, apiKey }) => `  - { id: ${id}, provider: ${provider}, baseUrl: "${baseUrl}", apiKey: ${apiKey} }`,
    ),
    ...(speed === 1 ? [] : [`speed: ${speed}`]),
  ];
  return [
    `${paint('bold', sandbox.url)}  at ${speed} times real speed; Ctrl-C ends it and prints its books`,
    '',
    table,
    '',
    paint('bold', 'use it'),
    `  image-router generate "a red fox" --sandbox-url ${sandbox.url}`,
    '',
    paint('bold', 'or paste into a --config file'),
    ...snippet.map((line) => `  ${line}`),
    '',
    paint('bold', 'break it, watch it'),
    `  curl -X POST -H 'content-type: application/json' -d '{"fault":"outage","face":"openai"}' ${sandbox.url}/__sim/faults`,
    `  curl -X DELETE ${sandbox.url}/__sim/faults`,
    `  curl ${sandbox.url}/__sim/ledger`,
  ].join('\n');
}

const LEDGER_COLUMNS: readonly Column[] = [
  { title: 'at', align: 'right' },
  { title: 'face' },
  { title: 'model' },
  { title: 'quality' },
  { title: 'size' },
  { title: 'n', align: 'right' },
  { title: 'took', align: 'right' },
  { title: 'billed', align: 'right' },
  { title: 'outcome' },
];
/** The last so many rows are shown; --json has them all. */
const SHOWN_ROWS = 30;

function ledgerText(sandbox: Sandbox, width: number): string {
  const rows = sandbox.ledger();
  const { billed, requests, orphaned } = sandbox.stats();
  const total = `${requests} requests, ${rows.length} reached a model, ${orphaned} were made for a caller who had left; billed ${formatUsd(billed)}`;
  if (rows.length === 0) return total;
  const left = rows.length > SHOWN_ROWS ? [`(the last ${SHOWN_ROWS} of ${rows.length})`] : [];
  return [renderTable(LEDGER_COLUMNS, rows.slice(-SHOWN_ROWS).map(ledgerRow), width), ...left, total].join('\n');
}

function ledgerRow(row: LedgerRow): readonly string[] {
  const outcome = [row.outcome, ...(row.fault === undefined ? [] : [row.fault]), ...(row.orphaned ? ['orphaned'] : [])].join(', ');
  const size = formatSize(row.size);
  return [
    durationText(row.arrivedMs),
    row.face,
    row.model,
    row.quality ?? '-',
    size,
    String(row.n),
    durationText(row.generationMs),
    formatUsd(row.billed),
    outcome,
  ];
}

function ledgerJson(sandbox: Sandbox): unknown {
  const { billed, ...stats } = sandbox.stats();
  const rows = sandbox.ledger().map(({ billed: rowBilled, ...row }) => ({ ...row, billedUsd: dollars(rowBilled) }));
  return { stats: { ...stats, billedUsd: dollars(billed) }, ledger: rows };
}
