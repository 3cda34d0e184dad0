// A fleet of processes that accept and make jobs on one store, while one of them is killed again and again at a moment nobody
// chose; and what must hold of its books afterwards.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, vi } from 'vitest';
import { hasEnded, JOB_STATES, type Job, type JobAttempt, type JobEvent } from '../../../src/domain/job.ts';
import { openFolderBlobs } from '../../../src/jobs/blobs/folder-blobs.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { seededRandom } from '../../../src/system/random.ts';
import { type FleetPlace, openFleetStores } from './fleet-stores.ts';
import { CEILING, PRICE } from './scripted-router.ts';

const PROCESS = new URL('./fleet-process.ts', import.meta.url).pathname;

export type FleetPlan = {
  readonly place: FleetPlace;
  readonly processes: number;
  readonly kills: number;
  /** Of each process, also of those that come in the place of killed ones. */
  readonly accepts: number;
  /** At most, from one kill to the next: jobs accepted and calls made. */
  readonly stepsApart: number;
  readonly seed: string;
  /** For all that is accepted to end, once nobody is killed any more. */
  readonly patienceMs: number;
};

export type FleetReport = {
  /** Jobs whose acceptance was acknowledged. */
  readonly accepted: readonly string[];
  /** When processes were killed, by their names; milliseconds since 1970. */
  readonly killedAt: ReadonlyMap<string, number>;
};

export async function runFleet({ place, processes, kills, accepts, stepsApart, seed, patienceMs }: FleetPlan): Promise<FleetReport> {
  const random = seededRandom(seed);
  const clock = systemClock(1);
  const accepted: string[] = [];
  const killedAt = new Map<string, number>();
  const alive = new Map<string, { readonly child: ChildProcess; readonly done: Promise<unknown> }>();
  let started = 0;
  let steps = 0;
  const over = Promise.withResolvers<void>();
  const nextKill = (): number => steps + 1 + Math.floor(random.next() * stepsApart);
  let killsAt = nextKill();

  const start = (): void => {
    started += 1;
    const name = `process ${started}`;
    const child = spawn(process.execPath, [PROCESS, JSON.stringify(place), String(accepts), name], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { promise: done, resolve } = Promise.withResolvers<void>();
    alive.set(name, { child, done });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'done') resolve();
      if (line.startsWith('accepted ')) accepted.push(line.slice('accepted '.length));
      steps += 1;
      if (steps >= killsAt && killedAt.size < kills) killOne();
    });
  };
  const killOne = (): void => {
    const names = [...alive.keys()];
    const name = names[Math.floor(random.next() * names.length)] ?? '';
    alive.get(name)?.child.kill('SIGKILL');
    alive.delete(name);
    killedAt.set(name, clock.wall().getTime());
    killsAt = nextKill();
    start();
    if (killedAt.size === kills) over.resolve();
  };

  const { store, jobs } = await openFleetStores(place, 'judge');
  // On a database, who judges must itself have been connected for eight seconds (decision 0011): longer than any of these
  // lives. One that is not killed looks as well, as in a fleet there is always one.
  let isOver = false;
  const judge = async (): Promise<void> => {
    if (isOver) return;
    await store.beat(clock.wall().getTime());
    await jobs.takeOver(clock.wall().getTime());
    clock.timer(2_000, () => void judge().catch(() => undefined), { background: true });
  };
  try {
    await judge();
    for (let count = 0; count < processes; count += 1) start();
    if (kills > 0) await over.promise;
    await Promise.all([...alive.values()].map(({ done }) => done));
    const isIdle = async (): Promise<void> => expect(await jobs.depth()).toEqual({ queued: 0, running: 0 });
    await vi.waitFor(isIdle, { timeout: patienceMs, interval: 100 });
  } finally {
    isOver = true;
    await store.close();
    await Promise.all(
      [...alive.values()].map(({ child }) => {
        child.kill('SIGTERM');
        return once(child, 'exit');
      }),
    );
  }
  return { accepted, killedAt };
}

export type FleetBooks = {
  readonly jobs: number;
  readonly runs: number;
  readonly possiblyBilledCalls: number;
  readonly takeOversMs: readonly number[];
};

