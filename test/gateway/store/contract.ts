// What every store owes a gateway, as one suite: run it over each implementation. Two handles on one store are two gateways;
// `killOne` is the sudden end of the first, after which nothing of it is heard.
import fc from 'fast-check';
import { expect } from 'vitest';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { NewClaim, Reservation, Store, TraceRow } from '../../../src/gateway/store/store.ts';
import { lawsOf } from '../../support/laws.ts';
import { costOf, usd } from '../support/state-world.ts';

type Stores = { readonly one: Store; readonly other: Store; killOne(): void | Promise<void> };
export type OpenStores = () => Promise<Stores & { close(): Promise<void> }>;

const NOON = 1_795_608_000_000;
function reservation(id: string, changes: Partial<Reservation> = {}): Reservation {
  return { id, principal: 'key', images: 1, microUsd: usd(100), limits: NO_LIMITS, at: NOON, keptBy: 'gateway', ...changes };
}

function traceOf(id: string, principal = 'key'): TraceRow {
  return { id, principal, at: '2026-11-26T12:00:00.000Z', trace: JSON.stringify({ requestId: id, events: [] }) };
}
function claimOf(key: string, changes: Partial<NewClaim> = {}): NewClaim {
  return { principal: 'key', key, fingerprint: 'f', file: `file of ${key}`, at: NOON, ...changes };
}

type Used = { readonly requests: number; readonly images: number; readonly open: number };
const RATES = { ...NO_LIMITS, requestsPerMinute: 8, imagesPerMinute: 10, concurrent: 3 };
const isWithin = ({ requests, images, open }: Used): boolean => requests <= 8 && images <= 10 && open <= 3;

type RateStep = { readonly images: number; readonly first: boolean; readonly settles: boolean };
const rateSteps = fc.array(fc.record({ images: fc.integer({ min: 1, max: 4 }), first: fc.boolean(), settles: fc.boolean() }), {
  minLength: 1,
  maxLength: 16,
});

async function checkRates({ one, other }: Stores, principal: string, steps: readonly RateStep[]): Promise<void> {
  let used: Used = { requests: 0, images: 0, open: 0 };
  for (const [index, { images, first, settles }] of steps.entries()) {
    const id = `${principal}/${index}`;
    const next = { requests: used.requests + 1, images: used.images + images, open: used.open + 1 };
    const process = first ? one : other;
    const reserved = await process.reserve(reservation(id, { principal, limits: RATES, images }));
    expect(reserved.kind).toBe(isWithin(next) ? 'reserved' : 'over-limit');
    if (settles) await process.settle(id, costOf(1));
    if (isWithin(next)) used = settles ? { ...next, open: used.open } : next;
  }
}

