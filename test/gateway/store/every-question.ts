// Every question and change that a store of jobs knows, each asked once: for tests that look at what their database made of them.
import type { JobStore } from '../../../src/jobs/job-store.ts';
import { newJob } from './jobs-contract.ts';

const NOON = 1_795_608_000_000;
const NOTHING = { images: [], previews: [], degraded: undefined, error: undefined, traceId: undefined, ends: [] } as const;

/** Of the batch `b`, which must be there. */
export async function askEverything(jobs: JobStore): Promise<void> {
  const request = { prompt: 'x', referenceBlobs: ['r'] };
  await jobs.accept(['a', 'b', 'c'].map((id) => newJob(id, { request, origin: { kind: 'batch', batch: 'b', row: 1 } })));
  const [a, b] = await jobs.claim('worker', 2, NOON);
  if (a === undefined || b === undefined) throw new Error('two jobs were to be had');
  await jobs.beat('worker', [a.fence, b.fence], NOON);
  await jobs.previewReady(b.fence, [], [], NOON);
  await jobs.expect(b.fence, 5);
  await jobs.finish(a.fence, { ...NOTHING, state: 'completed', at: NOON });
  await jobs.retryLater(b.fence, { at: NOON, notBefore: NOON + 5, reason: { code: 'x', message: 'x' }, ends: [] });
  await jobs.takeOver(NOON);
  await jobs.cancel('key', 'b', NOON);
  await jobs.expire(NOON * 2);
  const all = { principal: 'key', states: undefined, batch: undefined, lineage: undefined, after: undefined, limit: 9 };
  for (const by of [{}, { batch: 'b' }, { lineage: 'a' }]) await jobs.list({ ...all, ...by });
  await jobs.events('key', 'a', 0);
  await jobs.attempts('key', 'a');
  await jobs.batchTally('key', 'b');
  await jobs.named(['r', 'x']);
  await jobs.family('key', 'a');
  await jobs.sweep(NOON + 1, 5);
  await jobs.forget('key', NOON);
}
