// How many jobs a second are taken and made when a render takes no time, on PostgreSQL and on SQLite, beside bare pg-boss on the
// same database; how long taking one takes at a hundred a second; and what a hundred thousand waiting jobs cost the next.
// Goals are printed beside the figures; the exit code never depends on time. `npm run bench:jobs`, `-- --quick` for a glance.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStores } from '../src/gateway/store/open-sqlite.ts';
import { openPostgresStores } from '../src/gateway/store/postgres/open-postgres.ts';
import { systemClock } from '../src/system/clock.ts';
import { ownCluster, programs } from '../test/support/postgres-cluster.ts';
import { barePgBoss } from './jobs/bare-pg-boss.ts';
import { type Figures, measure } from './jobs/measure.ts';
import { printLine, printTable } from './support/print.ts';

const isQuick = process.argv.includes('--quick');
const plan = { jobs: isQuick ? 2_000 : 10_000, inFlight: 64, paced: isQuick ? 500 : 2_000, waiting: isQuick ? 20_000 : 100_000 };
const clock = systemClock();
const GOAL_RATIO = 0.6;
const GOAL_P99_MS = 50;
const GOAL_GROWTH = 1.5;

printLine(
  `${plan.jobs} jobs, ${plan.inFlight} callers and places at a time, no render time; every call of a job is written down before it`,
);
const rows: { readonly name: string; readonly figures: Figures }[] = [];

const folder = await mkdtemp(join(tmpdir(), 'image-router-bench-jobs-'));
const sqlite = openSqliteStores({ dataDir: folder, clock, owner: 'bench' });
rows.push({ name: 'SQLite', figures: await measure(sqlite, folder, plan) });
await sqlite.store.close();

let boss: { readonly accepted: number; readonly finished: number } | undefined;
if (programs() === undefined) printLine("Debian's package postgresql is not installed: PostgreSQL and pg-boss are left out");
else {
  const cluster = await ownCluster();
  // Before and after ours: a machine that gets slower or faster meanwhile shows.
  const first = await barePgBoss(cluster.url, plan);
  const stores = await openPostgresStores({ url: cluster.url, clock, owner: 'bench' });
  rows.push({ name: 'PostgreSQL', figures: await measure(stores, folder, plan) });
  await stores.store.close();
  const second = await barePgBoss(cluster.url, plan);
  boss = { accepted: (first.accepted + second.accepted) / 2, finished: (first.finished + second.finished) / 2 };
  await cluster.remove();
}
await rm(folder, { recursive: true, force: true });

const ratio = (ours: number, theirs: number | undefined): string => (theirs === undefined ? '' : `${(ours / theirs).toFixed(2)}x`);
printTable(
  [
    '',
    'accepted/s',
    'CPU ms',
    'of pg-boss',
    'finished/s',
    'CPU ms',
    'of pg-boss',
    'with pictures',
    'p50 ms',
    'p99 ms',
    `1 000 wait`,
    `${plan.waiting} wait`,
  ],
  [
    ...(boss === undefined
      ? []
      : [['bare pg-boss', boss.accepted.toFixed(0), '', '', boss.finished.toFixed(0), '', '', '', '', '', '', '']]),
    ...rows.map(({ name, figures: { accepted, finished, kept, paced, few, many } }) => [
      name,
      accepted.perSecond.toFixed(0),
      accepted.cpuMs.toFixed(2),
      ratio(accepted.perSecond, boss?.accepted),
      finished.perSecond.toFixed(0),
      finished.cpuMs.toFixed(2),
      ratio(finished.perSecond, boss?.finished),
      kept.perSecond.toFixed(0),
      paced.p50.toFixed(1),
      paced.p99.toFixed(1),
      `${few.toFixed(3)} ms`,
      `${many.toFixed(3)} ms`,
    ]),
  ],
);
printLine('with pictures: finished/s with each picture a file in a folder, on disk before its job ends.');
printLine('p50 and p99: of accepting at 100/s. With so many waiting: milliseconds for one more, sixteen at a time.');
for (const { name, figures } of rows) {
  const { accepted, finished, paced, few, many } = figures;
  if (boss !== undefined) {
    const [take, make] = [accepted.perSecond / boss.accepted, finished.perSecond / boss.finished];
    printLine(
      `${name}: ${take.toFixed(2)} and ${make.toFixed(2)} of bare pg-boss; goal ${GOAL_RATIO}: ${verdict(Math.min(take, make) >= GOAL_RATIO)}`,
    );
  }
  printLine(`${name}: accept p99 ${paced.p99.toFixed(1)} ms at 100/s; goal ${GOAL_P99_MS} ms: ${verdict(paced.p99 <= GOAL_P99_MS)}`);
  printLine(
    `${name}: with ${plan.waiting} waiting an accept costs ${(many / few).toFixed(2)}x; goal ${GOAL_GROWTH}x: ${verdict(many / few <= GOAL_GROWTH)}`,
  );
}

function verdict(isMet: boolean): string {
  return isMet ? 'yes' : 'NO';
}
