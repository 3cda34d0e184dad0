import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/system/clock.ts';
import { systemIds } from '../../src/system/ids.ts';
import { hash32, seededRandom, systemRandom } from '../../src/system/random.ts';

describe('the clock', () => {
  it('runs at the speed it is given, and fires timers in world time', async () => {
    const clock = systemClock(1_000);
    const start = clock.now();
    await new Promise<void>((resolve) => clock.timer(5_000, resolve));
    expect(clock.now() - start).toBeGreaterThanOrEqual(4_900);
    expect(clock.wall().getTime()).toBeGreaterThan(0);
  });

  it('fires no timer that was cancelled', async () => {
    const clock = systemClock(1_000);
    let fired = false;
    const cancel = clock.timer(1_000, () => {
      fired = true;
    });
    cancel();
    await new Promise<void>((resolve) => clock.timer(5_000, resolve));
    expect(fired).toBe(false);
  });

  it.each([0, -1, Number.NaN, 100_001])('refuses the speed %d', (speed) => {
    expect(() => systemClock(speed)).toThrow(`speed must be in (0, 100000], got ${speed}`);
  });
});

describe('seeded randomness', () => {
  it('repeats itself for a seed, and differs between seeds', () => {
    const draw = (seed: string | number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 5 }, () => random.next());
    };
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('is uniform enough', () => {
    const random = seededRandom('uniform');
    const draws = Array.from({ length: 20_000 }, () => random.next());
    expect(draws.reduce((sum, value) => sum + value, 0) / draws.length).toBeCloseTo(0.5, 2);
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    expect(systemRandom().next()).toBeLessThan(1);
  });

  it('hashes near texts far apart', () => {
    expect(Math.abs(hash32('a red fox') - hash32('a red fax'))).toBeGreaterThan(1_000);
  });
});

describe('ids', () => {
  it('are 128 random bits behind what they name', () => {
    const ids = systemIds();
    expect(ids.next('req')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(ids.next('req')).not.toBe(ids.next('req'));
  });
});
