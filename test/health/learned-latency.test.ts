import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LatencyShape, priorDistribution, shapeFactor } from '../../src/domain/latency.ts';
import { LearnedLatency } from '../../src/health/learned-latency.ts';
import { seededRandom } from '../../src/system/random.ts';
import { routeNamed, SQUARE, seconds } from './worlds.ts';

const spec = routeNamed('gpt-image-2-medium').latency;
const WIDE: LatencyShape = { ...SQUARE, size: { width: 1536, height: 1024 } };

function observe(latency: LearnedLatency, count: number, factor: number, shape: LatencyShape = SQUARE): void {
  const random = seededRandom('latency');
  const truth = priorDistribution(spec.field, shapeFactor(spec, shape) * factor);
  for (let index = 0; index < count; index += 1) latency.record(shape, truth.quantile(random.next() || 0.5), seconds(index * 2));
}

describe('learned latency', () => {
  test('equals the prior exactly while nothing was observed', () => {
    const latency = new LearnedLatency(spec, 'brief');
    const prior = priorDistribution(spec.brief, shapeFactor(spec, WIDE));
    for (const p of [0.05, 0.5, 0.95]) expect(latency.distribution(WIDE, seconds(0)).quantile(p)).toBe(prior.quantile(p));
    expect(latency.distribution(WIDE, seconds(0)).cdf(40_000)).toBe(prior.cdf(40_000));
    expect(latency.drift(seconds(0))).toBe(1);
  });

  test('after 30 observations of a route three times slower, median and p95 are within 20 % of the truth', () => {
    const latency = new LearnedLatency(spec, 'field');
    observe(latency, 30, 3);
    const truth = priorDistribution(spec.field, 3);
    const learned = latency.distribution(SQUARE, seconds(60));
    for (const p of [0.5, 0.95]) expect(Math.abs(learned.quantile(p) / truth.quantile(p) - 1)).toBeLessThan(0.2);
  });

  test('a shape never seen is expected as much slower as the shapes that were', () => {
    const latency = new LearnedLatency(spec, 'field');
    observe(latency, 60, 2);
    const prior = priorDistribution(spec.field, shapeFactor(spec, WIDE));
    const ratio = latency.distribution(WIDE, seconds(120)).quantile(0.5) / prior.quantile(0.5);
    expect(ratio).toBeGreaterThan(1.7);
    expect(ratio).toBeLessThan(2.2);
  });

  test('one odd call moves no other shape by more than half', () => {
    const latency = new LearnedLatency(spec, 'field');
    latency.record(SQUARE, 3_600_000, seconds(0));
    expect(latency.drift(seconds(0))).toBeLessThan(1.5);
  });

  test('after four hours of silence the prior is back within 5 %', () => {
    const latency = new LearnedLatency(spec, 'field');
    observe(latency, 60, 3);
    const prior = priorDistribution(spec.field, 1);
    const later = latency.distribution(SQUARE, seconds(4 * 3_600));
    for (const p of [0.5, 0.9]) expect(Math.abs(later.quantile(p) / prior.quantile(p) - 1)).toBeLessThan(0.05);
  });

  test('what is told of a shape is told again until a hundredth of it is new or has faded', () => {
    const latency = new LearnedLatency(spec, 'field');
    observe(latency, 400, 1);
    const now = seconds(800);
    const told = latency.distribution(SQUARE, now);
    const untold = latency.distribution(WIDE, now);
    latency.record(SQUARE, 400_000, now);
    latency.record(SQUARE, 400_000, now);
    expect(latency.distribution(SQUARE, now)).toBe(told);
    expect(latency.distribution(SQUARE, seconds(811))).toBe(told);
    // Another size of the same class is as much slower as it is larger.
    expect(latency.distribution({ ...SQUARE, size: { width: 1008, height: 1008 } }, now)).not.toBe(told);
    for (let index = 0; index < 3; index += 1) latency.record(SQUARE, 400_000, now);
    const anew = latency.distribution(SQUARE, now);
    expect(anew.cdf(300_000)).toBeLessThan(told.cdf(300_000));
    expect(latency.distribution(SQUARE, seconds(813))).not.toBe(anew);
    // The first of a shape says more of it than hundreds of others did.
    latency.record(WIDE, 400_000, now);
    expect(latency.distribution(WIDE, now)).not.toBe(untold);
  });

  test('a belief that was handed out does not change when more is learned', () => {
    const latency = new LearnedLatency(spec, 'field');
    observe(latency, 5, 1);
    const before = latency.distribution(SQUARE, seconds(10));
    const median = before.quantile(0.5);
    observe(latency, 50, 4);
    expect(before.quantile(0.5)).toBe(median);
  });

  test('quantiles rise with p, and the cdf of a quantile is its p', () => {
    const latency = new LearnedLatency(spec, 'field');
    observe(latency, 12, 2);
    const learned = latency.distribution(SQUARE, seconds(24));
    const p = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(p, p, (a, b) => {
        expect(learned.quantile(Math.min(a, b))).toBeLessThanOrEqual(learned.quantile(Math.max(a, b)) + 1e-6);
        expect(learned.cdf(learned.quantile(a))).toBeCloseTo(a, 4);
      }),
    );
  });

  test('it keeps a bounded number of shapes, forgetting the one unused longest', () => {
    const latency = new LearnedLatency(spec, 'field');
    for (let edge = 1; edge <= 10; edge += 1) {
      for (let n = 1; n <= 10; n += 1) {
        latency.record({ ...SQUARE, n, size: { width: 2 ** edge, height: 2 ** edge } }, 40_000, seconds(n));
      }
    }
    expect(latency.shapeCount).toBe(48);
  });
});

test('a stand-in that answers in milliseconds makes nobody believe in pictures within a second', () => {
  const latency = new LearnedLatency(routeNamed('gpt-image-2-low').latency, 'brief');
  for (let call = 0; call < 1_000; call += 1) latency.record(SQUARE, 3, seconds(call));
  expect(latency.distribution(SQUARE, seconds(1_000)).quantile(0.5)).toBeGreaterThanOrEqual(900);
});
