// What the router costs: time and processor per request beside the bare SDK and the AI SDK, plans a second, memory per
// waiting request. Goals are printed beside the figures; the exit code never depends on time, because machines differ.
// `npm run bench`, or `npm run bench -- --quick` for a glance.
import { cpus } from 'node:os';
import { type Contender, contendersAt } from './overhead/contenders.ts';
import { plansPerSecond } from './overhead/plans.ts';
import { type Effort, type Measured, measure } from './overhead/rounds.ts';
import { startChild } from './support/child.ts';
import { PICTURES, type PictureName } from './support/pictures.ts';
import { printLine, printTable } from './support/print.ts';

const isQuick = process.argv.includes('--quick');
const scale = isQuick ? 0.2 : 1;
/** Calls until the engine has compiled what they run through: the first thousands cost up to twice what all later ones do. */
const WARM_UP = isQuick ? 3_000 : 8_000;
const effortFor = (picture: PictureName): Effort =>
  picture === 'tiny'
    ? { warmUp: WARM_UP, rounds: Math.ceil(40 * scale), callsPerRound: 64 }
    : { warmUp: 48, rounds: Math.ceil(30 * scale), callsPerRound: 16 };

/** Added to the median of the bare SDK, at most: milliseconds for the small picture, a share for the heavy one. */
const GOAL_ADDED_MS = 0.5;
const GOAL_ADDED_SHARE = 0.1;
/** Bytes a waiting request may hold. */
const GOAL_BYTES_WAITING = 25 * 1_024;

type Waiting = { readonly waiting: number; readonly bytesEach: number; readonly bytesLeftEach: number };

printLine(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}`);
const server = await startChild<string>(new URL('./overhead/serve.ts', import.meta.url));
for (const picture of PICTURES) {
  for (const concurrency of [1, 16]) printCell(picture, concurrency, await measureCell(picture, concurrency));
}
server.stop();

printLine(`\nplans        ${Math.round(plansPerSecond(isQuick ? 1 : 5))} a second, over a mix of eight needs`);
const { message: memory, stop } = await startChild<Waiting>(new URL('./overhead/waiting.ts', import.meta.url));
stop();
const kept = `${(memory.bytesEach / 1_024).toFixed(1)} KB a request with ${memory.waiting} waiting`;
const left = `${(memory.bytesLeftEach / 1_024).toFixed(2)} KB after they ended`;
printLine(`memory       ${kept}, ${left}; goal 25 KB: ${yesOrNo(memory.bytesEach <= GOAL_BYTES_WAITING)}`);

async function measureCell(picture: PictureName, concurrency: number): Promise<readonly Measured[]> {
  const contenders: readonly Contender[] = contendersAt(server.message, picture);
  const measured = await measure(contenders, concurrency, effortFor(picture));
  for (const contender of contenders) await contender.close();
  return measured;
}

function printCell(picture: PictureName, concurrency: number, measured: readonly Measured[]): void {
  const [bare, router, other] = measured;
  if (bare === undefined || router === undefined || other === undefined) return;
  printLine(`\n${picture === 'tiny' ? 'a picture of 1 KB' : 'a picture of 1.5 MB'}, ${concurrency} at a time`);
  printTable(
    ['', 'p50 ms', 'p95 ms', 'requests/s', 'x bare', 'added ms', 'CPU ms'],
    measured.map((row) => [
      row.name,
      row.p50.toFixed(2),
      row.p95.toFixed(2),
      row.perSecond.toFixed(0),
      (row.p50 / bare.p50).toFixed(2),
      (row.p50 - bare.p50).toFixed(2),
      row.cpuMsPerCall.toFixed(2),
    ]),
  );
  const added = router.p50 - bare.p50;
  const isSmall = picture === 'tiny';
  const goal = isSmall ? `at most ${GOAL_ADDED_MS} ms added` : 'at most 10 % added';
  const isKept = isSmall ? added <= GOAL_ADDED_MS : added <= GOAL_ADDED_SHARE * bare.p50;
  printLine(`goal ${goal}: ${yesOrNo(isKept)}; below the AI SDK: ${yesOrNo(router.p50 < other.p50)}`);
}

function yesOrNo(isKept: boolean): string {
  return isKept ? 'yes' : 'NO';
}
