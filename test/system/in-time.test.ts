import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { inTime } from '../../src/system/in-time.ts';
import { manualClock } from '../support/manual-clock.ts';

const never = () => new Promise<string>(() => undefined);

describe('what is waited for', () => {
  it('is had when it comes in time, and leaves nothing behind', async () => {
    const clock = manualClock();
    const { signal } = new AbortController();
    expect(await inTime(async () => 'there', clock, 100, signal)).toBe('there');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.timerCount).toBe(0);
    await expect(inTime(() => Promise.reject(new Error('its own')), clock, 100, signal)).rejects.toThrow('its own');
  });

  it('is given up when its time is over, and when nobody waits any more', async () => {
    const clock = manualClock();
    const late = inTime(never, clock, 100, undefined);
    clock.advance(100);
    expect(await late).toBeUndefined();
    const caller = new AbortController();
    const left = inTime(never, clock, 100, caller.signal);
    caller.abort();
    expect(await left).toBeUndefined();
    expect(await inTime(never, clock, 100, AbortSignal.abort())).toBeUndefined();
    const over = inTime(never, clock, -1, undefined);
    clock.advance(0);
    expect(await over).toBeUndefined();
  });

  it('hears that nobody waits any longer, and whatever it says then is not heard', async () => {
    const clock = manualClock();
    const obedient = (isOver: AbortSignal) =>
      new Promise<string>((_, reject) => {
        if (isOver.aborted) reject(isOver.reason);
        isOver.addEventListener('abort', () => reject(isOver.reason));
      });
    const late = inTime(obedient, clock, 100, undefined);
    clock.advance(100);
    expect(await late).toBeUndefined();
    expect(await inTime(obedient, clock, 100, AbortSignal.abort())).toBeUndefined();
  });
});
