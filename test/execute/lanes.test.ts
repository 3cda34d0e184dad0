import { describe, expect, test } from 'vitest';
import { targetId } from '../../src/domain/route.ts';
import { EndpointIdSchema, RouteIdSchema } from '../../src/domain/vocabulary.ts';
import { createLanes, type Lanes, type Slot } from '../../src/execute/lanes.ts';

const endpoint = EndpointIdSchema.parse('openai');
const low = targetId(RouteIdSchema.parse('gpt-image-2-low'), endpoint);
const high = targetId(RouteIdSchema.parse('gpt-image-2-high'), endpoint);
const never = new AbortController().signal;

function lanesOf(concurrency: number, maxWaiting?: number): Lanes {
  return createLanes({ concurrencyOf: () => concurrency, ...(maxWaiting === undefined ? {} : { maxWaiting }) });
}

async function slotIn(lanes: Lanes, target = low, signal = never): Promise<Slot> {
  const entered = await lanes.enter(target, { priority: 0, signal });
  if (typeof entered === 'string') throw new RangeError(`expected a slot, got ${entered}`);
  return entered;
}

/** Enters without waiting for the slot; names are noted in the order in which they get one, and give it back. */
function queueUp(lanes: Lanes, order: string[], name: string, priority = 0, signal = never): Promise<string> {
  return lanes.enter(low, { priority, signal }).then((entered) => {
    if (typeof entered === 'string') return entered;
    order.push(name);
    entered.release();
    return 'ran';
  });
}

describe('a lane', () => {
  test('never lets more run than its target allows', async () => {
    const lanes = lanesOf(2);
    let running = 0;
    let most = 0;
    const calls = Array.from({ length: 50 }, async () => {
      const slot = await slotIn(lanes);
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      slot.release();
    });
    await Promise.all(calls);
    expect(most).toBe(2);
  });

  test('serves higher priority first, and the first come first among equals', async () => {
    const lanes = lanesOf(1);
    const holder = await slotIn(lanes);
    const order: string[] = [];
    const all = [
      queueUp(lanes, order, 'batch', -1),
      queueUp(lanes, order, 'first'),
      queueUp(lanes, order, 'second'),
      queueUp(lanes, order, 'urgent', 5),
      queueUp(lanes, order, 'third'),
    ];
    holder.release();
    await Promise.all(all);
    expect(order).toEqual(['urgent', 'first', 'second', 'third', 'batch']);
  });

  test('knows how many go before whoever comes with a priority', async () => {
    const lanes = lanesOf(1);
    expect(lanes.ahead(low, 0)).toBe(0);
    const holder = await slotIn(lanes);
    const leaving = new AbortController();
    const all = [queueUp(lanes, [], 'batch', -200), queueUp(lanes, [], 'job', -100), queueUp(lanes, [], 'person')];
    const gone = queueUp(lanes, [], 'another', 0, leaving.signal);
    expect([-200, -100, 0, 5].map((priority) => lanes.ahead(low, priority))).toEqual([4, 3, 2, 0]);
    leaving.abort();
    await gone;
    expect(lanes.ahead(low, 0)).toBe(1);
    holder.release();
    await Promise.all(all);
    expect(lanes.ahead(low, -200)).toBe(0);
  });

  test('is full at once when too many wait, and open again when one has left', async () => {
    const lanes = lanesOf(1, 1);
    const holder = await slotIn(lanes);
    const waiting = queueUp(lanes, [], 'waiting');
    expect(await lanes.enter(low, { priority: 9, signal: never })).toBe('full');
    expect(lanes.depth(low)).toEqual({ running: 1, waiting: 1 });
    holder.release();
    expect(await waiting).toBe('ran');
    (await slotIn(lanes)).release();
  });

  test('without waiting places serves or refuses', async () => {
    const lanes = lanesOf(1, 0);
    const slot = await slotIn(lanes);
    expect(await lanes.enter(low, { priority: 0, signal: never })).toBe('full');
    slot.release();
    await lanes.idle();
    (await slotIn(lanes)).release();
  });

  test('of one target does not hold up another', async () => {
    const lanes = lanesOf(1);
    await slotIn(lanes, low);
    await slotIn(lanes, high);
    expect([lanes.depth(low).running, lanes.depth(high).running]).toEqual([1, 1]);
  });
});

describe('a caller who leaves', () => {
  test('while waiting is let go at once and takes no place any more', async () => {
    const lanes = lanesOf(1);
    const holder = await slotIn(lanes);
    const leaving = new AbortController();
    const order: string[] = [];
    const gone = queueUp(lanes, order, 'gone', 5, leaving.signal);
    const next = queueUp(lanes, order, 'next');
    leaving.abort();
    expect(lanes.depth(low)).toEqual({ running: 1, waiting: 1 });
    expect(await gone).toBe('aborted');
    holder.release();
    await next;
    expect(order).toEqual(['next']);
  });

  test('before entering never makes a lane', async () => {
    const lanes = createLanes({
      concurrencyOf: () => {
        throw new RangeError('no lane was needed');
      },
    });
    expect(await lanes.enter(low, { priority: 0, signal: AbortSignal.abort() })).toBe('aborted');
    expect(lanes.depth(low)).toEqual({ running: 0, waiting: 0 });
  });

  test('while his call runs does not free its slot: only release does', async () => {
    const lanes = lanesOf(1);
    const caller = new AbortController();
    const slot = await slotIn(lanes, low, caller.signal);
    const order: string[] = [];
    const second = queueUp(lanes, order, 'second');
    caller.abort();
    // More turns of the microtask queue than p-queue needs to start the next task.
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    expect(order).toEqual([]);
    expect(lanes.depth(low)).toEqual({ running: 1, waiting: 1 });
    slot.release();
    expect(await second).toBe('ran');
  });
});

describe('a slot', () => {
  test('released twice is given back once', async () => {
    const lanes = lanesOf(1);
    const first = await slotIn(lanes);
    first.release();
    const second = await slotIn(lanes);
    first.release();
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    expect(lanes.depth(low).running).toBe(1);
    second.release();
  });

  test('and every waiter must be gone before the lanes are idle', async () => {
    const lanes = lanesOf(1);
    await lanes.idle();
    const slot = await slotIn(lanes);
    const order: string[] = [];
    const waiting = queueUp(lanes, order, 'waiting');
    const idle = lanes.idle().then(() => order.push('idle'));
    slot.release();
    await Promise.all([waiting, idle]);
    expect(order).toEqual(['waiting', 'idle']);
    expect(lanes.depth(low)).toEqual({ running: 0, waiting: 0 });
  });
});

test('ten thousand waiters can leave or be served, and nothing is left', async () => {
  const lanes = lanesOf(1);
  const holder = await slotIn(lanes);
  const leaving = new AbortController();
  const order: string[] = [];
  const all = Array.from({ length: 10_000 }, (_, index) => queueUp(lanes, order, `${index}`, 0, index % 2 ? leaving.signal : never));
  expect(await lanes.enter(low, { priority: 0, signal: never })).toBe('full');
  leaving.abort();
  expect(lanes.depth(low).waiting).toBe(5_000);
  holder.release();
  await Promise.all(all);
  await lanes.idle();
  expect(order).toHaveLength(5_000);
  expect(lanes.depth(low)).toEqual({ running: 0, waiting: 0 });
});

test('a number of waiting places that cannot be is refused by value', () => {
  for (const maxWaiting of [-1, 1.5, Number.NaN]) expect(() => lanesOf(1, maxWaiting)).toThrow(`got ${maxWaiting}`);
});
