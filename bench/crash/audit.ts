// What must hold after a crash run, and the figures of how well it did.
import { hasEnded, type Job, type JobAttempt, type JobEvent } from '../../src/domain/job.ts';
import { printLine } from '../support/print.ts';
import { quantile } from '../support/statistics.ts';
import type { Course } from './run-crash.ts';

const TAKE_OVER_MS = 15_000;
const OWNER = 'loopback';

type Kept = { readonly job: Job; readonly events: readonly JobEvent[]; readonly attempts: readonly JobAttempt[] };

export async function audit({ accepted, killedAt, stores: { jobs }, ledger }: Course): Promise<{ readonly violations: readonly string[] }> {
  const kept: Kept[] = [];
  const violations: string[] = [];
  const ids = new Set(accepted);
  if (ids.size !== accepted.length) violations.push(`${accepted.length - ids.size} keys were answered with the job of another key`);
  for (const id of ids) {
    const job = await jobs.find(OWNER, id);
    if (job === undefined) violations.push(`${id} was accepted and is not there`);
    else kept.push({ job, events: await jobs.events(OWNER, id, 0), attempts: await jobs.attempts(OWNER, id) });
  }
  const all = await everything(jobs);
  if (all !== ids.size) violations.push(`${all} jobs for ${ids.size} acceptances`);
  for (const { job, events } of kept) {
    const ends = events.filter(({ kind }) => /completed|failed|cancelled|expired/.test(kind));
    if (!hasEnded(job.state)) violations.push(`${job.id} has not ended: ${job.state} after ${job.runs} runs`);
    if (ends.length > 1) violations.push(`${job.id} ended ${ends.length} times`);
    if (events.some(({ seq }, index) => seq !== index + 1)) violations.push(`${job.id} has a gap in its events`);
  }
  const states = Map.groupBy(kept, ({ job }) => job.state);
  printLine(`ended        ${[...states].map(([state, some]) => `${some.length} ${state}`).join(', ')}`);
  const attempts = kept.flatMap((one) => one.attempts);
  violations.push(...auditBooks(kept, attempts, ledger), ...auditTakeOvers(kept, killedAt));
  return { violations };
}

async function everything(jobs: Course['stores']['jobs']): Promise<number> {
  let count = 0;
  let after: { readonly createdAt: number; readonly id: string } | undefined;
  for (;;) {
    const page = await jobs.list({ principal: OWNER, states: undefined, batch: undefined, lineage: undefined, after, limit: 500 });
    count += page.length;
    const last = page.at(-1);
    if (last === undefined) return count;
    after = { createdAt: last.createdAt, id: last.id };
  }
}

function auditBooks(kept: readonly Kept[], attempts: readonly JobAttempt[], ledger: Course['ledger']): readonly string[] {
  const violations: string[] = [];
  const rows = new Map(ledger.map((row) => [row.id, row]));
  const known = attempts.filter(({ end }) => end !== undefined && end.possiblyBilled === 0);
  const marked = attempts.filter(({ end }) => end !== undefined && end.possiblyBilled > 0);
  if (known.length + marked.length !== attempts.length) violations.push('a call of an ended job has no end');
  for (const { end } of known) {
    const row = end?.requestId === undefined ? undefined : rows.get(end.requestId);
    if (end !== undefined && (row?.billed ?? 0) !== end.billed)
      violations.push(`a call billed ${end.billed}, the provider ${row?.billed ?? 0}`);
    if (row !== undefined) rows.delete(row.id);
  }
  // What is left was made for calls nobody knows the end of.
  const unknownBilled = [...rows.values()].reduce((sum, { billed }) => sum + billed, 0);
  const mayBe = marked.reduce((sum, { end }) => sum + (end?.possiblyBilled ?? 0), 0);
  if (rows.size > marked.length)
    violations.push(`the provider saw ${rows.size} calls that nobody wrote down an end of, ${marked.length} are marked`);
  if (unknownBilled > mayBe) violations.push(`the provider billed ${unknownBilled} more than known, ${mayBe} is marked`);
  const costs = kept.reduce((sum, { job }) => sum + job.cost.billed + job.cost.possiblyBilled, 0);
  const calls = attempts.reduce((sum, { end }) => sum + (end?.billed ?? 0) + (end?.possiblyBilled ?? 0), 0);
  if (costs !== calls) violations.push(`jobs cost ${costs}, their calls ${calls}`);
  printLine(
    `calls        ${attempts.length}: ${known.length} with a known end, equal to the provider's to the cent; ${marked.length} marked possibly billed`,
  );
  printLine(
    `provider     ${ledger.length} calls, $${usd(ledger.reduce((sum, { billed }) => sum + billed, 0))}; ours $${usd(calls - mayBe)} and $${usd(mayBe)} possibly`,
  );
  return violations;
}

function usd(micro: number): string {
  return (micro / 1e6).toFixed(4);
}

/** From the first kill after a run began to the beginning of the next: at worst, since the killed one may have been a later one. */
function auditTakeOvers(kept: readonly Kept[], killedAt: readonly number[]): readonly string[] {
  const times = kept.flatMap(({ events }) => {
    const runs = events.filter(({ kind }) => kind === 'job.running');
    return runs.slice(1).flatMap(({ at }, index) => {
      const before = runs[index]?.at ?? 0;
      const kill = killedAt.find((one) => one >= before && one <= at);
      return kill === undefined ? [] : [at - kill];
    });
  });
  if (times.length === 0) return ['no run was ever taken over: the kills proved nothing'];
  const p99 = quantile(times, 0.99);
  printLine(
    `taken over   ${times.length} times: p50 ${seconds(quantile(times, 0.5))}, p99 ${seconds(p99)}, longest ${seconds(quantile(times, 1))}; goal p99 15 s`,
  );
  return p99 <= TAKE_OVER_MS ? [] : [`take-over took ${seconds(p99)} at p99, at most 15 s is allowed`];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
