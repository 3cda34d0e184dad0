// Jobs on a database that fails (failure point 16), and on one that is full of them.
import { expect, it, onTestFinished, vi } from 'vitest';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { Row } from '../../../src/gateway/store/postgres/database.ts';
import { PostgresBatches } from '../../../src/gateway/store/postgres/postgres-batches.ts';
import { openPostgresJobs } from '../../../src/gateway/store/postgres/postgres-jobs.ts';
import { PostgresStore } from '../../../src/gateway/store/postgres/postgres-store.ts';
import { PostgresWebhooks } from '../../../src/gateway/store/postgres/postgres-webhooks.ts';
import type { JobHint } from '../../../src/jobs/job-store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase, remoteDatabase } from '../../support/postgres.ts';
import { postgresFor } from '../support/postgres-process.ts';
import { costOf, usd } from '../support/state-world.ts';
import { askEverything } from './every-question.ts';
import { keepBatch, newJob } from './jobs-contract.ts';

const NOON = 1_795_608_000_000;
const UNAVAILABLE = { kind: 'unavailable' };
const SOON = { timeout: 20_000, interval: 50 };
const NOTHING = { images: [], previews: [], degraded: undefined, error: undefined, traceId: undefined, ends: [] };

/** Two processes on one database: `cutOff` by way of `proxy`, the other not. */
async function twoProcesses() {
  const { proxy, direct, url } = await remoteDatabase();
  const [near, far] = [await postgresFor(url, 'near', { connectMs: 500 }), await postgresFor(direct, 'far')];
  onTestFinished(() => near.close());
  onTestFinished(() => far.close());
  return { proxy, near, cutOff: await openPostgresJobs(near, systemClock(1)), other: await openPostgresJobs(far, systemClock(1)) };
}

describePostgres('jobs on a database that fails', () => {
  it('are refused while it is away, kept, and go on by themselves when it is back', async () => {
    const { proxy, cutOff, other } = await twoProcesses();
    const heard: JobHint[] = [];
    cutOff.subscribe((hint) => heard.push(hint));
    await cutOff.accept([newJob('a')]);
    const [claimed] = await cutOff.claim('worker', 1, NOON);
    if (claimed === undefined) throw new Error('a job was to be had');
    proxy.cut();
    const attempts = [
      cutOff.accept([newJob('b')]),
      cutOff.claim('worker', 1, NOON),
      cutOff.beat('worker', [claimed.fence], NOON),
      cutOff.takeOver(NOON),
    ];
    for (const { status } of await Promise.allSettled(attempts)) expect(status).toBe('rejected');
    await expect(cutOff.finish(claimed.fence, { ...NOTHING, state: 'completed', at: NOON })).rejects.toMatchObject(UNAVAILABLE);
    proxy.mend();
    await vi.waitFor(() => cutOff.accept([newJob('c')]), SOON);
    // A connection made anew listens again, and looks for work that it was not told of.
    await vi.waitFor(() => expect(heard).toContainEqual({ kind: 'work' }), SOON);
    await vi.waitFor(async () => {
      await other.cancel('key', 'c', NOON);
      await cutOff.beat('worker', [claimed.fence], NOON);
      await other.accept([newJob(`d ${heard.length}`)]);
      expect(heard).toContainEqual({ kind: 'job', id: 'c' });
    }, SOON);
    expect(await cutOff.finish(claimed.fence, { ...NOTHING, state: 'completed', at: NOON })).toBe('recorded');
    expect(await other.find('key', 'a')).toMatchObject({ state: 'completed', runs: 1 });
    expect(await other.find('key', 'b')).toBeUndefined();
  });

  it('whose acceptance is never answered is there once, and its reservation stays its own', async () => {
    const { proxy, near, cutOff, other } = await twoProcesses();
    const store = new PostgresStore(near);
    const place = { principal: 'key', images: 1, limits: NO_LIMITS, at: NOON, keptBy: 'job', microUsd: usd(9_000) } as const;
    expect(await store.reserve({ ...place, id: 'a' })).toEqual({ kind: 'reserved' });
    proxy.loseAnswerTo('COMMIT');
    await expect(cutOff.accept([newJob('a')])).rejects.toMatchObject({ ...UNAVAILABLE, mayBeWritten: true });
    await store.settle('a', costOf(0));
    expect(await cutOff.find('key', 'a')).toMatchObject({ state: 'queued' });
    expect((await store.spendOf('key'))[0]).toMatchObject({ reserved: 9_000 });
    // One that was cut off before its end is not there, and is known not to be.
    proxy.loseAnswerTo('INSERT INTO image_router.jobs');
    await expect(cutOff.accept([newJob('b')])).rejects.toMatchObject({ ...UNAVAILABLE, mayBeWritten: false });
    expect(await other.find('key', 'b')).toBeUndefined();
    expect(await other.depth()).toEqual({ queued: 1, running: 0 });
  });

  it('one that is refused spoils none that was handed in beside it', async () => {
    const postgres = await postgresFor(await freshDatabase(), 'one');
    onTestFinished(() => postgres.close());
    const jobs = await openPostgresJobs(postgres, systemClock(1));
    await jobs.accept([newJob('a')]);
    const accepted = await Promise.allSettled(['b', 'a', 'c'].map((id) => jobs.accept([newJob(id)])));
    expect(accepted.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await jobs.depth()).toEqual({ queued: 3, running: 0 });
  });

  it('no question about jobs is answered by reading all of them', async () => {
    // One connection, so that it has seen every statement.
    const postgres = await postgresFor(await freshDatabase(), 'one', { connections: 1 });
    onTestFinished(() => postgres.close());
    const jobs = await openPostgresJobs(postgres, systemClock(1));
    const webhooks = new PostgresWebhooks(postgres);
    await keepBatch({ batches: new PostgresBatches(postgres) }, 'b');
    await askEverything(jobs);
    await webhooks.due('sender', { most: 5, perEndpoint: 5, at: NOON, leaseMs: 1 });
    const plans = await postgres.database.transaction(async (run) => {
      await run("SET LOCAL plan_cache_mode = 'force_generic_plan'");
      const known = await run(
        "SELECT name, statement, cardinality(parameter_types) AS parameters FROM pg_prepared_statements WHERE statement ~ 'image_router(_queue)?\\.'",
      );
      const plans: { readonly statement: string; readonly plan: string }[] = [];
      for (const { name, statement, parameters } of known) {
        const values = Array(Number(parameters)).fill('NULL').join(', ');
        const lines: readonly Row[] = await run(`EXPLAIN EXECUTE ${String(name)}${values === '' ? '' : `(${values})`}`);
        plans.push({ statement: String(statement), plan: lines.map((line) => String(line['QUERY PLAN'])).join('\n') });
      }
      return plans;
    });
    expect(plans.length).toBeGreaterThan(25);
    for (const { statement, plan } of plans) {
      expect(plan, statement).not.toMatch(/Seq Scan on (jobs?|job_common|job_events|job_attempts|job_blobs|deliveries)\b/);
      // Of a batch those in a state are read, never all ten thousand.
      for (const [, condition] of plan.matchAll(/jobs_by_batch.*\n\s*Index Cond: (.*)/g)) expect(condition, statement).toContain('state =');
    }
  });
});
