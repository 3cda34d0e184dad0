import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, sortTargets } from '../../src/plan/candidates.ts';
import { CERTAIN, CORRELATION, endTableOf, nor, overall } from '../../src/plan/end-table.ts';
import { type Entry, Evaluator } from '../../src/plan/evaluate.ts';
import { situationOf } from '../support/worlds.ts';

const REMAINING_MS = 90_000;
const { candidates } = sortTargets(situationOf({ need: { budgetMs: REMAINING_MS } }));

/** Up to three planned calls in the order of their starts, those that wait for a failure last. */
const sequences: fc.Arbitrary<readonly Entry[]> = fc
  .array(
    fc.record({
      candidate: fc.constantFrom(...candidates),
      success: fc.double({ min: 0.05, max: 0.99, noNaN: true }),
      valueUsd: fc.constantFrom(0.1, 0.2, 0.3),
      readyMs: fc.constantFrom(0, 0, 5_000, 95_000),
      startMs: fc.option(fc.integer({ min: 0, max: REMAINING_MS }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((calls) =>
    calls
      .map(({ candidate, startMs, ...change }) => ({
        candidate: { ...candidate, ...change },
        startMs: startMs && Math.max(startMs, change.readyMs),
      }))
      .toSorted((a, b) => (a.startMs ?? Number.POSITIVE_INFINITY) - (b.startMs ?? Number.POSITIVE_INFINITY)),
  );

type Fate = 'succeeds' | 'silent' | 'fails';
type Leaf = { readonly fates: readonly Fate[]; readonly probability: number };

/** Every combination of fates by itself: slow, and with nothing shared that could be shared wrongly. */
function leafByLeaf(entries: readonly Entry[], heldValueUsd: number) {
  const tables = entries.map(({ candidate }) => {
    const isRepeated = entries.filter((other) => other.candidate.target.route.id === candidate.target.route.id).length > 1;
    return endTableOf(candidate.latency, REMAINING_MS, isRepeated ? CORRELATION.sameRoute : CORRELATION.otherRoute);
  });
  const total = { chance: 0, valueUsd: 0, costUsd: 0 };
  for (const leaf of leavesOf(entries)) {
    const starts = startsOf(entries, leaf.fates);
    const endedBy = (index: number, atMs: number) => tables[index]?.endedBy(atMs - (starts[index] ?? 0)) ?? CERTAIN;
    const runs = (index: number): boolean => (starts[index] ?? Number.POSITIVE_INFINITY) < REMAINING_MS;
    const bestFirst = [...entries.keys()].filter(runs).sort((a, b) => worthAt(entries, b) - worthAt(entries, a));
    let none = CERTAIN;
    for (const index of bestFirst) {
      if (leaf.fates[index] === 'succeeds') {
        const better = none;
        none = nor(none, endedBy(index, REMAINING_MS));
        const worth = Math.max(0, worthAt(entries, index) - heldValueUsd);
        total.valueUsd += leaf.probability * worth * (overall(better) - overall(none));
      }
      if (leaf.fates[index] === 'fails') continue;
      const startMs = starts[index] ?? 0;
      const asGood = [...entries.keys()].filter(
        (other) => leaf.fates[other] === 'succeeds' && (starts[other] ?? 0) < startMs && worthAt(entries, other) >= worthAt(entries, index),
      );
      const needed = overall(asGood.reduce((left, other) => nor(left, endedBy(other, startMs)), CERTAIN));
      total.costUsd += leaf.probability * needed * ((entries[index]?.candidate.price.expected ?? 0) / 1_000_000);
    }
    total.chance += leaf.probability * (overall(CERTAIN) - overall(none));
  }
  return total;
}

function leavesOf(entries: readonly Entry[]): readonly Leaf[] {
  return entries.reduce<readonly Leaf[]>(
    (leaves, { candidate }) =>
      leaves.flatMap(({ fates, probability }) => {
        const factor = fates.reduce((chance, fate, index) => chance * troubleAfter(fate, entries[index]?.candidate, candidate), 1);
        const success = candidate.success * factor;
        const silent = 0.15 * (1 - candidate.success) + (candidate.success - success) / 2;
        const shares: Readonly<Record<Fate, number>> = { succeeds: success, silent, fails: 1 - success - silent };
        return (['succeeds', 'silent', 'fails'] as const)
          .map((fate) => ({ fates: [...fates, fate], probability: probability * shares[fate] }))
          .filter((leaf) => leaf.probability >= 1e-4);
      }),
    [{ fates: [], probability: 1 }],
  );
}

function troubleAfter(fate: Fate, earlier: Candidate | undefined, candidate: Candidate): number {
  if (fate === 'succeeds' || earlier?.target.endpoint !== candidate.target.endpoint) return 1;
  return fate === 'silent' ? 0.3 : 0.65;
}

function startsOf(entries: readonly Entry[], fates: readonly Fate[]): readonly number[] {
  const failures: number[] = [];
  return entries.map(({ candidate, startMs }, index) => {
    const plannedMs = startMs ?? Number.POSITIVE_INFINITY;
    const answerMs = Math.max(failures[0] ?? Number.POSITIVE_INFINITY, candidate.readyMs);
    const isAnswer = failures.length > 0 && answerMs <= plannedMs;
    if (isAnswer) failures.shift();
    const start = isAnswer ? answerMs : plannedMs;
    if (fates[index] === 'fails' && start < REMAINING_MS) failures.push(start + 3_000);
    return start;
  });
}

function worthAt(entries: readonly Entry[], index: number): number {
  return entries[index]?.candidate.valueUsd ?? 0;
}

describe('what a sequence of calls is worth', () => {
  it('is the sum over every combination of fates, each by itself', () => {
    fc.assert(
      fc.property(sequences, fc.constantFrom(0, 0.15), (entries, heldValueUsd) => {
        const evaluation = new Evaluator(REMAINING_MS, 0, heldValueUsd).evaluate(entries);
        const expected = leafByLeaf(entries, heldValueUsd);
        expect(evaluation.chance).toBeCloseTo(expected.chance, 12);
        expect(evaluation.valueUsd).toBeCloseTo(expected.valueUsd, 12);
        expect(evaluation.costUsd).toBeCloseTo(expected.costUsd, 12);
      }),
      { numRuns: 500 },
    );
  });
});
