// What every store owes a gateway, as one suite: run it over each implementation. Two handles on one store are two gateways.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Cost } from '../../../src/domain/result.ts';
import { NO_LIMITS } from '../../../src/gateway/store/sqlite-store.ts';
import type { Reservation, Store } from '../../../src/gateway/store/store.ts';

export type OpenStores = () => Promise<{ readonly one: Store; readonly other: Store; close(): Promise<void> }>;

const NOON = 1_795_608_000_000;
const cost = (billed: number, possibly = 0): Cost => ({
  billed: billed as Cost['billed'],
  possiblyBilled: possibly as Cost['possiblyBilled'],
});

function reservation(id: string, changes: Partial<Reservation> = {}): Reservation {
  return { id, principal: 'key', images: 1, microUsd: 100, limits: NO_LIMITS, at: NOON, ...changes };
}

export function storeContract(open: OpenStores): void {
  const law = (name: string, check: (stores: { one: Store; other: Store }) => Promise<void>): void => {
    it(name, async () => {
      const stores = await open();
      try {
        await check(stores);
      } finally {
        await stores.close();
      }
    });
  };

  law('spend never passes a limit, however two gateways reserve and settle', async ({ one, other }) => {
    let run = 0;
    const step = fc.record({
      microUsd: fc.integer({ min: 1, max: 400_000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      first: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        run += 1;
        const principal = `key ${run}`;
        const limits = { ...NO_LIMITS, usdPerDay: 1, usdPerMonth: 1.2 };
        let settled = 0;
        await Promise.all(
          steps.map(async ({ microUsd, share, first }, index) => {
            const id = `${principal}/${index}`;
            const taken = await (first ? one : other).reserve(reservation(id, { principal, microUsd, limits }));
            const rows = await other.spendOf(principal);
            for (const row of rows) expect(row.billed + row.possiblyBilled + row.reserved).toBeLessThanOrEqual(1_000_000);
            if (taken.kind !== 'reserved') return;
            const spent = Math.floor(microUsd * share);
            settled += spent;
            await (first ? other : one).settle(id, cost(spent));
          }),
        );
        for (const row of await one.spendOf(principal)) expect(row).toMatchObject({ billed: settled, reserved: 0 });
      }),
      { numRuns: 25 },
    );
  });

  law('a reservation that one limit refuses takes nothing from the others', async ({ one }) => {
    const limits = { ...NO_LIMITS, requestsPerMinute: 5, usdPerDay: 0.0001 };
    expect(await one.reserve(reservation('a', { limits, microUsd: 101 }))).toMatchObject({
      kind: 'over-limit',
      limit: 'usdPerDay',
      most: 100,
    });
    for (const id of ['b', 'c', 'd', 'e', 'f'])
      expect(await one.reserve(reservation(id, { limits, microUsd: 0 }))).toEqual({ kind: 'reserved' });
  });

  law('a rate says when there is room again, and there is', async ({ one, other }) => {
    const limits = { ...NO_LIMITS, imagesPerMinute: 6 };
    expect(await one.reserve(reservation('a', { limits, images: 6 }))).toEqual({ kind: 'reserved' });
    const refused = await other.reserve(reservation('b', { limits, images: 2 }));
    expect(refused).toMatchObject({ kind: 'over-limit', limit: 'imagesPerMinute', most: 6, used: 6, freesAt: NOON + 20_000 });
    expect(await other.reserve(reservation('b', { limits, images: 2, at: NOON + 20_000 }))).toEqual({ kind: 'reserved' });
  });

  law('a place among concurrent requests is free again when one of them ends', async ({ one, other }) => {
    const limits = { ...NO_LIMITS, concurrent: 2 };
    await one.reserve(reservation('a', { limits }));
    await other.reserve(reservation('b', { limits }));
    expect(await one.reserve(reservation('c', { limits }))).toMatchObject({ kind: 'over-limit', limit: 'concurrent', most: 2, used: 2 });
    await other.settle('a', cost(1));
    expect(await one.reserve(reservation('c', { limits }))).toEqual({ kind: 'reserved' });
  });

  law('settling twice counts once', async ({ one, other }) => {
    await one.reserve(reservation('a'));
    await one.settle('a', cost(7, 3));
    await other.settle('a', cost(7, 3));
    expect((await one.spendOf('key'))[0]).toMatchObject({ billed: 7, possiblyBilled: 3, reserved: 0 });
  });

  law(
    'what a dead gateway left behind counts as possibly billed, its claims as interrupted, and its places are free',
    async ({ one, other }) => {
      await one.beat(NOON, NOON - 15_000);
      await one.reserve(reservation('a', { limits: { ...NO_LIMITS, concurrent: 1 } }));
      await one.claim('key', 'k', 'f', NOON);
      await other.beat(NOON + 20_000, NOON + 5_000);
      expect((await other.spendOf('key'))[0]).toMatchObject({ billed: 0, possiblyBilled: 100, reserved: 0 });
      expect(await other.findClaim('key', 'k')).toMatchObject({ state: 'interrupted' });
      expect(await other.reserve(reservation('b', { limits: { ...NO_LIMITS, concurrent: 1 } }))).toEqual({ kind: 'reserved' });
    },
  );

  law('a claim belongs to one of two gateways that ask at once', async ({ one, other }) => {
    const claims = await Promise.all([one.claim('key', 'k', 'f', NOON), other.claim('key', 'k', 'f', NOON)]);
    expect(claims.filter((found) => found === undefined)).toHaveLength(1);
    expect(claims.find((found) => found !== undefined)).toMatchObject({ state: 'running', fingerprint: 'f' });
  });

  law('an answer is found again, and forgotten when it is old or there is too much', async ({ one, other }) => {
    for (const [index, key] of ['a', 'b', 'c'].entries()) {
      await one.claim('key', key, 'f', NOON + index);
      await one.completeClaim('key', key, { status: 200, headers: { a: 'b' }, file: key, bytes: 10 });
    }
    expect(await other.findClaim('key', 'a')).toEqual({ fingerprint: 'f', state: 'done', status: 200, headers: { a: 'b' }, file: 'a' });
    expect(await other.sweepClaims(NOON + 1, 1_000)).toEqual(['a']);
    expect(await other.sweepClaims(0, 15)).toEqual(['b']);
    expect(await one.findClaim('key', 'c')).toMatchObject({ file: 'c' });
  });

  law('traces are found by id until they are old', async ({ one, other }) => {
    await one.keepTraces([{ principal: 'key', at: '2026-11-26T12:00:00.000Z', trace: { requestId: 'req_1', events: [] } }]);
    expect(await other.findTrace('req_1')).toMatchObject({ principal: 'key', trace: { requestId: 'req_1' } });
    await other.sweepTraces('2026-11-26T12:00:01.000Z');
    expect(await one.findTrace('req_1')).toBeUndefined();
  });
}
