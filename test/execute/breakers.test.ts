import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { targetId } from '../../src/domain/route.ts';
import { EndpointIdSchema, RouteIdSchema } from '../../src/domain/vocabulary.ts';
import type { BreakerChange, BreakerOptions, Ticket } from '../../src/execute/breaker.ts';
import { type Breakers, createBreakers } from '../../src/execute/breakers.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';

const given = vi.hoisted(() => ({ options: [] as Record<string, unknown>[] }));
vi.mock('opossum', async (importOriginal) => {
  const { default: CircuitBreaker } = await importOriginal<{ default: typeof import('opossum') }>();
  class Recorded extends CircuitBreaker<['for' | 'against']> {
    constructor(...input: ConstructorParameters<typeof CircuitBreaker<['for' | 'against']>>) {
      given.options.push({ ...input[1] });
      super(...input);
    }
  }
  return { default: Recorded };
});

const endpoint = EndpointIdSchema.parse('openai');
const low = targetId(RouteIdSchema.parse('gpt-image-2-low'), endpoint);
const high = targetId(RouteIdSchema.parse('gpt-image-2-high'), endpoint);

let clock: ManualClock;
let breakers: Breakers;
let changes: BreakerChange[];

function create(options: Partial<BreakerOptions> = {}, speed = 1): void {
  clock = manualClock(speed);
  changes = [];
  breakers = createBreakers({ clock, options, onChange: (change) => changes.push(change) });
}

beforeEach(() => {
  vi.useFakeTimers();
  given.options.length = 0;
  create();
});

afterEach(() => {
  breakers.close();
  vi.useRealTimers();
});

/** Time passes for the clock and for opossum's own timer, in step: a second at a time, then the rest. */
function pass(durationMs: number): void {
  for (let leftMs = durationMs; leftMs > 0; leftMs -= 1_000) {
    clock.advance(Math.min(leftMs, 1_000));
    vi.advanceTimersByTime(Math.min(leftMs, 1_000));
  }
}

/** opossum hears of a success one microtask late. */
async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function ticket(target = low): Ticket {
  const admitted = breakers.admit(target, 'generate');
  if (admitted.kind === 'rejected') throw new RangeError(`expected a ticket, got: ${admitted.reason}`);
  return admitted.ticket;
}

function settle(evidence: 'for' | 'against' | 'ignored', count = 1, target = low): void {
  for (let index = 0; index < count; index += 1) breakers.settle(ticket(target), evidence);
}

const kindOf = (target = low): string => breakers.admission(target, 'generate').kind;

describe('opening', () => {
  test('five failures in a row open, at once and with the reason, even after a thousand successes', () => {
    settle('for', 1_000);
    settle('against', 4);
    expect(kindOf()).toBe('closed');
    settle('against');
    expect(breakers.admission(low, 'generate')).toEqual({ kind: 'open', reason: '5 failures in a row', retryAt: 15_000 });
    expect(breakers.admit(low, 'generate')).toEqual({ kind: 'rejected', reason: '5 failures in a row', retryAt: 15_000 });
    expect(changes).toEqual([{ target: low, operation: 'generate', from: 'closed', to: 'open', reason: '5 failures in a row', at: 0 }]);
  });

  test('more than half of ten and more open, though never five in a row', () => {
    for (let index = 0; index < 3; index += 1) {
      settle('for');
      settle('against', 2);
    }
    expect(kindOf()).toBe('closed');
    settle('against');
    expect(breakers.admission(low, 'generate')).toMatchObject({ kind: 'open', reason: 'more than 50 % of recent calls failed' });
  });

  test('failures leave the window after fifteen minutes of world time', () => {
    for (let index = 0; index < 3; index += 1) {
      settle('for');
      settle('against', 2);
    }
    pass(16 * 60_000);
    settle('for');
    settle('against', 2);
    settle('for');
    settle('against', 4);
    expect(kindOf()).toBe('closed');
  });

  test('one target opening says nothing about another, nor about another operation', () => {
    breakers.trip(low, 'generate', 'silent');
    expect([kindOf(low), kindOf(high), breakers.admission(low, 'edit').kind]).toEqual(['open', 'closed', 'closed']);
  });

  test('a trip opens at once with its own reason, and a second one changes nothing', () => {
    breakers.trip(low, 'generate', 'calls in flight have gone silent');
    pass(5_000);
    breakers.trip(low, 'generate', 'again');
    expect(breakers.admission(low, 'generate')).toEqual({ kind: 'open', reason: 'calls in flight have gone silent', retryAt: 15_000 });
    expect(changes).toHaveLength(1);
  });
});

