import { describe, expect, test } from 'vitest';
import { normalQuantile } from '../../src/domain/latency.ts';
import { cumulativeHazard, Detector, SILENT_LEVEL } from '../../src/health/detector.ts';
import { seededRandom } from '../../src/system/random.ts';
import { seconds, secondsToNotice } from './worlds.ts';

const MEDIAN_MS = 7_000;
const KNOWN = 100;
const quiet = { kind: 'quiet' };

/** One call a second: calls of the same second would be one burst. */
function started(detector: Detector, count: number, atSeconds = 0): void {
  for (let index = 0; index < count; index += 1)
    detector.callStarted(`${atSeconds}-${index}`, MEDIAN_MS, KNOWN, seconds(atSeconds + index));
}

describe('a hang, at one call every two seconds', () => {
  test.each([
    ['gpt-image-2-low', 20.2, 22],
    ['nano-banana-pro', 37.7, 40],
    ['gpt-image-2-medium', 62.5, 66],
    ['gpt-image-2-high', 191.9, 199],
  ])('on %s is noticed after %d s, before the %d s that were promised', (routeId, measured, promised) => {
    expect(secondsToNotice({ routeId, slowdown: Infinity })).toBeCloseTo(measured, 1);
    expect(measured).toBeLessThan(promised);
  });

  test.each([
    ['gpt-image-2-low', 22],
    ['gpt-image-2-medium', 68],
    ['gpt-image-2-high', 210],
  ])('on %s with latencies as varied as in the field is noticed within %d s', (routeId, limit) => {
    for (let seed = 1; seed <= 5; seed += 1) expect(secondsToNotice({ routeId, slowdown: Infinity, seed })).toBeLessThan(limit);
  });

  test('three times the latency is noticed as soon as a hang', () => {
    expect(secondsToNotice({ routeId: 'gpt-image-2-low', slowdown: 3 })).toBeLessThan(24);
    expect(secondsToNotice({ routeId: 'gpt-image-2-medium', slowdown: 3 })).toBeLessThan(69);
  });

  test('is noticed on a route with one call every twenty seconds', () => {
    expect(secondsToNotice({ routeId: 'gpt-image-2-medium', slowdown: Infinity, beat: 20 })).toBeLessThan(150);
  });

  test('is never seen by the obvious detector, which counts outcomes: until a timeout there are none', () => {
    const [watching, counting] = [new Detector(0.985), new Detector(0.985)];
    for (let second = 0; second < 290; second += 2) {
      watching.callStarted(`${second}`, MEDIAN_MS, KNOWN, seconds(second));
      // The obvious detector hears of a call when it ends; the HTTP client gives up after 300 s.
    }
    expect(watching.verdict(seconds(290))).toEqual({ kind: 'alarm', cause: 'silent' });
    expect(counting.verdict(seconds(290))).toEqual(quiet);
  });

  test('is proven by the instant alone, however seldom anybody asks', () => {
    const [asked, unasked] = [new Detector(0.985), new Detector(0.985)];
    started(asked, 6);
    started(unasked, 6);
    for (let second = 1; second < 25; second += 1) asked.verdict(seconds(second));
    expect(asked.silence(seconds(25))).toBeCloseTo(unasked.silence(seconds(25)), 9);
  });
});

