// A soak's report for people: what came of the requests, what went wrong upstream, what it cost, how long it took.
import { formatUsd, type MicroUsd } from '../../src/index.ts';
import { printLine, printTable } from '../support/print.ts';
import { quantile } from '../support/statistics.ts';
import type { Fact } from './calls.ts';
import type { SoakReport } from './soak.ts';

export function printSummary(report: SoakReport, speed: number): void {
  const { facts, calls, runs, hedges } = report;
  printTable(['ended as', 'requests', 'images', 'p50 s', 'p95 s', 'billed', 'possibly billed'], groups(facts).map(outcomeRow));
  printLine();
  const told = tally(calls.flatMap(({ fault }) => (fault === undefined ? [] : [fault])));
  printTable(['call ended by (told by the router)', 'calls'], rowsOf(told));
  printLine();
  printTable(['fault met (told by the sandbox)', 'calls'], rowsOf(new Map(Object.entries(report.faults))));
  printLine();
  printTable(['breaker', 'openings'], rowsOf(report.openings));
  const known = sum(calls.map(({ billed }) => billed));
  const possible = sum(calls.map(({ possiblyBilled }) => possiblyBilled));
  printLine(`\ncalls        ${calls.length} for ${runs} runs of ${facts.length} requests, ${hedges} of them hedges`);
  printLine(`money        router ${usd(known)} billed, ${usd(possible)} possibly billed; the books ${usd(report.ledgerBilled)}`);
  printLine(`orphaned     ${report.orphaned} calls were made for callers who had left`);
  const latest = Math.max(...facts.map(({ tookMs, budgetMs }) => (tookMs - budgetMs) / speed));
  const stall = `longest stall of the event loop ${report.longestStallMs.toFixed(0)} ms`;
  printLine(
    `time         ${(report.tookMs / 1_000).toFixed(1)} s real; latest end ${latest.toFixed(0)} ms real past its deadline, ${stall}`,
  );
}

/** The summary's end: every breach, or that there is none. */
export function printVerdict(violations: readonly string[]): void {
  if (violations.length === 0) printLine('checks       all kept');
  for (const violation of violations) printLine(`BROKEN       ${violation}`);
}

function groups(facts: readonly Fact[]): readonly (readonly [string, readonly Fact[]])[] {
  const byOutcome = Map.groupBy(facts, ({ outcome }) => outcome);
  return [...byOutcome].toSorted(([, a], [, b]) => b.length - a.length);
}

function outcomeRow([outcome, facts]: readonly [string, readonly Fact[]]): readonly string[] {
  const seconds = facts.map(({ tookMs }) => tookMs / 1_000);
  return [
    outcome,
    String(facts.length),
    String(sum(facts.map(({ images }) => images))),
    quantile(seconds, 0.5).toFixed(1),
    quantile(seconds, 0.95).toFixed(1),
    usd(sum(facts.map(({ billed }) => billed))),
    usd(sum(facts.map(({ possiblyBilled }) => possiblyBilled))),
  ];
}

function rowsOf(counts: ReadonlyMap<string, number>): readonly (readonly string[])[] {
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name, count]) => [name, String(count)]);
}

function tally(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}

function usd(amount: number): string {
  return formatUsd(amount as MicroUsd);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