describe('evidence', () => {
  test('that is ignored counts neither as failure nor as success', async () => {
    settle('against', 4);
    settle('ignored', 50);
    await settled();
    expect(kindOf()).toBe('closed');
    settle('against');
    expect(kindOf()).toBe('open');
  });

  test('of one ticket counts once', () => {
    const twice = ticket();
    for (let index = 0; index < 9; index += 1) breakers.settle(twice, 'against');
    expect(kindOf()).toBe('closed');
  });

  test('of a call begun before the outage neither closes a half-open breaker nor opens a closed one', async () => {
    const [early, ...late] = Array.from({ length: 6 }, () => ticket());
    breakers.trip(low, 'generate', 'silent');
    pass(15_000);
    expect(kindOf()).toBe('probe');
    if (early !== undefined) breakers.settle(early, 'for');
    await settled();
    expect(kindOf()).toBe('probe');
    breakers.settle(ticket(), 'for');
    await settled();
    for (const stale of late) breakers.settle(stale, 'against');
    expect(kindOf()).toBe('closed');
  });

  test('that comes while open is dropped and does not dilute the failures counted later', async () => {
    const stale = Array.from({ length: 30 }, () => ticket());
    breakers.trip(low, 'generate', 'silent');
    for (const old of stale) breakers.settle(old, 'for');
    await settled();
    expect(kindOf()).toBe('open');
  });
});

describe('the probe', () => {
  beforeEach(() => {
    breakers.trip(low, 'generate', 'silent');
    pass(15_000);
  });

  test('is one: while it is in flight everybody else is refused', () => {
    expect(breakers.admit(low, 'generate').kind).toBe('probe');
    expect(breakers.admit(low, 'generate')).toEqual({ kind: 'rejected', reason: 'a probe is in flight', retryAt: undefined });
    expect(breakers.admission(low, 'generate')).toEqual({ kind: 'open', reason: 'a probe is in flight', retryAt: undefined });
  });

  test('is not taken by looking', () => {
    expect([kindOf(), kindOf()]).toEqual(['probe', 'probe']);
  });

  test('closes the breaker by succeeding, in a microtask, and nobody slips in before', async () => {
    breakers.settle(ticket(), 'for');
    expect(breakers.admit(low, 'generate').kind).toBe('rejected');
    await settled();
    expect(kindOf()).toBe('closed');
    expect(changes.map(({ from, to, at }) => [from, to, at])).toEqual([
      ['closed', 'open', 0],
      ['open', 'half-open', 15_000],
      ['half-open', 'closed', 15_000],
    ]);
  });

  test('opens it for twice as long by failing, up to five minutes, and the first success starts over', async () => {
    const waits = [30_000, 60_000, 120_000, 240_000, 300_000, 300_000];
    for (const waitMs of waits) {
      breakers.settle(ticket(), 'against');
      expect(breakers.admission(low, 'generate')).toMatchObject({ reason: 'the probe failed', retryAt: clock.now() + waitMs });
      pass(waitMs - 1);
      expect(kindOf()).toBe('open');
      pass(1);
      expect(kindOf()).toBe('probe');
    }
    breakers.settle(ticket(), 'for');
    await settled();
    breakers.trip(low, 'generate', 'silent');
    expect(breakers.admission(low, 'generate')).toMatchObject({ retryAt: clock.now() + 15_000 });
  });

  test('that was never sent, or whose answer says nothing about health, goes to the next call at once', () => {
    breakers.settle(ticket(), 'unused');
    expect(breakers.admit(low, 'generate').kind).toBe('probe');
  });

  test('that is cancelled re-opens without a longer wait, and a new probe is admitted after it', () => {
    breakers.settle(ticket(), 'ignored');
    expect(breakers.admission(low, 'generate')).toEqual({ kind: 'open', reason: 'the probe was cancelled', retryAt: 30_000 });
    pass(15_000);
    expect(breakers.admit(low, 'generate').kind).toBe('probe');
  });

  test('that never settles loses its token with its lease; what it says afterwards is dropped', async () => {
    const lost = ticket();
    pass(15 * 60_000);
    expect(changes.at(-1)).toMatchObject({ to: 'open', reason: 'the probe did not settle in time' });
    breakers.settle(lost, 'for');
    await settled();
    expect(kindOf()).toBe('open');
    pass(30_000);
    expect(breakers.admit(low, 'generate').kind).toBe('probe');
  });

  test('is outlived by a trip: its result is dropped and its lease ends no later probe', async () => {
    const outlived = ticket();
    breakers.trip(low, 'generate', 'the account has no credit');
    breakers.settle(outlived, 'for');
    await settled();
    expect(breakers.admission(low, 'generate')).toMatchObject({ kind: 'open', reason: 'the account has no credit' });
    expect(clock.timerCount).toBe(0);
  });

  test('leaves no timer behind once it has settled', async () => {
    breakers.settle(ticket(), 'for');
    await settled();
    expect(clock.timerCount).toBe(0);
  });

  test('by succeeding leaves the failures of the outage behind: the next failure alone does not open it again', async () => {
    for (let index = 0; index < 3; index += 1) {
      settle('for', 1, high);
      settle('against', 2, high);
    }
    settle('against', 1, high);
    expect(kindOf(high)).toBe('open');
    pass(15_000);
    breakers.settle(ticket(high), 'for');
    await settled();
    settle('against', 4, high);
    expect(kindOf(high)).toBe('closed');
  });
});

