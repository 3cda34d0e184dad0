import { expect, it } from 'vitest';
import { tidyAfterBursts } from '../../src/cli/serve/tidy-after-burst.ts';
import { giveMemoryBack } from '../../src/system/memory.ts';
import { manualClock } from '../support/manual-clock.ts';

function world() {
  const clock = manualClock();
  const seen = { running: 0, tidied: 0 };
  const tidying = tidyAfterBursts(
    clock,
    () => ({ running: seen.running, callers: 0, heldBytes: 0 }),
    async () => {
      seen.tidied += 1;
    },
  );
  const run = (...loads: readonly number[]): number => {
    for (const running of loads) {
      seen.running = running;
      clock.advance(1_000);
    }
    return seen.tidied;
  };
  return { run, tidying };
}

it('memory is given back once a burst has come to rest, and not again for those who wait', () => {
  const { run, tidying } = world();
  expect(run(500, 2_000, 3_000)).toBe(0);
  expect(run(3_000)).toBe(1);
  expect(run(3_000, 3_000, 3_400, 3_400)).toBe(1);
  expect(run(4_500, 4_500)).toBe(2);
  tidying.stop();
});

it('a few requests more or less, or a gateway that is never at rest, cause nothing', () => {
  const { run, tidying } = world();
  expect(run(900, 900, 10, 10, 900, 900)).toBe(0);
  expect(run(2_000, 2_001, 2_000, 1_999)).toBe(0);
  tidying.stop();
});

it('what nobody needs is really given back', async () => {
  const gone = new WeakRef({ big: new Array(1_000).fill(0) });
  await new Promise((resolve) => setImmediate(resolve));
  await giveMemoryBack();
  expect(gone.deref()).toBeUndefined();
});
