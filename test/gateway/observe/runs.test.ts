import { expect, it } from 'vitest';
import type { InstantMs } from '../../../src/domain/time.ts';
import { Calibration } from '../../../src/gateway/observe/calibration.ts';
import { type EndedRun, RunBook } from '../../../src/gateway/observe/runs.ts';
import { useWorlds, World } from '../../support/router-world.ts';

useWorlds();

const PREVIEW = { tier: 'preview', latencyBudgetMs: 60_000 } as const;

/** Every run that ended, as the book tells it. */
function endedIn(world: World): readonly EndedRun[] {
  const book = new RunBook();
  return world.told.flatMap((event) => {
    if (event.kind !== 'request') return [];
    const { ended } = book.take(event.requestId, event.event, 0 as InstantMs);
    return ended === undefined ? [] : [ended];
  });
}

it('a delivered run knows its calls, the one that was delivered, and the chance its first plan gave', async () => {
  const world = new World();
  await world.start(PREVIEW);
  await world.pass(2_000);
  world.openai.calls[0]?.fail();
  await world.pass(4_000);
  [...world.openai.calls, ...world.google.calls].at(-1)?.deliver();
  await world.pass(500);
  const [run] = endedIn(world);
  expect(run).toMatchObject({ verdict: 'met', part: undefined });
  expect(run?.chance).toBeGreaterThan(0.5);
  expect(run?.attempts.map(({ outcome }) => outcome)).toEqual(['not-accepted', 'delivered']);
  expect(run?.attempts[0]).toMatchObject({ role: 'first', fault: 'overloaded', httpStatus: 503, billedMicroUsd: 0 });
  expect(run?.delivered).toBe(2);
  await world.router.close();
});

it('a caller who leaves, and a prompt that is refused, say nothing about the plan', async () => {
  const world = new World();
  const leaving = new AbortController();
  await world.start(PREVIEW, leaving.signal);
  leaving.abort();
  await world.pass(500);
  await world.start(PREVIEW);
  world.openai.calls.at(-1)?.fail({ kind: 'refused', fault: 'moderation', retry: 'never', evidence: 'ignored' });
  await world.pass(500);
  expect(endedIn(world).map(({ verdict }) => verdict)).toEqual(['void', 'void']);
  await world.router.close();
});

it('a run that ends without an image for any other reason has broken its promise', async () => {
  const world = new World();
  await world.start({ ...PREVIEW, latencyBudgetMs: 20_000 });
  await world.pass(21_000);
  expect(endedIn(world)).toMatchObject([{ verdict: 'missed', delivered: undefined }]);
  await world.router.close();
});

it('single calls for several images are runs of their own', async () => {
  const world = new World();
  await world.start({ ...PREVIEW, n: 3, latencyBudgetMs: 12_000 });
  for (const call of [...world.openai.calls, ...world.google.calls]) call.deliver();
  await world.pass(500);
  const runs = endedIn(world);
  expect(runs.map(({ part }) => part)).toEqual([1, 2, 3]);
  expect(runs.every(({ verdict }) => verdict === 'met')).toBe(true);
  await world.router.close();
});

it('chances are sorted into tenths, and a certain one into the last', () => {
  const calibration = new Calibration();
  calibration.add({ chance: 0.9375, verdict: 'met' });
  calibration.add({ chance: 1, verdict: 'missed' });
  calibration.add({ chance: 0.05, verdict: 'met' });
  calibration.add({ chance: 0.5, verdict: 'void' });
  calibration.add({ chance: undefined, verdict: 'met' });
  expect(calibration.tenths.filter(({ runs }) => runs > 0)).toEqual([
    { chance: '0.0-0.1', runs: 1, chanceSum: 0.05, met: 1 },
    { chance: '0.9-1.0', runs: 2, chanceSum: 1.9375, met: 1 },
  ]);
});