describe('what opossum is never told', () => {
  test('it is given no power over a call: no timeout, abort controller, error filter, cache or capacity', () => {
    breakers.trip(low, 'generate', 'silent');
    expect(given.options[0]).toMatchObject({ timeout: false, enableSnapshots: false, rollingPercentilesEnabled: false });
    for (const name of ['abortController', 'autoRenewAbortController', 'errorFilter', 'cache', 'coalesce', 'capacity']) {
      expect(given.options[0]).not.toHaveProperty(name);
    }
  });

  test('every breaker has an options object and a window of its own, since opossum writes into them', () => {
    breakers.trip(low, 'generate', 'silent');
    pass(15_000);
    breakers.settle(ticket(low), 'against');
    breakers.trip(high, 'generate', 'silent');
    expect(breakers.admission(high, 'generate')).toMatchObject({ retryAt: clock.now() + 15_000 });
    expect(given.options[0]?.rotateBucketController).not.toBe(given.options[1]?.rotateBucketController);
  });
});

describe('timers', () => {
  test('none runs before something opens, one per open breaker then, none after close', () => {
    settle('for', 20);
    settle('against', 3, high);
    expect(vi.getTimerCount()).toBe(0);
    breakers.trip(low, 'generate', 'silent');
    expect(vi.getTimerCount()).toBe(1);
    breakers.close();
    expect(vi.getTimerCount() + clock.timerCount).toBe(0);
    expect(breakers.admit(low, 'generate').kind).toBe('rejected');
  });

  test('at ten times the speed a reset of 15 s takes 1.5 s of the machine and is still called 15 s', () => {
    create({}, 10);
    breakers.trip(low, 'generate', 'silent');
    expect(breakers.admission(low, 'generate')).toMatchObject({ retryAt: 15_000 });
    clock.advance(15_000);
    vi.advanceTimersByTime(1_499);
    expect(kindOf()).toBe('open');
    vi.advanceTimersByTime(1);
    breakers.settle(ticket(), 'against');
    expect(breakers.admission(low, 'generate')).toMatchObject({ retryAt: 45_000 });
    vi.advanceTimersByTime(3_000);
    expect(kindOf()).toBe('probe');
  });

  test('an open breaker with a probe waiting does not keep the process alive', () => {
    const program = `
      import { createBreakers } from './src/execute/breakers.ts';
      import { systemClock } from './src/system/clock.ts';
      const breakers = createBreakers({ clock: systemClock(), onChange: () => {}, options: { firstResetMs: 1 } });
      breakers.trip('a@b', 'generate', 'silent');
      breakers.trip('c@d', 'generate', 'silent');
      setTimeout(() => { console.log(breakers.admit('a@b', 'generate').kind); breakers.trip('a@b', 'edit', 'x'); }, 20);
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8', timeout: 10_000 });
    expect(output.trim()).toBe('probe');
  });
});

describe('the snapshot', () => {
  test('has a row for every breaker that ever had evidence', () => {
    settle('for', 1, high);
    breakers.trip(low, 'generate', 'silent');
    expect(breakers.snapshot()).toEqual([
      { target: high, operation: 'generate', state: 'closed', reason: undefined, retryAt: undefined, openings: 0, isProbing: false },
      { target: low, operation: 'generate', state: 'open', reason: 'silent', retryAt: 15_000, openings: 1, isProbing: false },
    ]);
  });
});

test('options out of range are refused by name and value', () => {
  expect(() => create({ windowMs: 0 })).toThrow('windowMs must be positive and finite, got 0');
});

describe('what another process found', () => {
  const AWAY = { state: 'open', reason: 'found by another process: 5 failures in a row', waitMs: 40_000 } as const;
  const hearsay: boolean[] = [];
  beforeEach(() => {
    hearsay.length = 0;
    breakers = createBreakers({
      clock,
      onChange: (change, isHearsay) => {
        changes.push(change);
        hearsay.push(isHearsay);
      },
    });
  });

  test('opens here too, with its reason, until it may be tried there, and is no news', () => {
    breakers.heed(low, 'generate', AWAY);
    expect(breakers.admission(low, 'generate')).toEqual({ kind: 'open', reason: AWAY.reason, retryAt: 40_000 });
    pass(39_000);
    expect(kindOf()).toBe('open');
    pass(1_000);
    expect(kindOf()).toBe('probe');
    expect([changes.map(({ to }) => to), hearsay]).toEqual([
      ['open', 'half-open'],
      [true, true],
    ]);
  });

  test('closes what it opened, also in the middle of a probe, whose result then says nothing', async () => {
    breakers.heed(low, 'generate', AWAY);
    pass(40_000);
    const probe = ticket();
    breakers.heed(low, 'generate', { state: 'closed' });
    expect(kindOf()).toBe('closed');
    expect(changes.at(-1)).toMatchObject({ to: 'closed', reason: 'another process reached it' });
    expect(hearsay.at(-1)).toBe(true);
    breakers.settle(probe, 'against');
    await settled();
    expect(kindOf()).toBe('closed');
  });

  test('does not close what our own evidence opened', () => {
    settle('against', 5);
    breakers.heed(low, 'generate', { state: 'closed' });
    expect(kindOf()).toBe('open');
    expect(hearsay).toEqual([false]);
  });

  test('is news of our own once our own probe has decided', async () => {
    breakers.heed(low, 'generate', AWAY);
    pass(40_000);
    breakers.settle(ticket(), 'against');
    expect(breakers.admission(low, 'generate')).toMatchObject({ kind: 'open', reason: 'the probe failed' });
    expect(hearsay.at(-1)).toBe(false);
    breakers.heed(low, 'generate', { state: 'closed' });
    expect(kindOf()).toBe('open');
    pass(30_000);
    breakers.settle(ticket(), 'for');
    await settled();
    expect([kindOf(), hearsay.at(-1)]).toEqual(['closed', false]);
  });

  test('changes nothing where it is open already, and never waits longer than the longest wait', () => {
    settle('against', 5);
    breakers.heed(low, 'generate', AWAY);
    expect(breakers.admission(low, 'generate')).toMatchObject({ reason: '5 failures in a row', retryAt: 15_000 });
    breakers.heed(high, 'generate', { ...AWAY, waitMs: 1e9 });
    expect(breakers.admission(high, 'generate')).toMatchObject({ retryAt: 300_000 });
  });
});
