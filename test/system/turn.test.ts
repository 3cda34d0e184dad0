import { expect, it } from 'vitest';
import { createTurns } from '../../src/system/turn.ts';

/** Keeps the event loop for so many real milliseconds. */
function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('work that fits into a turn begins at once', () => {
  const turns = createTurns(1_000);
  expect([turns.enter(), turns.enter(), turns.enter()]).toEqual([undefined, undefined, undefined]);
});

it('work beyond a turn waits for later ones, in order, and other things get their turn in between', async () => {
  const turns = createTurns(3);
  const seen: string[] = [];
  const start = async (name: string): Promise<void> => {
    await turns.enter();
    seen.push(name);
    work(4);
  };
  const other = setImmediate(function again(): void {
    seen.push('other');
    if (seen.length < 20) setImmediate(again);
  });
  const first = start('one');
  // Its work runs before the next request is read, as microtasks do.
  await first;
  await Promise.all(['two', 'three', 'four'].map(start));
  clearImmediate(other);
  expect(seen.filter((name) => name !== 'other')).toEqual(['one', 'two', 'three', 'four']);
  expect(seen.slice(seen.indexOf('one'), seen.indexOf('four'))).toContain('other');
});

it('once everybody has been let in, the next comer begins at once again', async () => {
  const turns = createTurns(0);
  const first = turns.enter();
  const second = turns.enter();
  expect(first).toBeUndefined();
  await second;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(turns.enter()).toBeUndefined();
});