describe('healthy routes', () => {
  test('give no false alarm over 20 000 calls of lognormal latency with 3 % failures', () => {
    const random = seededRandom('healthy');
    const detector = new Detector(0.985);
    const events: { readonly at: number; readonly id: string; readonly fails: boolean | undefined }[] = [];
    for (let index = 0; index < 20_000; index += 1) {
      const fails = random.next() < 0.03;
      const latencyMs = fails ? 3_000 : MEDIAN_MS * Math.exp(0.39 * normalQuantile(random.next() || 0.5));
      events.push({ at: index * 2_000, id: `${index}`, fails: undefined }, { at: index * 2_000 + latencyMs, id: `${index}`, fails });
    }
    for (const { at, id, fails } of events.toSorted((a, b) => a.at - b.at)) {
      const now = seconds(at / 1_000);
      if (fails === undefined) detector.callStarted(id, MEDIAN_MS, KNOWN, now);
      else detector.callEnded(id, { evidence: fails ? 'against' : 'for', answered: true }, now);
      expect(detector.verdict(now).kind).toBe('quiet');
    }
  });

  test('one call that never returns makes a route suspect and never condemns it', () => {
    const detector = new Detector(0.985);
    started(detector, 1);
    expect(detector.isSilent(seconds(30))).toBe(false);
    expect(detector.isSilent(seconds(3_000))).toBe(true);
    expect(detector.verdict(seconds(3_000))).toEqual(quiet);
  });

  test('eight calls on a route three times slower than its catalogue says are no alarm before anything was learned', () => {
    const [unknown, known] = [new Detector(0.985), new Detector(0.985)];
    for (let index = 0; index < 8; index += 1) {
      unknown.callStarted(`${index}`, MEDIAN_MS, 0, seconds(index));
      known.callStarted(`${index}`, MEDIAN_MS, KNOWN, seconds(index));
    }
    expect(unknown.verdict(seconds(25))).toEqual(quiet);
    expect(known.verdict(seconds(25)).kind).toBe('alarm');
  });
});

describe('a burst', () => {
  /** So many calls, evenly over so many seconds. */
  const burst = (detector: Detector, count: number, overSeconds: number, observations: number): void => {
    for (let index = 0; index < count; index += 1) {
      detector.callStarted(`${index}`, MEDIAN_MS, observations, seconds((index / count) * overSeconds));
    }
  };

  test.each([
    ['nobody has observed', 0],
    ['everybody knows', KNOWN],
  ])('of ten thousand on a route %s is no alarm, nor even suspect, before answers are due', (_, observations) => {
    const detector = new Detector(0.985);
    burst(detector, 10_000, 2, observations);
    expect(detector.verdict(seconds(2 + 1.5 * 7))).toEqual(quiet);
    expect(detector.suspicion(seconds(2 + 7))).toBeLessThan(0.1);
  });

  test('in a slow spell that lets everybody wait twice as long gives no alarm in 200 worlds', () => {
    const alarms = Array.from({ length: 200 }, (_, seed) => {
      const random = seededRandom(seed);
      const draw = (): number => normalQuantile(random.next() || 0.5);
      const detector = new Detector(0.985);
      const spell = Math.LN2;
      burst(detector, 500, 3, KNOWN);
      const ends = Array.from({ length: 500 }, () => MEDIAN_MS * Math.exp(spell + 0.28 * draw())).toSorted((a, b) => a - b);
      return ends.some((latencyMs, index) => {
        const now = seconds(3 + latencyMs / 1_000);
        const isAlarm = detector.verdict(now).kind === 'alarm';
        detector.callEnded(`${index}`, { evidence: 'for', answered: true }, now);
        return isAlarm;
      });
    });
    expect(alarms.filter(Boolean)).toHaveLength(0);
  });

  test('that nobody answers is noticed by those who come after it', () => {
    const detector = new Detector(0.985);
    burst(detector, 1_000, 1, KNOWN);
    started(detector, 30, 2);
    expect(detector.verdict(seconds(22))).toEqual({ kind: 'alarm', cause: 'silent' });
  });

  test('of a single second can make a route suspect and never condemns it: what times out is told as failures', () => {
    const detector = new Detector(0.985);
    burst(detector, 1_000, 0.9, KNOWN);
    expect(detector.isSilent(seconds(60))).toBe(true);
    expect(detector.verdict(seconds(3_000))).toEqual(quiet);
  });
});

