// pg-boss by itself, used as ours uses it: single sends, as many at a time; taken for as many places as are free, each ended
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

/** A place that is free again is filled at once, as our worker does: no lot waits for its slowest. */
async function makeAll(boss: PgBoss, places: number): Promise<void> {
  const running = new Set<Promise<void>>();
  for (;;) {
    const free = places - running.size;
    const taken = free === 0 ? [] : await boss.fetch(QUEUE, { batchSize: free });
    for (const { id } of taken) {
      const ended: Promise<void> = boss.complete(QUEUE, id).then(() => {
        running.delete(ended);
      });
      running.add(ended);
    }
    if (running.size === 0) return;
    await Promise.race(running);
  }
}
