import { describe, expect, test } from 'vitest';
import { type Evidence, SuccessBelief } from '../../src/health/success.ts';
import { seconds } from './worlds.ts';

function believe(prior: number, evidence: Evidence, count: number): SuccessBelief {
  const belief = new SuccessBelief(prior);
  for (let index = 0; index < count; index += 1) belief.record(evidence, seconds(index));
  return belief;
}

describe('the success of a route', () => {
  test('is the prior while nothing was observed', () => {
    expect(new SuccessBelief(0.985).estimate([], seconds(0))).toBe(0.985);
  });

  test('is not moved in the last digit by ignored evidence, even after other evidence', () => {
    const belief = believe(0.985, 'against', 3);
    const before = belief.estimate([], seconds(9));
    for (let index = 0; index < 100; index += 1) belief.record('ignored', seconds(9));
    expect(belief.estimate([], seconds(9))).toBe(before);
  });

  test('falls from 0.985 to about 0.76 in six failures and below 0.35 in sixty', () => {
    expect(believe(0.985, 'against', 6).estimate([], seconds(5))).toBeCloseTo(0.77, 1);
    expect(believe(0.985, 'against', 60).estimate([], seconds(60))).toBeLessThan(0.36);
  });

  test('a long healthy past does not hide a brown-out of 30 % for more than 35 calls', () => {
    const belief = believe(0.985, 'for', 1_000);
    for (let index = 0; index < 35; index += 1) belief.record(index % 10 < 3 ? 'against' : 'for', seconds(1_000 + index));
    expect(belief.estimate([], seconds(1_035))).toBeLessThan(0.885);
  });

  test('never reaches certainty', () => {
    expect(believe(1, 'for', 1_000).estimate([], seconds(1_000))).toBe(0.999);
    expect(believe(0.001, 'against', 1_000).estimate([], seconds(1_000))).toBe(0.001);
  });

  test('returns to the prior after hours without calls', () => {
    expect(believe(0.985, 'against', 60).estimate([], seconds(5 * 3_600))).toBeGreaterThan(0.97);
  });
});

describe('siblings at the same endpoint', () => {
  test('one sick sibling makes a route suspect, all of them make it more so, healthy ones acquit it', () => {
    const idle = new SuccessBelief(0.985);
    const sick = believe(0.985, 'against', 40);
    const well = believe(0.985, 'for', 40);
    const now = seconds(40);
    const [one, two, mixed] = [[sick], [sick, sick], [sick, well]].map((siblings) => idle.estimate(siblings, now));
    expect(one).toBeCloseTo(0.56, 2);
    expect(two).toBeLessThan(one ?? 0);
    expect(mixed).toBeGreaterThan(one ?? 1);
  });

  test("a route's own successes outweigh a sibling's failures", () => {
    const well = believe(0.985, 'for', 60);
    expect(well.estimate([believe(0.985, 'against', 60)], seconds(60))).toBeGreaterThan(0.78);
  });

  test('a healthy sibling lends nothing: no route is better than its own evidence', () => {
    expect(new SuccessBelief(0.9).estimate([believe(0.9, 'for', 60)], seconds(60))).toBe(0.9);
  });
});
