import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../src/domain/failure.ts';
import type { InstantMs } from '../../src/domain/time.ts';
import { RetryEngine } from '../../src/execute/retry.ts';
import { seededRandom } from '../../src/system/random.ts';

const at = (ms: number): InstantMs => ms as InstantMs;
const overloaded: Failure = {
  kind: 'not-accepted',
  fault: 'overloaded',
  retry: 'same',
  evidence: 'against',
  scope: 'route',
  retryAfterMs: undefined,
  billed: 'no',
  message: 'overloaded',
  status: 503,
};

describe('a backoff', () => {
  it('is full jitter: anywhere from zero to a bound that doubles with every repetition, up to 8 s', () => {
    const engine = new RetryEngine(seededRandom('jitter'));
    const draws = (repetition: number): number[] =>
      Array.from({ length: 500 }, () => engine.backoffMs(overloaded, repetition, at(0)) ?? -1);
    for (const [repetition, bound] of [
      [1, 500],
      [2, 1_000],
      [5, 8_000],
      [9, 8_000],
    ] as const) {
      const drawn = draws(repetition);
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
      expect(Math.min(...drawn)).toBeLessThan(bound * 0.05);
      expect(Math.max(...drawn)).toBeLessThan(bound);
      expect(Math.max(...drawn)).toBeGreaterThan(bound * 0.95);
    }
  });

  it('is exactly what the provider asked for when it asked', () => {
    const engine = new RetryEngine(seededRandom('asked'));
    expect(engine.backoffMs({ ...overloaded, retryAfterMs: 31_000 }, 1, at(0))).toBe(31_000);
  });

  it('does not exist for what sending the same again cannot help', () => {
    const engine = new RetryEngine(seededRandom('never'));
    expect(engine.backoffMs({ ...overloaded, retry: 'other' }, 1, at(0))).toBeUndefined();
    expect(engine.backoffMs({ ...overloaded, retry: 'never' }, 1, at(0))).toBeUndefined();
  });
});

describe('the retry budget', () => {
  it('lets a lone request try again, up to three retries in ten seconds', () => {
    const engine = new RetryEngine(seededRandom('lone'));
    engine.countRequest(at(0));
    for (let retry = 0; retry < 3; retry += 1) {
      expect(engine.backoffMs(overloaded, 1, at(retry))).toBeDefined();
      engine.countRetry(at(retry));
    }
    expect(engine.backoffMs(overloaded, 1, at(5_000))).toBeDefined();
    engine.countRetry(at(5_000));
    expect(engine.backoffMs(overloaded, 1, at(5_001))).toBeUndefined();
  });

  it('grows with the traffic by a fifth, and is forgotten after ten seconds', () => {
    const engine = new RetryEngine(seededRandom('traffic'));
    for (let request = 0; request < 100; request += 1) engine.countRequest(at(request));
    for (let retry = 0; retry < 23; retry += 1) engine.countRetry(at(100));
    expect(engine.backoffMs(overloaded, 1, at(200))).toBeUndefined();
    expect(engine.backoffMs(overloaded, 1, at(10_200))).toBeDefined();
  });
});

describe('the window of the budget', () => {
  it('holds exactly the requests and retries of the last ten seconds, however they came', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 4_000 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (events) => {
        const engine = new RetryEngine(seededRandom('window'));
        const seen = { requests: [] as number[], retries: [] as number[] };
        let now = 0;
        for (const [isRequest, pauseMs] of events) {
          now += pauseMs;
          seen[isRequest ? 'requests' : 'retries'].push(now);
          if (isRequest) engine.countRequest(at(now));
          else engine.countRetry(at(now));
          const recent = (instants: readonly number[]): number => instants.filter((instant) => instant > now - 10_000).length;
          const hasRoom = recent(seen.retries) < 0.2 * recent(seen.requests) + 3;
          expect(engine.backoffMs(overloaded, 1, at(now)) !== undefined).toBe(hasRoom);
        }
      }),
    );
  });
});
