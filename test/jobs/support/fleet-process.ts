// A gateway and a worker in one process, to be killed: it accepts jobs with their money reserved, saying so of each once it is
// durable, and makes whatever waits. Each upstream call is a line in a file that all processes share, written in one go: the
// provider's own ledger, which no crash of ours can spoil. Arguments: where the stores are, how many jobs to accept, its name.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { openFolderBlobs } from '../../../src/jobs/blobs/folder-blobs.ts';
import { createJobs } from '../../../src/jobs/jobs-service.ts';
import { createWorker } from '../../../src/jobs/worker.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { usd } from '../../gateway/support/state-world.ts';
import { type FleetPlace, openFleetStores } from './fleet-stores.ts';
import { ScriptedRouter } from './scripted-router.ts';

const [placeText = '', accepts = '0', name = ''] = process.argv.slice(2);
const place: FleetPlace = JSON.parse(placeText);
const clock = systemClock(1);
const ids = systemIds();
const onTrouble = (error: unknown): boolean => process.stderr.write(`${name}: ${String(error)}\n`);

const { store, jobs: jobStore } = await openFleetStores(place, name);
const blobs = openFolderBlobs({ dataDir: place.folder, ids });
const jobs = createJobs({ store: jobStore, blobs, clock, ids, onTrouble });

const router = new ScriptedRouter(async (making) => {
  // Every third is turned away once, every fifth is previewed.
  const number = Number(making.request.prompt);
  if (making.request.preview === true) await making.preview(await making.call(1, 'preview'));
  if (number % 3 !== 0) return making.deliver(await making.call(1));
  await making.turnedAway(1);
  return making.deliver(await making.call(2));
});
// Says whose call it is in the books.
router.target = name as typeof router.target;
router.upstream = async ({ prompt, part, attempt }) => {
  appendFileSync(join(place.folder, 'ledger'), `${prompt} ${part ?? '-'} ${attempt}\n`);
  process.stdout.write('called\n');
  await new Promise<void>((resolve) => clock.timer(5 + (Number(prompt) % 7) * 6, resolve));
};

await store.beat(clock.wall().getTime());
const beat = (): void => {
  void store.beat(clock.wall().getTime()).catch(onTrouble);
  clock.timer(1_000, beat, { background: true });
};
beat();
const parts = { store: jobStore, blobs, router, clock, ids, onTrouble, keepTrace: () => undefined };
const worker = createWorker({ ...parts, name: ids.next('wrk'), settings: { concurrency: 4 } });
worker.start();
process.on('SIGTERM', () => {
  void worker
    .drain(5_000)
    .then(() => store.close())
    .then(() => process.exit(0));
});
// Keeps it alive when nothing waits.
setInterval(() => undefined, 1_000);

for (let count = 0; count < Number(accepts); count += 1) {
  const id = ids.next('job');
  const at = clock.wall().getTime();
  await store.reserve({ id, principal: 'key', images: 1, microUsd: usd(100_000), limits: NO_LIMITS, at, keptBy: 'job' });
  // A prompt of its own, so that the ledger says which job a call was for.
  const prompt = String(Number.parseInt(id.slice(-10), 16));
  const about = { principal: 'key', model: 'auto', origin: { kind: 'request' }, lineage: undefined, lifeMs: 3_600_000 } as const;
  await jobs.submit([{ id, request: { prompt, preview: count % 5 === 0 }, maxCost: usd(100_000), ...about }]);
  process.stdout.write(`accepted ${id}\n`);
}
process.stdout.write('done\n');