export function storeContract(open: OpenStores): void {
  const law = lawsOf(open);

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
            const taken = await (first ? one : other).reserve(reservation(id, { principal, microUsd: usd(microUsd), limits }));
            const rows = await other.spendOf(principal);
            for (const row of rows) expect(row.billed + row.possiblyBilled + row.reserved).toBeLessThanOrEqual(1_000_000);
            if (taken.kind !== 'reserved') return;
            const spent = Math.floor(microUsd * share);
            settled += spent;
            await (first ? one : other).settle(id, costOf(spent));
          }),
        );
        for (const row of await one.spendOf(principal)) expect(row).toMatchObject({ billed: settled, reserved: 0 });
      }),
      { numRuns: 25 },
    );
  });

  law('a reservation that one limit refuses takes nothing from the others', async ({ one }) => {
    const limits = { ...NO_LIMITS, requestsPerMinute: 5, usdPerDay: 0.0001 };
    expect(await one.reserve(reservation('a', { limits, microUsd: usd(101) }))).toMatchObject({
      kind: 'over-limit',
      limit: 'usdPerDay',
      most: 100,
    });
    for (const id of ['b', 'c', 'd', 'e', 'f'])
      expect(await one.reserve(reservation(id, { limits, microUsd: usd(0) }))).toEqual({ kind: 'reserved' });
  });

  law('of a rate so much is in use that what is refused has no room, also between two requests', async ({ one }) => {
    const limits = { ...NO_LIMITS, requestsPerMinute: 3 };
    for (const id of ['a', 'b', 'c']) expect(await one.reserve(reservation(id, { limits }))).toEqual({ kind: 'reserved' });
    for (const passed of [0, 1, 1_000, 10_000, 19_999]) {
      const refused = await one.reserve(reservation('d', { limits, at: NOON + passed }));
      expect(refused).toMatchObject({ limit: 'requestsPerMinute', most: 3, asked: 1, used: 3, freesAt: NOON + 20_000 });
    }
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
    await one.settle('a', costOf(1));
    expect(await one.reserve(reservation('c', { limits }))).toEqual({ kind: 'reserved' });
  });

  law('a job that waits takes no place among concurrent requests', async ({ one, other }) => {
    const limits = { ...NO_LIMITS, concurrent: 1, usdPerDay: 0.0003 };
    expect(await one.reserve(reservation('a', { limits, keptBy: 'job' }))).toEqual({ kind: 'reserved' });
    expect(await one.reserve(reservation('b', { limits, keptBy: 'job' }))).toEqual({ kind: 'reserved' });
    expect(await other.reserve(reservation('c', { limits }))).toEqual({ kind: 'reserved' });
    expect(await other.reserve(reservation('d', { limits, keptBy: 'job' }))).toMatchObject({ limit: 'usdPerDay', used: 300 });
    await one.settle('a', costOf(7));
    expect((await one.spendOf('key'))[0]).toMatchObject({ billed: 7, possiblyBilled: 0, reserved: 200 });
  });

  law('a job that its gateway reserved for and died before it was accepted costs nothing', async (stores) => {
    const { one, other, killOne } = stores;
    await one.beat(NOON);
    await one.reserve(reservation('a', { keptBy: 'job' }));
    await killOne();
    await other.beat(NOON);
    expect((await other.spendOf('key'))[0]).toMatchObject({ billed: 0, possiblyBilled: 0, reserved: 0 });
  });

  law('settling twice counts once', async ({ one }) => {
    await one.reserve(reservation('a'));
    await one.settle('a', costOf(7, 3));
    await one.settle('a', costOf(7, 3));
    expect((await one.spendOf('key'))[0]).toMatchObject({ billed: 7, possiblyBilled: 3, reserved: 0 });
  });

  law('a settlement that comes late takes nobody else’s reservation, though its id is the same', async ({ one, other }) => {
    await one.reserve(reservation('a'));
    await one.settle('a', costOf(0));
    await other.reserve(reservation('a'));
    await one.settle('a', costOf(0));
    expect((await one.spendOf('key'))[0]).toMatchObject({ reserved: 100 });
  });

  law('requests, images and places never pass their limits, whatever the order', async (stores) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(rateSteps, async (steps) => {
        run += 1;
        await checkRates(stores, `rates ${run}`, steps);
      }),
      { numRuns: 25 },
    );
  });

  law('a clock that was set back leaves nobody without room', async ({ one }) => {
    const limits = { ...NO_LIMITS, requestsPerMinute: 1 };
    expect(await one.reserve(reservation('a', { limits, at: NOON + 3_600_000 }))).toEqual({ kind: 'reserved' });
    expect(await one.reserve(reservation('b', { limits, at: NOON }))).toEqual({ kind: 'reserved' });
    expect(await one.reserve(reservation('c', { limits, at: NOON }))).toMatchObject({ limit: 'requestsPerMinute', freesAt: NOON + 60_000 });
  });

  law('money that is only reserved may be free before its day ends; money that is spent is not', async ({ one }) => {
    const limits = { ...NO_LIMITS, usdPerDay: 0.0002 };
    await one.reserve(reservation('a', { limits, microUsd: usd(150) }));
    expect(await one.reserve(reservation('b', { limits }))).toMatchObject({ used: 150, asked: 100, most: 200, freesAt: undefined });
    await one.settle('a', costOf(100, 50));
    expect(await one.reserve(reservation('b', { limits }))).toMatchObject({ used: 150, freesAt: Date.UTC(2026, 10, 26) });
  });

  law('what a killed gateway left counts as possibly billed, its claims as interrupted, and its places are free', async (stores) => {
    const { one, other, killOne } = stores;
    const limits = { ...NO_LIMITS, concurrent: 1 };
    await one.beat(NOON);
    await one.reserve(reservation('a', { limits }));
    await one.claim(claimOf('k'));
    await one.note({ id: 'note', principal: 'free', at: NOON, opened: [{ id: 'n', microUsd: usd(30) }], closed: [], spent: costOf(5) });
    await killOne();
    await other.beat(NOON);
    expect((await other.spendOf('key'))[0]).toMatchObject({ billed: 0, possiblyBilled: 100, reserved: 0 });
    expect((await other.spendOf('free'))[0]).toMatchObject({ billed: 5, possiblyBilled: 30, reserved: 0 });
    expect(await other.claim(claimOf('k'))).toMatchObject({ state: 'interrupted', isOurs: false });
    expect(await other.reserve(reservation('b', { limits }))).toEqual({ kind: 'reserved' });
  });

  law('a gateway that lives is never taken for dead, however long it says nothing', async ({ one, other }) => {
    await one.beat(NOON);
    await one.reserve(reservation('a'));
    await one.claim(claimOf('k'));
    await other.beat(NOON + 86_400_000);
    expect((await other.spendOf('key'))[0]).toMatchObject({ possiblyBilled: 0, reserved: 100 });
    expect(await other.claim(claimOf('k'))).toMatchObject({ state: 'running' });
  });

  law('a gateway that closes leaves nothing open behind', async ({ one, other }) => {
    await one.reserve(reservation('a'));
    await one.claim(claimOf('k'));
    await one.close();
    expect((await other.spendOf('key'))[0]).toMatchObject({ possiblyBilled: 100, reserved: 0 });
    expect(await other.claim(claimOf('k'))).toMatchObject({ state: 'interrupted' });
    await expect(one.settle('a', costOf(1))).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(one.spendOf('key')).rejects.toMatchObject({ kind: 'unavailable' });
  });

  law('what was noted twice counts once', async ({ one }) => {
    const batch = { id: 'first', principal: 'free', at: NOON, opened: [{ id: 'n', microUsd: usd(30) }], closed: [], spent: costOf(3, 4) };
    await one.note(batch);
    await one.note(batch);
    expect((await one.spendOf('free'))[0]).toMatchObject({ billed: 3, possiblyBilled: 4, reserved: 30 });
    await one.note({ ...batch, id: 'second', opened: [], closed: ['n', 'first'], spent: costOf(20) });
    expect((await one.spendOf('free'))[0]).toMatchObject({ billed: 23, possiblyBilled: 4, reserved: 0 });
  });

  law('a claim belongs to one of two gateways that ask at once', async ({ one, other }) => {
    const claims = await Promise.all([one.claim(claimOf('k')), other.claim(claimOf('k'))]);
    expect(claims.filter((found) => found === undefined)).toHaveLength(1);
    expect(claims.find((found) => found !== undefined)).toMatchObject({ state: 'running', isOurs: false, fingerprint: 'f' });
  });

  law('a claim given up is anybody’s again', async ({ one, other }) => {
    await one.claim(claimOf('k'));
    await one.abandonClaim('key', 'k');
    expect(await other.claim(claimOf('k'))).toBeUndefined();
  });

  law('an answer is found again, and forgotten when it is old or there is too much', async ({ one, other }) => {
    for (const [index, key] of ['a', 'b', 'c'].entries()) {
      await one.claim(claimOf(key, { file: key, at: NOON + index }));
      await one.completeClaim('key', key, { status: 200, headers: { a: 'b' }, bytes: 10 });
    }
    const found = await other.claim(claimOf('a'));
    expect(found).toEqual({ fingerprint: 'f', state: 'done', isOurs: false, status: 200, headers: { a: 'b' }, file: 'a' });
    expect(await other.answerFiles()).toEqual(new Set(['a', 'b', 'c']));
    expect(await other.sweepClaims(NOON + 1, 1_000)).toEqual(['a']);
    expect(await other.sweepClaims(0, 15)).toEqual(['b']);
    expect(await one.answerFiles()).toEqual(new Set(['c']));
  });

  law(
    'an answer that had to make room leaves its claim behind: it may be asked for again, and must not be made again',
    async ({ one, other }) => {
      for (const key of ['a', 'b']) {
        await one.claim(claimOf(key, { file: key }));
        await one.completeClaim('key', key, { status: 200, headers: {}, bytes: 10 });
      }
      expect(await other.sweepClaims(0, 15)).toEqual(['a']);
      expect(await other.claim(claimOf('a'))).toMatchObject({ state: 'done', fingerprint: 'f' });
      expect(await other.sweepClaims(0, 15)).toEqual([]);
    },
  );

  law('a claim that runs is never forgotten', async ({ one, other }) => {
    await one.claim(claimOf('k'));
    expect(await other.sweepClaims(NOON + 86_400_000, 0)).toEqual([]);
    expect(await other.claim(claimOf('k'))).toMatchObject({ state: 'running' });
  });

  law('traces are found by id until they are old', async ({ one, other }) => {
    await one.keepTraces([traceOf('req_1')]);
    expect(await other.findTrace('req_1')).toMatchObject({ principal: 'key', trace: { requestId: 'req_1' } });
    await other.sweepTraces('2026-11-26T12:00:01.000Z', 10);
    expect(await one.findTrace('req_1')).toBeUndefined();
  });

  law('of traces the newest are kept when there are too many', async ({ one }) => {
    await one.keepTraces(['a', 'b', 'c'].map((id) => traceOf(id)));
    await one.sweepTraces('', 2);
    const found = await Promise.all(['a', 'b', 'c'].map((id) => one.findTrace(id)));
    expect(found.map((kept) => kept?.trace.requestId)).toEqual([undefined, 'b', 'c']);
  });

  law('a principal’s traces and ended answers are forgotten when it asks, and nobody else’s', async ({ one, other }) => {
    for (const principal of ['key', 'stranger']) {
      await one.keepTraces([traceOf(`req_${principal}`, principal)]);
      await one.claim({ principal, key: 'a', fingerprint: 'f', file: `file_${principal}`, at: NOON });
      await one.completeClaim(principal, 'a', { status: 200, headers: {}, bytes: 5 });
    }
    await one.claim({ principal: 'key', key: 'runs', fingerprint: 'f', file: 'file_runs', at: NOON });
    expect(await other.forget('key')).toEqual(['file_key']);
    expect(await one.findTrace('req_key')).toBeUndefined();
    expect(await one.findTrace('req_stranger')).toBeDefined();
    expect([...(await one.answerFiles())].sort()).toEqual(['file_runs', 'file_stranger']);
  });

  law('a shared secret is made once, and is the same for everybody', async ({ one, other }) => {
    const asked = await Promise.all([one, other, one].map((store, index) => store.sharedSecret('links', () => Uint8Array.of(index, 7))));
    expect(new Set(asked.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1);
    expect(await other.sharedSecret('links', () => Uint8Array.of(9))).toEqual(asked[0]);
    expect(await other.sharedSecret('others', () => Uint8Array.of(9))).toEqual(Uint8Array.of(9));
  });

  law('a key is found as it was made, and revoked once', async ({ one, other }) => {
    const limits = { ...NO_LIMITS, usdPerDay: 1.5, policies: ['chat'] };
    const salts = { salt: Uint8Array.of(1, 2), hash: Uint8Array.of(3) };
    const key = { id: 'a', name: 'n', ...salts, scopes: ['images' as const], limits, createdAt: NOON, revokedAt: undefined };
    await one.addKey(key);
    expect(await other.findKey('a')).toEqual(key);
    expect(await other.findKey("a' OR '1'='1")).toBeUndefined();
    expect([await one.revokeKey('a', NOON + 1), await other.revokeKey('a', NOON + 2), await one.revokeKey('b', NOON)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await one.listKeys()).toEqual([{ ...key, revokedAt: NOON + 1 }]);
  });
}