/** Nothing lost, nothing ended twice, no call that is not written down, and every cent where it belongs. */
export async function checkFleetBooks(place: FleetPlace, { accepted, killedAt }: FleetReport): Promise<FleetBooks> {
  const { store, jobs } = await openFleetStores(place, 'auditor');
  try {
    // What killed processes had reserved for jobs they never accepted.
    await vi.waitFor(
      async () => {
        await store.beat(systemClock(1).wall().getTime());
        for (const row of await store.spendOf('key')) expect(row.reserved).toBe(0);
      },
      { timeout: 30_000, interval: 200 },
    );
    const all = await allJobs(jobs);
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining([...accepted]));
    const blobs = openFolderBlobs({ dataDir: place.folder, ids: systemIds() });
    const calls = callsIn(place);
    const takeOversMs: number[] = [];
    let unknownCalls = 0;
    for (const job of all) {
      const [events, attempts] = await Promise.all([jobs.events('key', job.id, 0), jobs.attempts('key', job.id)]);
      unknownCalls += checkJob(job, events, attempts, calls.get(job.request.prompt) ?? 0);
      for (const { blob, bytes } of [...job.images, ...job.previews]) expect((await blobs.get(blob))?.byteLength).toBe(bytes);
      takeOversMs.push(...takeOversOf(events, attempts, killedAt));
    }
    const day = (await store.spendOf('key')).filter(({ period }) => period.length === '2026-11-26'.length);
    const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
    expect(sum(day.map(({ billed }) => billed))).toBe(sum(all.map(({ cost }) => cost.billed)));
    expect(sum(day.map(({ possiblyBilled }) => possiblyBilled))).toBe(sum(all.map(({ cost }) => cost.possiblyBilled)));
    await blobs.close();
    return { jobs: all.length, runs: sum(all.map(({ runs }) => runs)), possiblyBilledCalls: unknownCalls, takeOversMs };
  } finally {
    await store.close();
  }
}

type JobStore = Awaited<ReturnType<typeof openFleetStores>>['jobs'];

async function allJobs(jobs: JobStore): Promise<readonly Job[]> {
  const all: Job[] = [];
  for (;;) {
    const query = { principal: 'key', states: JOB_STATES, batch: undefined, lineage: undefined, limit: 500 };
    const page = await jobs.list({ ...query, after: all.at(-1) });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** How many calls the provider saw, by prompt. */
function callsIn({ folder }: FleetPlace): ReadonlyMap<string, number> {
  const calls = new Map<string, number>();
  for (const line of readFileSync(join(folder, 'ledger'), 'utf8').split('\n')) {
    const [prompt = ''] = line.split(' ');
    if (prompt !== '') calls.set(prompt, (calls.get(prompt) ?? 0) + 1);
  }
  return calls;
}

/** How many of its calls nobody knows the end of. `seen`: the provider's own count. */
function checkJob(job: Job, events: readonly JobEvent[], attempts: readonly JobAttempt[], seen: number): number {
  expect(job.error?.code).toBe(job.state === 'completed' ? undefined : 'lost_too_often');
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ kind }) => JOB_STATES.some((state) => kind === `job.${state}` && hasEnded(state)))).toHaveLength(1);
  expect(events.at(-1)?.kind).toBe(`job.${job.state}`);
  expect(events.filter(({ kind }) => kind === 'job.running')).toHaveLength(job.runs);
  const ended = (outcome: string): readonly JobAttempt[] => attempts.filter(({ end }) => end?.outcome === outcome);
  const [delivered, turnedAway, unknown] = [ended('delivered'), ended('not-accepted'), ended('unknown')];
  expect(delivered.length + turnedAway.length + unknown.length).toBe(attempts.length);
  // At most one a run.
  expect(new Set(unknown.map(({ run }) => run)).size).toBe(unknown.length);
  // The provider saw every call that was delivered, and none that is not written down.
  expect(seen).toBeGreaterThanOrEqual(delivered.length);
  expect(seen).toBeLessThanOrEqual(delivered.length + unknown.length);
  expect(job.cost).toEqual({ billed: delivered.length * PRICE, possiblyBilled: unknown.length * CEILING });
  return unknown.length;
}

/** How long after its worker's death each run was over, where its calls say whose it was. */
function takeOversOf(
  events: readonly JobEvent[],
  attempts: readonly JobAttempt[],
  killedAt: ReadonlyMap<string, number>,
): readonly number[] {
  let run = 0;
  return events.flatMap(({ kind, at, data }) => {
    if (kind === 'job.running') run += 1;
    const reason: unknown = Reflect.get(data, 'reason');
    const isLost = typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === 'worker_lost';
    const death = killedAt.get(attempts.find((attempt) => attempt.run === run)?.target ?? '');
    return isLost && death !== undefined ? [at - death] : [];
  });
}
