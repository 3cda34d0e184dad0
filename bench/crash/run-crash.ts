// The course of a crash run: jobs are handed in all the while, each under an Idempotency-Key and again at another gateway when the
// answer did not come; somebody is killed every second or so and started again at once; then everything may come to an end.
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '../../src/domain/job.ts';
import type { Stores } from '../../src/gateway/store/open-sqlite.ts';
import { openPostgresStores } from '../../src/gateway/store/postgres/open-postgres.ts';
import type { LedgerRow } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';
import { type Random, seededRandom } from '../../src/system/random.ts';
import { openPlace, type Place, type Process } from '../../test/cli/processes.ts';
import { ownCluster } from '../../test/support/postgres-cluster.ts';
import { printLine } from '../support/print.ts';

export type CrashPlan = {
  readonly kills: number;
  readonly jobs: number;
  readonly seed: number;
  readonly gateways: number;
  readonly workers: number;
};

/** What is known from outside. Milliseconds since 1970. */
export type Course = {
  /** Of every job whose acceptance was heard. */
  readonly accepted: readonly string[];
  readonly killedAt: readonly number[];
  readonly stores: Stores;
  readonly ledger: readonly LedgerRow[];
};

/** A render of five seconds takes a fifth of one. */
const DRAWING = 25;
/** Callers who hand jobs in side by side. */
const CALLERS = 6;
/** Real milliseconds for what was accepted to end once nobody is killed any more. */
const PATIENCE_MS = 300_000;

type Member = { process: (Process & { readonly url?: string }) | undefined };

export async function runCrash<Verdict>(plan: CrashPlan, judge: (course: Course) => Promise<Verdict>): Promise<Verdict> {
  const cluster = await ownCluster();
  const place = await openPlace(DRAWING, cluster.url, { pictures: 'tiny', imagesPerMinute: 1_000_000 });
  const stores = await openPostgresStores({ url: cluster.url, clock: systemClock(), owner: 'auditor' });
  try {
    const fleet = await startFleet(place, plan);
    const random = seededRandom(plan.seed);
    const killedAt: number[] = [];
    const accepted: string[] = [];
    const handingIn = handInAll(plan.jobs, fleet.gateways, accepted, () => killedAt.length / plan.kills);
    await killAtRandom(fleet, plan.kills, random, killedAt);
    await handingIn;
    printLine(`${killedAt.length} kills, ${accepted.length} jobs accepted; now everything may come to an end`);
    await allEnded(stores, accepted);
    return await judge({ accepted, killedAt, stores, ledger: place.sandbox.ledger() });
  } finally {
    await place.close();
    await stores.store.close();
    await cluster.remove();
  }
}

type Fleet = { readonly gateways: readonly Member[]; readonly all: readonly { readonly member: Member; start(): Promise<void> }[] };

async function startFleet(place: Place, { gateways, workers }: CrashPlan): Promise<Fleet> {
  const seat = (open: () => Promise<Process & { readonly url?: string }>) => {
    const member: Member = { process: undefined };
    const start = async (): Promise<void> => {
      member.process = await open();
    };
    return { member, start };
  };
  const doors = Array.from({ length: gateways }, () => seat(() => place.gateway()));
  const all = [...doors, ...Array.from({ length: workers }, () => seat(() => place.worker()))];
  await Promise.all(all.map(({ start }) => start()));
  return { gateways: doors.map(({ member }) => member), all };
}

async function killAtRandom({ all }: Fleet, kills: number, random: Random, killedAt: number[]): Promise<void> {
  const starting = new Set<Promise<void>>();
  while (killedAt.length < kills) {
    await sleep(200 + random.next() * 1_200);
    const living = all.filter(({ member }) => member.process !== undefined);
    const victim = living[Math.floor(random.next() * living.length)];
    // Whoever is started anew needs a core for a second: with everybody starting nobody would be worth killing.
    if (victim === undefined || starting.size > 1) continue;
    const { process: dying } = victim.member;
    victim.member.process = undefined;
    killedAt.push(Date.now());
    await dying?.kill();
    if (killedAt.length % 20 === 0) printLine(`${killedAt.length} kills`);
    const again: Promise<void> = victim.start().finally(() => starting.delete(again));
    starting.add(again);
  }
  await Promise.all(starting);
}

/** In step with the kills, so that both last as long. */
async function handInAll(jobs: number, gateways: readonly Member[], accepted: string[], share: () => number): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < jobs) {
      if (next > jobs * (share() + 0.02)) {
        await sleep(50);
        continue;
      }
      next += 1;
      accepted.push(await handIn(gateways, next));
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

/** Until somebody says that it is taken; its id. */
async function handIn(gateways: readonly Member[], number: number): Promise<string> {
  const body = JSON.stringify({ prompt: `fox number ${number}`, model: 'gpt-image-2-low', size: '1024x1024', preview: number % 10 === 0 });
  const headers = { 'content-type': 'application/json', 'idempotency-key': `job-${number}` };
  for (let attempt = number; ; attempt += 1) {
    const url = gateways[attempt % gateways.length]?.process?.url;
    const answer =
      url === undefined ? undefined : await fetch(`${url}/v1/images/jobs`, { method: 'POST', headers, body }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    if (answer?.status === 202 && text !== undefined) return JSON.parse(text).id;
    if (answer !== undefined && answer.status < 500 && answer.status !== 409) throw new Error(`${answer.status}: ${text}`);
    await sleep(100);
  }
}

async function allEnded({ jobs }: Stores, accepted: readonly string[]): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  const open = new Set(accepted);
  while (open.size > 0 && Date.now() < giveUpAt) {
    for (const id of [...open]) {
      const job = await jobs.find('loopback', id);
      if (job !== undefined && hasEnded(job.state)) open.delete(id);
    }
    await sleep(500);
  }
}
