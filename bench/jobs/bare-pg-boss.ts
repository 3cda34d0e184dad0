// pg-boss by itself, used as ours uses it: single sends, as many at a time; taken in lots as large as there are places, each ended
// by a call of its own as soon as it is made.
import { PgBoss } from 'pg-boss';
import { type JobsPlan, sideBySide } from './measure.ts';

const QUEUE = 'bench';

export async function barePgBoss(
  url: string,
  { jobs, inFlight }: JobsPlan,
): Promise<{ readonly accepted: number; readonly finished: number }> {
  const boss = new PgBoss({ connectionString: url, schema: 'bare', max: 10, schedule: false, supervise: false });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue(QUEUE);
  await sideBySide(200, inFlight, () => boss.send(QUEUE, { prompt: 'a red fox asleep in fresh snow' }));
  await makeAll(boss, inFlight);
  let startedAt = performance.now();
  await sideBySide(jobs, inFlight, () => boss.send(QUEUE, { prompt: 'a red fox asleep in fresh snow' }));
  const accepted = (jobs / (performance.now() - startedAt)) * 1_000;
  startedAt = performance.now();
  await makeAll(boss, inFlight);
  const finished = (jobs / (performance.now() - startedAt)) * 1_000;
  await boss.stop({ graceful: false });
  return { accepted, finished };
}

async function makeAll(boss: PgBoss, batchSize: number): Promise<void> {
  for (;;) {
    const taken = await boss.fetch(QUEUE, { batchSize });
    if (taken.length === 0) return;
    await Promise.all(taken.map(({ id }) => boss.complete(QUEUE, id)));
  }
}
