// Measures contenders in interleaved rounds: whatever else the machine does meets all of them alike. Each round starts with
// another one, and garbage is collected before each, so that nobody pays for what the one before left behind.
import { collectGarbage } from '../support/collect-garbage.ts';
import { quantile } from '../support/statistics.ts';
import type { Contender } from './contenders.ts';

export type Effort = { readonly warmUp: number; readonly rounds: number; readonly callsPerRound: number };

export type Measured = {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
  readonly perSecond: number;
  /** Of this process, all threads; the server is another one. */
  readonly cpuMsPerCall: number;
};

type Tally = { readonly contender: Contender; readonly latenciesMs: number[]; elapsedMs: number; cpuMs: number };

/** Every contender's figures, in their order. Rejects when a call does: a failing contender has no speed. */
export async function measure(contenders: readonly Contender[], concurrency: number, effort: Effort): Promise<readonly Measured[]> {
  const tallies = contenders.map((contender): Tally => ({ contender, latenciesMs: [], elapsedMs: 0, cpuMs: 0 }));
  for (const { run } of contenders) await callMany(run, concurrency, effort.warmUp);
  for (let round = 0; round < effort.rounds; round += 1) {
    for (let turn = 0; turn < tallies.length; turn += 1) {
      const tally = tallies[(round + turn) % tallies.length];
      if (tally !== undefined) await playRound(tally, concurrency, effort.callsPerRound);
    }
  }
  return tallies.map(({ contender, latenciesMs, elapsedMs, cpuMs }) => ({
    name: contender.name,
    p50: quantile(latenciesMs, 0.5),
    p95: quantile(latenciesMs, 0.95),
    perSecond: latenciesMs.length / (elapsedMs / 1_000),
    cpuMsPerCall: cpuMs / latenciesMs.length,
  }));
}

async function playRound(tally: Tally, concurrency: number, calls: number): Promise<void> {
  collectGarbage();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  tally.latenciesMs.push(...(await callMany(tally.contender.run, concurrency, calls)));
  tally.elapsedMs += performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  tally.cpuMs += (user + system) / 1_000;
}

/** `concurrency` callers, each starting its next call when its last one has ended. */
async function callMany(run: Contender['run'], concurrency: number, calls: number): Promise<readonly number[]> {
  const latenciesMs: number[] = [];
  let left = calls;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const startedAt = performance.now();
      const bytes = await run();
      latenciesMs.push(performance.now() - startedAt);
      if (bytes.length === 0) throw new Error('no picture came');
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return latenciesMs;
}