describe('how a call ends', () => {
  test('an image takes ln 3 from the silence, and never takes it below zero', () => {
    const detector = new Detector(0.985);
    started(detector, 3);
    const before = detector.silence(seconds(14));
    detector.callEnded('0-0', { evidence: 'for', answered: true }, seconds(14));
    expect(detector.silence(seconds(14))).toBeCloseTo(before - Math.log(3), 9);
    detector.callEnded('0-1', { evidence: 'for', answered: true }, seconds(14));
    detector.callEnded('0-2', { evidence: 'for', answered: true }, seconds(14));
    detector.callEnded('never-started', { evidence: 'for', answered: true }, seconds(14));
    expect(detector.silence(seconds(14))).toBeGreaterThanOrEqual(0);
  });

  test('a tenant who sends only refused prompts cannot make a route silent, failing or well', () => {
    const detector = new Detector(0.985);
    for (let index = 0; index < 1_000; index += 1) {
      detector.callStarted(`${index}`, MEDIAN_MS, KNOWN, seconds(index * 8));
      detector.callEnded(`${index}`, { evidence: 'ignored', answered: true }, seconds(index * 8 + 7));
    }
    expect(detector.silence(seconds(8_000))).toBe(0);
    expect(detector.verdict(seconds(8_000))).toEqual(quiet);
  });

  test('callers who give up before an image was due say nothing, however many they are', () => {
    const detector = new Detector(0.985);
    for (let index = 0; index < 1_000; index += 1) {
      detector.callStarted(`${index}`, MEDIAN_MS, 0, seconds(index * 8));
      detector.callEnded(`${index}`, { evidence: 'ignored', answered: false }, seconds(index * 8 + 6));
    }
    expect(detector.silence(seconds(8_000))).toBe(0);
  });

  test('a caller who gives up on a hung call does not take its silence away', () => {
    const detector = new Detector(0.985);
    started(detector, 4);
    const before = detector.silence(seconds(25));
    for (const id of ['0-0', '0-1', '0-2']) detector.callEnded(id, { evidence: 'ignored', answered: false }, seconds(25));
    expect(detector.silence(seconds(25))).toBe(before);
  });

  test('silence left over fades when nobody calls, and is no longer called silence', () => {
    const detector = new Detector(0.985);
    started(detector, 3);
    detector.callEnded('0-0', { evidence: 'ignored', answered: false }, seconds(25));
    expect(detector.isSilent(seconds(25))).toBe(true);
    for (const id of ['0-1', '0-2']) detector.callEnded(id, { evidence: 'ignored', answered: false }, seconds(25));
    expect(detector.isSilent(seconds(25))).toBe(false);
    expect(detector.silence(seconds(25 + 3_600))).toBeLessThan(0.2);
  });
});

describe('failures', () => {
  function failuresToNotice(priorSuccess: number, healthyCalls: number): number {
    const detector = new Detector(priorSuccess);
    for (let index = 0; index < healthyCalls; index += 1) {
      detector.callEnded('', { evidence: 'for', answered: true }, seconds(index));
    }
    for (let count = 1; count <= 50; count += 1) {
      detector.callEnded('', { evidence: 'against', answered: true }, seconds(healthyCalls + count));
      if (detector.verdict(seconds(healthyCalls + count)).kind === 'alarm') return count;
    }
    return Infinity;
  }

  test('every call failing at once is noticed at the sixth, also after a thousand successes', () => {
    expect(failuresToNotice(0.985, 0)).toBe(6);
    expect(failuresToNotice(0.985, 1_000)).toBe(6);
    expect(failuresToNotice(0.95, 0)).toBe(7);
  });

  test('30 % failing is noticed within 35 calls in the middle of 200 worlds', () => {
    const counts = Array.from({ length: 200 }, (_, seed) => {
      const random = seededRandom(seed);
      const detector = new Detector(0.985);
      for (let count = 1; count < 1_000; count += 1) {
        detector.callEnded('', { evidence: random.next() < 0.3 ? 'against' : 'for', answered: true }, seconds(count));
        if (detector.verdict(seconds(count)).kind === 'alarm') return count;
      }
      return Infinity;
    }).toSorted((a, b) => a - b);
    expect(counts[100]).toBeLessThanOrEqual(35);
  });

  test('a handful of failures spread over a day are no story', () => {
    const detector = new Detector(0.985);
    for (let index = 0; index < 12; index += 1) {
      detector.callEnded('', { evidence: 'against', answered: true }, seconds(index * 7_200));
      expect(detector.verdict(seconds(index * 7_200))).toEqual(quiet);
    }
  });

  test('a day of failures does not become normal: the healthy rate stays below half of the sick one', () => {
    const detector = new Detector(0.985);
    for (let index = 0; index < 5_000; index += 1) {
      detector.callEnded('', { evidence: 'against', answered: true }, seconds(index * 10));
      detector.acknowledge(seconds(index * 10));
    }
    for (let count = 0; count < 20; count += 1) {
      detector.callEnded('', { evidence: 'against', answered: true }, seconds(50_000 + count));
    }
    expect(detector.verdict(seconds(50_020))).toEqual({ kind: 'alarm', cause: 'failing' });
  });
});

