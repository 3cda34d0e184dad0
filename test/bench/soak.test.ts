// A short soak with every suite run: the same callers, weather and checks as `npm run soak`, for a few seconds.
import { expect, test } from 'vitest';
import { soak } from '../../bench/soak/soak.ts';

test('sixty requests of all shapes under mixed faults break no law', async () => {
  const { violations, facts, runs } = await soak({ requests: 60, seed: 1, speed: 40 });
  expect(violations).toEqual([]);
  expect(facts).toHaveLength(60);
  expect(runs).toBeGreaterThan(0);
});
