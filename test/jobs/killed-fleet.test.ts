// Processes that accept and make jobs on one store are killed at random (reliability.md #15, with real processes).
import { describe, expect, it } from 'vitest';
import { dataFolder } from '../gateway/support/state-world.ts';
import { describePostgres, freshDatabase } from '../support/postgres.ts';
import { checkFleetBooks, type FleetBooks, type FleetPlan, runFleet } from './support/fleet.ts';

/** More on request, as in `IMAGE_ROUTER_KILLS=200 npx vitest run test/jobs/killed-fleet.test.ts`: about a dozen jobs to a kill. */
const ASKED = Number(process.env.IMAGE_ROUTER_KILLS ?? 0);
const MANY = { accepts: 60, stepsApart: 50 };
const FEW = { accepts: 12, stepsApart: 16 };
const HOUR_MS = 3_600_000;

async function survived(plan: Pick<FleetPlan, 'place' | 'kills' | 'seed'>): Promise<FleetBooks> {
  const report = await runFleet({ ...plan, processes: 3, patienceMs: 120_000, ...(ASKED > 0 ? MANY : FEW) });
  expect(report.killedAt.size).toBe(plan.kills);
  const books = await checkFleetBooks(plan.place, report);
  expect(books.jobs).toBeGreaterThanOrEqual(report.accepted.length);
  // Kills that hit nothing would prove nothing.
  expect(books.runs).toBeGreaterThan(books.jobs);
  expect(books.possiblyBilledCalls).toBeGreaterThan(0);
  const sorted = books.takeOversMs.toSorted((a, b) => a - b);
  const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  if (ASKED > 0) process.stdout.write(`${plan.kills} kills, ${JSON.stringify({ ...books, takeOversMs: sorted.length, p99Ms })}\n`);
  expect(p99Ms).toBeLessThanOrEqual(15_000);
  return books;
}

const LAW = 'loses no job, ends none twice and knows every cent';

describe('a fleet on one SQLite file whose processes are killed', () => {
  it(LAW, { timeout: HOUR_MS }, async () => {
    await survived({ place: { folder: await dataFolder() }, kills: ASKED || 20, seed: 'on a file' });
  });
});

describePostgres('a fleet on PostgreSQL whose processes are killed', () => {
  it(LAW, { timeout: HOUR_MS }, async () => {
    const place = { folder: await dataFolder(), url: await freshDatabase() };
    await survived({ place, kills: ASKED || 8, seed: 'on a database' });
  });
});
