// What a gateway costs: the same stand-in for a provider behind nothing, behind a bare pipe, behind Portkey and behind this
// gateway, in one run on one machine, in turns. Goals are printed beside the figures; the exit code never depends on time.
// `npm run bench:gateway`, `npm run bench:gateway -- --quick` for a glance, `-- --only "50 requests"` for some of the cells.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Contender, startContenders } from './gateway/contenders.ts';
import { type Effort, type Served, serve } from './gateway/load.ts';
import { startChild } from './support/child.ts';
import type { PictureName } from './support/pictures.ts';
import { printLine, printTable } from './support/print.ts';
import { quantile } from './support/statistics.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' } } });
const isQuick = values.quick;
const ROUNDS = isQuick ? 1 : 3;
const SECONDS = isQuick ? 3 : 5;
/** Until the engine has compiled what requests run through: a gateway lives for weeks, and its first seconds cost twice as much. */
const WARM_UP_SECONDS = isQuick ? 8 : 20;
/** A busy server of pictures, for what the gateway adds when nothing queues. */
const STEADY: Effort = { connections: 16, seconds: SECONDS * 2, rate: 50 };

type Cell = { readonly title: string; readonly picture: PictureName; readonly effort: Effort; readonly without?: Contender['name'] };
const flatOut = (connections: number): Effort => ({ connections, seconds: SECONDS, rate: undefined });
const CELLS: readonly Cell[] = [
  { title: 'a picture of 1 KB, 1 connection', picture: 'tiny', effort: flatOut(1) },
  { title: 'a picture of 1 KB, 16 connections', picture: 'tiny', effort: flatOut(16) },
  { title: 'a picture of 1.5 MB, 1 connection', picture: 'full', effort: flatOut(1) },
  { title: 'a picture of 1.5 MB, 16 connections', picture: 'full', effort: flatOut(16) },
  // Portkey serves twenty a second: at fifty it falls behind without end.
  { title: 'a picture of 1.5 MB (2 MB as base64), 50 requests/s, one every 20 ms', picture: 'full', effort: STEADY, without: 'Portkey' },
];

printLine(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}`);
const upstream = await startChild<string>(new URL('./overhead/serve.ts', import.meta.url));
const contenders = await startContenders(upstream.message);
if (!contenders.some(({ name }) => name === 'Portkey')) printLine('Portkey is left out: npm could not install it here');
for (const contender of contenders) await serve(contender, 'tiny', { ...flatOut(16), seconds: WARM_UP_SECONDS });
for (const cell of CELLS.filter(({ title }) => title.includes(values.only))) printCell(cell, await measureCell(cell));
for (const contender of contenders) await contender.stop();
upstream.stop();

type Row = { readonly name: Contender['name']; readonly served: Served };

/** The median of each figure over the rounds; contenders take turns, so that a slow spell of the machine meets all. */
async function measureCell({ picture, effort, without }: Cell): Promise<readonly Row[]> {
  const asked = contenders.filter(({ name }) => name !== without);
  const rounds: Row[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const rows: Row[] = [];
    for (const contender of asked) rows.push({ name: contender.name, served: await serve(contender, picture, effort) });
    rounds.push(rows);
  }
  return asked.map(({ name }) => ({ name, served: median(rounds.flat().filter((row) => row.name === name)) }));
}

function median(rows: readonly Row[]): Served {
  const middle = (figure: keyof Served): number =>
    quantile(
      rows.map((row) => row.served[figure]),
      0.5,
    );
  return {
    perSecond: middle('perSecond'),
    p50: middle('p50'),
    p99: middle('p99'),
    cpuMs: middle('cpuMs'),
    rssMb: middle('rssMb'),
    failed: rows.reduce((sum, row) => sum + row.served.failed, 0),
  };
}

function printCell({ title, picture, effort }: Cell, rows: readonly Row[]): void {
  printLine(`\n${title}`);
  const of = (name: Contender['name']): Served | undefined => rows.find((row) => row.name === name)?.served;
  const ratio = (served: Served, name: Contender['name']): string =>
    ((served.perSecond ?? 0) / (of(name)?.perSecond ?? Number.NaN)).toFixed(2);
  printTable(
    ['', 'requests/s', 'x pipe', 'x Portkey', 'p50 ms', 'p99 ms', 'CPU ms', 'peak MB', 'failed'],
    rows.map(({ name, served }) => [
      name,
      served.perSecond.toFixed(0),
      ratio(served, 'pipe'),
      ratio(served, 'Portkey'),
      served.p50.toFixed(1),
      served.p99.toFixed(1),
      served.cpuMs.toFixed(2),
      served.rssMb.toFixed(0),
      String(served.failed),
    ]),
  );
  for (const line of goals(picture, effort, of)) printLine(line);
}

function goals(picture: PictureName, effort: Effort, of: (name: Contender['name']) => Served | undefined): readonly string[] {
  const [ours, pipe, portkey, direct] = [of('image-router'), of('pipe'), of('Portkey'), of('direct')];
  if (ours === undefined || pipe === undefined || direct === undefined) return [];
  if (effort.rate !== undefined) return [goal('p99 added to direct, in ms', ours.p99 - direct.p99, 'at most', 10)];
  if (effort.connections === 1) return [];
  const overPortkey = ours.perSecond / (portkey?.perSecond ?? Number.NaN);
  return picture === 'tiny'
    ? [goal('times Portkey', overPortkey, 'at least', 1.5)]
    : [goal('of the pipe', ours.perSecond / pipe.perSecond, 'at least', 0.7), goal('times Portkey', overPortkey, 'at least', 6)];
}

function goal(what: string, figure: number, side: 'at least' | 'at most', limit: number): string {
  if (Number.isNaN(figure)) return `goal ${side} ${limit} ${what}: not measured`;
  const isKept = side === 'at least' ? figure >= limit : figure <= limit;
  return `goal ${side} ${limit} ${what}: ${isKept ? 'yes' : 'NO'} (${figure.toFixed(2)})`;
}
