import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstantMs } from '../../src/domain/time.ts';
import { DecayingHistogram } from '../../src/health/histogram.ts';
import { seconds } from './worlds.ts';

const HALF_LIFE_MS = 20 * 60_000;
const at = (ms: number): InstantMs => ms as InstantMs;

describe('a decaying histogram', () => {
  test('gives back a single latency within 3.2 % at any quantile, from 50 ms to an hour', () => {
    fc.assert(
      fc.property(fc.double({ min: 50, max: 3_600_000, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true }), (latencyMs, p) => {
        const histogram = new DecayingHistogram(HALF_LIFE_MS);
        histogram.record(latencyMs, seconds(0));
        const quantile = histogram.distribution()?.quantile(p) ?? Number.NaN;
        expect(Math.abs(quantile / latencyMs - 1)).toBeLessThan(0.033);
      }),
    );
  });

  test('gives back a median of many within 1.6 %', () => {
    const histogram = new DecayingHistogram(HALF_LIFE_MS);
    for (let index = 1; index <= 999; index += 1) histogram.record(index * 100, seconds(0));
    expect(Math.abs((histogram.distribution()?.quantile(0.5) ?? 0) / 50_000 - 1)).toBeLessThan(0.016);
  });

  test('its quantile is the inverse of its cdf, which never falls and ends at 1', () => {
    const latencies = fc.array(fc.double({ min: 1, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(latencies, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (samples, p) => {
        const histogram = new DecayingHistogram(HALF_LIFE_MS);
        samples.forEach((latencyMs, index) => {
          histogram.record(latencyMs, seconds(index));
        });
        const seen = histogram.distribution();
        expect(seen?.cdf(seen.quantile(p))).toBeCloseTo(p, 6);
        expect(seen?.cdf(1e9)).toBe(1);
        expect(seen?.cdf(5_000)).toBeLessThanOrEqual(seen?.cdf(6_000) ?? 0);
      }),
    );
  });

  test('an observation is worth half after one half-life, and the quantiles follow the newer ones', () => {
    const histogram = new DecayingHistogram(HALF_LIFE_MS);
    for (let index = 0; index < 10; index += 1) histogram.record(1_000, at(0));
    expect(histogram.weight(at(HALF_LIFE_MS))).toBeCloseTo(5, 9);
    for (let index = 0; index < 10; index += 1) histogram.record(9_000, at(HALF_LIFE_MS));
    expect(histogram.weight(at(HALF_LIFE_MS))).toBeCloseTo(15, 9);
    expect(histogram.distribution()?.cdf(3_000)).toBeCloseTo(1 / 3, 9);
  });

  test('a year of silence between records leaves it exact and finite', () => {
    const histogram = new DecayingHistogram(HALF_LIFE_MS);
    histogram.record(1_000, at(0));
    histogram.record(2_000, at(365 * 86_400_000));
    expect(histogram.weight(at(365 * 86_400_000))).toBe(1);
    expect(histogram.distribution()?.cdf(1_500)).toBeCloseTo(0, 12);
  });

  test('merging two equals recording everything in one', () => {
    const event = fc.tuple(fc.integer({ min: 50, max: 1_000_000 }), fc.integer({ min: 0, max: 10_000_000 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), (events) => {
        const [left, right, whole] = [0, 1, 2].map(() => new DecayingHistogram(HALF_LIFE_MS));
        if (!left || !right || !whole) return;
        for (const [latencyMs, instant, isLeft] of events.toSorted((a, b) => a[1] - b[1])) {
          (isLeft ? left : right).record(latencyMs, at(instant));
          whole.record(latencyMs, at(instant));
        }
        left.merge(right);
        expect(left.weight(at(1e7))).toBeCloseTo(whole.weight(at(1e7)), 6);
        for (const ms of [100, 5_000, 500_000]) expect(left.distribution()?.cdf(ms)).toBeCloseTo(whole.distribution()?.cdf(ms) ?? -1, 6);
      }),
    );
  });

  test('what it handed out does not change when more is recorded', () => {
    const histogram = new DecayingHistogram(HALF_LIFE_MS);
    histogram.record(1_000, at(0));
    const before = histogram.distribution();
    histogram.record(9_000, at(0));
    expect(before?.cdf(2_000)).toBe(1);
  });

  test('a latency that is no duration is refused by name', () => {
    const histogram = new DecayingHistogram(HALF_LIFE_MS);
    for (const latencyMs of [Number.NaN, -1, Infinity]) {
      expect(() => histogram.record(latencyMs, at(0))).toThrow(`latencyMs must be finite and not negative, got ${latencyMs}`);
    }
  });
});
