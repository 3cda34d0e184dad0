// The laws a soak must not break, checked on what callers, telemetry and the provider's books say afterwards. Each gives
// one sentence per breach, with the numbers that show it.
import { GRACE_MS } from '../../src/execute/advance.ts';
import type { TargetHealth } from '../../src/index.ts';
import type { LedgerRow } from '../../src/sandbox/index.ts';
import type { Fact } from './calls.ts';
import type { SentCall, Witness } from './witness.ts';

/** Sentences kept per law: the first few tell the story. */
const MOST_PER_LAW = 5;

export function everyRequestEndedOnce(asked: number, facts: readonly Fact[], witness: Witness): readonly string[] {
  const missing = asked === facts.length ? [] : [`${asked} requests were made, ${facts.length} ended`];
  return [...missing, ...some(witness.unended().map((run) => `${run} has not ended`)), ...some(witness.broken)];
}

/** A machine busy elsewhere wakes timers late, in real time: `slackMs` is that lateness in world time. */
export function nobodyWaitedTooLong(facts: readonly Fact[], slackMs: number): readonly string[] {
  return some([
    ...facts
      .filter(({ tookMs, budgetMs }) => tookMs > budgetMs + GRACE_MS + slackMs)
      .map((fact) => `a ${fact.manner} request of ${fact.budgetMs} ms ended as ${fact.outcome} after ${Math.round(fact.tookMs)} ms`),
    ...facts
      .filter(({ afterLeavingMs }) => (afterLeavingMs ?? 0) > slackMs)
      .map((fact) => `a caller had left for ${Math.round(fact.afterLeavingMs ?? 0)} ms when its request ended as ${fact.outcome}`),
  ]);
}

export function promisesToCallersWereKept(facts: readonly Fact[]): readonly string[] {
  return some(facts.flatMap((fact) => [...overCap(fact), ...wrongCount(fact), ...calledInvalid(fact)]));
}

/** Every drawn request is a valid one. */
function calledInvalid({ outcome, manner, budgetMs }: Fact): readonly string[] {
  return outcome === 'invalid_request' ? [`a valid ${manner} request of ${budgetMs} ms was called invalid`] : [];
}

function overCap({ capUsd, billed, possiblyBilled, outcome }: Fact): readonly string[] {
  if (capUsd === undefined || billed + possiblyBilled <= capUsd * 1e6 + 1) return [];
  return [`a request capped at $${capUsd} ended as ${outcome} and may have cost ${billed}+${possiblyBilled} micro-dollars`];
}

function wrongCount({ outcome, images, asked }: Fact): readonly string[] {
  if (outcome === 'delivered' && images !== asked) return [`${images} of ${asked} images came as if that were all`];
  return outcome === 'degraded' && (images === 0 || images > asked) ? [`${images} images came for ${asked}`] : [];
}

/**
 * Both sides' books. A call whose provider said its id must agree with its row exactly, or to within what is marked possibly
 * billed; calls without an id (reset, timed out, left) must account for every row that is left.
 */
export function moneyAgrees(calls: readonly SentCall[], ledger: readonly LedgerRow[]): readonly string[] {
  const rows = new Map(ledger.map((row) => [row.id, row]));
  const claimed = new Set<string>();
  const breaches: string[] = [];
  for (const call of calls) {
    if (call.requestId === undefined) continue;
    if (claimed.has(call.requestId)) breaches.push(`${call.requestId} is accounted for twice`);
    claimed.add(call.requestId);
    const row = rows.get(call.requestId);
    const actual = row?.billed ?? 0;
    if (actual < call.billed || actual > call.billed + call.possiblyBilled) {
      const ending = call.delivered ? 'delivered' : call.fault;
      const met = row?.fault === undefined ? '' : ` that met ${row.fault}`;
      breaches.push(`${call.requestId}, ${ending}${met}: the books say ${actual}, the router ${call.billed}+${call.possiblyBilled}`);
    }
  }
  const unclaimed = sum(ledger.filter(({ id }) => !claimed.has(id)).map(({ billed }) => billed));
  const doubtful = sum(calls.filter(({ requestId }) => requestId === undefined).map((call) => call.billed + call.possiblyBilled));
  if (unclaimed > doubtful) breaches.push(`calls without an id were billed ${unclaimed}, at most ${doubtful} was told`);
  const known = sum(calls.map(({ billed }) => billed));
  const possible = sum(calls.map(({ possiblyBilled }) => possiblyBilled));
  const actual = sum(ledger.map(({ billed }) => billed));
  if (actual < known || actual > known + possible) breaches.push(`the books say ${actual} in all, the router ${known}+${possible}`);
  return some(breaches);
}

export function nothingIsInFlight(health: readonly TargetHealth[]): readonly string[] {
  return some(
    health
      .filter(({ inFlight, waiting }) => inFlight + waiting > 0)
      .map(({ target, operation, inFlight, waiting }) => `${target} ${operation}: ${inFlight} in flight, ${waiting} waiting`),
  );
}

/** `before` and `after` are what `process.getActiveResourcesInfo` says. */
export function nothingIsHeld(before: readonly string[], after: readonly string[], listenersLeft: number): readonly string[] {
  const kinds = [...new Set(after)];
  const count = (list: readonly string[], kind: string): number => list.filter((one) => one === kind).length;
  const grown = kinds.filter((kind) => count(after, kind) > count(before, kind));
  const held = grown.map((kind) => `${count(after, kind) - count(before, kind)} more ${kind} than before`);
  return listenersLeft === 0 ? held : [...held, `${listenersLeft} listeners are left on callers' signals`];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function some(breaches: readonly string[]): readonly string[] {
  const more = breaches.length - MOST_PER_LAW;
  return more > 0 ? [...breaches.slice(0, MOST_PER_LAW), `and ${more} more like these`] : breaches;
}
