import { expect, it } from 'vitest';
import { OpenCount } from '../../src/system/open-count.ts';

it('is waited for until nothing is under way, also what begins while the end of the last is told', async () => {
  const open = new OpenCount();
  await open.idle();
  open.begin();
  open.begin();
  const told: string[] = [];
  const waiting = Promise.all(['one', 'other'].map((name) => open.idle().then(() => told.push(name))));
  open.end();
  open.end();
  open.begin();
  await Promise.resolve();
  await Promise.resolve();
  expect(told).toEqual([]);
  open.end();
  await waiting;
  expect(told).toEqual(['one', 'other']);
});