describe('after the breaker has opened', () => {
  test('evidence starts afresh, and calls already acted upon raise no second alarm', () => {
    const detector = new Detector(0.985);
    started(detector, 12);
    expect(detector.verdict(seconds(25))).toEqual({ kind: 'alarm', cause: 'silent' });
    detector.acknowledge(seconds(25));
    expect(detector.verdict(seconds(25))).toEqual(quiet);
    expect(detector.verdict(seconds(300))).toEqual(quiet);
  });

  test('an alarm stands until it is acknowledged, unless the route has come back to life', () => {
    const detector = new Detector(0.985);
    started(detector, 12);
    detector.callEnded('0-0', { evidence: 'for', answered: true }, seconds(20));
    expect(detector.verdict(seconds(20)).kind).toBe('alarm');
    for (let index = 1; index < 12; index += 1) detector.callEnded(`0-${index}`, { evidence: 'for', answered: true }, seconds(20));
    for (let index = 0; index < 20; index += 1) {
      detector.callStarted(`back-${index}`, MEDIAN_MS, KNOWN, seconds(20 + index));
      detector.callEnded(`back-${index}`, { evidence: 'for', answered: true }, seconds(21 + index));
    }
    expect(detector.verdict(seconds(41))).toEqual(quiet);
  });
});

describe('the hazard', () => {
  test('is 0 at the start, ln 2 at the median, and exact far into the tail', () => {
    expect(cumulativeHazard(0, MEDIAN_MS, 0.5)).toBe(0);
    expect(cumulativeHazard(MEDIAN_MS, MEDIAN_MS, 0.5)).toBeCloseTo(Math.LN2, 6);
    // Reference: -ln of the upper tail of the normal distribution at 5 and at 8.
    expect(cumulativeHazard(Math.exp(5), 1, 1)).toBeCloseTo(15.064998, 6);
    expect(cumulativeHazard(Math.exp(8), 1, 1)).toBeCloseTo(35.013437, 6);
  });

  test('joins its two formulas without a step', () => {
    expect(cumulativeHazard(Math.exp(2 - 1e-9), 1, 1)).toBeCloseTo(cumulativeHazard(Math.exp(2 + 1e-9), 1, 1), 4);
  });

  test('suspicion is nothing at rest and one half at the level called silent', () => {
    const detector = new Detector(0.985);
    expect(detector.suspicion(seconds(0))).toBe(0);
    started(detector, 1);
    // One call that never returns stops exactly at that level.
    expect(detector.silence(seconds(3_000))).toBeCloseTo(SILENT_LEVEL, 9);
    expect(detector.suspicion(seconds(3_000))).toBeCloseTo(0.5, 2);
  });
});
