// The door for whoever has to know of a call before it can cost anything.
import { expect, it } from 'vitest';
import type { UpcomingCall } from '../../src/index.ts';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

it('no call is made before whoever writes calls down has done so, fallbacks included', async () => {
  const world = new World();
  const written: UpcomingCall[] = [];
  const doors: (() => void)[] = [];
  const beforeCall = (call: UpcomingCall): Promise<void> => {
    written.push(call);
    return new Promise((resolve) => doors.push(resolve));
  };
  const outcome = await world.start({}, { beforeCall });
  expect([written.length, world.openai.calls.length]).toEqual([1, 0]);
  doors[0]?.();
  await settled();
  expect(world.openai.calls).toHaveLength(1);
  world.openai.calls[0]?.fail();
  await settled();
  expect([written.length, world.google.calls.length]).toEqual([2, 0]);
  doors[1]?.();
  await settled();
  world.google.calls[0]?.deliver();
  await settled();
  expect(outcome.result?.route).toBe('nano-banana-pro');
  expect(written).toMatchObject([
    { attempt: 1, route: 'gpt-image-2-medium', requestId: outcome.result?.id, ceiling: expect.any(Number) },
    { attempt: 2, route: 'nano-banana-pro' },
  ]);
});

it('a call that could not be written down is never made, and the request ends having spent nothing', async () => {
  const world = new World();
  const outcome = await world.start({}, { beforeCall: () => Promise.reject(new Error('somebody else works on this')) });
  await settled();
  expect(outcome.error).toMatchObject({ code: 'cancelled' });
  expect(world.openai.calls.length + world.google.calls.length).toBe(0);
  expect(outcome.error?.trace?.events.at(-1)).toMatchObject({ kind: 'end', billed: 0, possiblyBilled: 0 });
  expect(world.router.health().every(({ running, waiting, inFlight }) => running + waiting + inFlight === 0)).toBe(true);
});

it('a request given up while a call is being written down never makes that call', async () => {
  const world = new World();
  const leaving = new AbortController();
  let write = (): void => undefined;
  const beforeCall = (): Promise<void> =>
    new Promise((resolve) => {
      write = resolve;
    });
  const outcome = await world.start({}, { beforeCall, signal: leaving.signal });
  leaving.abort();
  write();
  await settled();
  expect(outcome.error).toMatchObject({ code: 'cancelled' });
  expect(world.openai.calls.length + world.google.calls.length).toBe(0);
  expect(world.router.health().every(({ running, waiting }) => running + waiting === 0)).toBe(true);
});
