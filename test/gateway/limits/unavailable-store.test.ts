import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import { createGatekeeper, LOOPBACK } from '../../../src/gateway/gatekeeper.ts';
import { createKeyRing } from '../../../src/gateway/keys/key-ring.ts';
import { LoopbackLedger } from '../../../src/gateway/limits/loopback-ledger.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { Reservations } from '../../../src/gateway/limits/reservations.ts';
import type { Principal } from '../../../src/gateway/ports.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { admitted, ask, bearer, costOf, dataFolder, overlaid } from '../support/state-world.ts';

const ME: Principal = { id: 'me', scopes: ['images'], limits: NO_LIMITS };

/** A gatekeeper over a true store whose disk can be filled. */
async function world() {
  const clock = manualClock();
  const inner = openSqliteStores({ dataDir: await dataFolder(), clock, owner: 'one' }).store;
  let isFull = false;
  let lost: 'after it was taken' | 'before it was taken' | undefined;
  let isMute = false;
  let late = async (): Promise<unknown> => undefined;
  const unlessFull = <Told>(run: () => Promise<Told>): Promise<Told> => (isFull ? Promise.reject(new StoreError('full')) : run());
  const store = overlaid(inner, {
    findKey: (id) => unlessFull(() => inner.findKey(id)),
    reserve: (reservation) =>
      unlessFull(async () => {
        const arrive = () => inner.reserve(reservation);
        const how = lost;
        lost = undefined;
        if (how === undefined) return arrive();
        if (how === 'after it was taken') await arrive();
        else late = arrive;
        throw new StoreError('no answer', { mayBeWritten: true });
      }),
    settle: (id, cost) =>
      unlessFull(async () => {
        await inner.settle(id, cost);
        if (isMute) throw new StoreError('no answer', { mayBeWritten: true });
      }),
    note: (batch) => unlessFull(() => inner.note(batch)),
  });
  const troubles: unknown[] = [];
  const loopback = new LoopbackLedger({
    store,
    clock,
    ids: systemIds(),
    principal: LOOPBACK.id,
    onTrouble: (error) => troubles.push(error),
  });
  const reservations = new Reservations(store);
  const keys = createKeyRing(store, clock, systemSecrets());
  const gatekeeper = createGatekeeper({ keys, clock, loopback, reservations, requireKeys: true });
  const fill = (full: boolean): void => {
    isFull = full;
  };
  /** The answer to what is reserved next is lost. */
  const lose = (how: 'after it was taken' | 'before it was taken'): void => {
    lost = how;
  };
  /** Whether the store says nothing of what it settled. */
  const mute = (is: boolean): void => {
    isMute = is;
  };
  /** What a database goes on with though its asker has gone. */
  const arrive = (): Promise<unknown> => late();
  return { clock, store, loopback, reservations, gatekeeper, troubles, fill, lose, mute, arrive, turn: () => new Promise(setImmediate) };
}

describe('while the store takes nothing', () => {
  it('nothing is begun, and the caller may come back', async () => {
    const { gatekeeper, fill } = await world();
    fill(true);
    expect(await gatekeeper.admit(ME, ask('a'))).toMatchObject({ status: 503, code: 'store_unavailable', retryAfterMs: 5_000 });
    expect(await gatekeeper.authenticate(bearer(`ir_0123456789abcdef_${'a'.repeat(43)}`))).toMatchObject({ status: 503 });
  });

  it.each(['after it was taken', 'before it was taken'] as const)(
    'what was reserved though nobody was told is given back: its answer lost %s',
    async (how) => {
      const { gatekeeper, reservations, store, lose, arrive, turn } = await world();
      lose(how);
      expect(await gatekeeper.admit(ME, ask('a'))).toMatchObject({ status: 503, code: 'store_unavailable' });
      await turn();
      await reservations.retry();
      await arrive();
      for (let beat = 2; beat <= 4; beat += 1) await reservations.retry();
      expect((await store.spendOf('me'))[0]).toMatchObject({ billed: 0, reserved: 0 });
      admitted(await gatekeeper.admit(ME, ask('a')));
    },
  );

  it('a repeat under the same id begins once what it repeats is let go of, and keeps its own reservation', async () => {
    const { gatekeeper, reservations, store, mute } = await world();
    const first = admitted(await gatekeeper.admit(ME, ask('a')));
    mute(true);
    await expect(first.settle(costOf(0))).rejects.toMatchObject({ kind: 'unavailable' });
    mute(false);
    expect(await gatekeeper.admit(ME, ask('a'))).toMatchObject({ status: 503, code: 'store_unavailable' });
    await reservations.retry();
    admitted(await gatekeeper.admit(ME, ask('a')));
    await reservations.retry();
    expect((await store.spendOf('me'))[0]).toMatchObject({ billed: 0, reserved: 6_000 });
  });

  it('of two repeats at once the one whose answer is lost does not let go of what the other reserved', async () => {
    const { gatekeeper, reservations, store, lose } = await world();
    lose('before it was taken');
    const asked = await Promise.all([gatekeeper.admit(ME, ask('a')), gatekeeper.admit(ME, ask('a')), gatekeeper.admit(ME, ask('a'))]);
    expect(asked.map((answer) => 'status' in answer && answer.status)).toEqual([503, 503, 503]);
    for (let beat = 1; beat <= 4; beat += 1) await reservations.retry();
    const again = await Promise.all([gatekeeper.admit(ME, ask('a')), gatekeeper.admit(ME, ask('a'))]);
    expect(again.map((answer) => 'status' in answer)).toEqual([false, true]);
    expect((await store.spendOf('me'))[0]).toMatchObject({ billed: 0, reserved: 6_000 });
  });

  it('a keyed caller’s spend is kept, and in the books when it does again', async () => {
    const { gatekeeper, reservations, store, fill } = await world();
    const lease = admitted(await gatekeeper.admit(ME, ask('a')));
    fill(true);
    await expect(lease.settle(costOf(40))).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(reservations.retry()).rejects.toMatchObject({ kind: 'unavailable' });
    expect((await store.spendOf('me'))[0]).toMatchObject({ billed: 0, reserved: 6_000 });
    fill(false);
    await reservations.retry();
    await reservations.retry();
    expect((await store.spendOf('me'))[0]).toMatchObject({ billed: 40, reserved: 0 });
  });

  it('spend without limits is kept too, told once, and nothing new is begun until it is written', async () => {
    const { gatekeeper, loopback, store, troubles, fill, clock, turn } = await world();
    const open = async (id: string) => admitted(await gatekeeper.admit(LOOPBACK, ask(id)));
    const [early, late] = [await open('early'), await open('late')];
    await loopback.flush();
    fill(true);
    const during = await open('during');
    await early.settle(costOf(5));
    clock.advance(200);
    await turn();
    await during.settle(costOf(7));
    clock.advance(200);
    await turn();
    expect(troubles).toHaveLength(1);
    expect(await gatekeeper.admit(LOOPBACK, ask('new'))).toMatchObject({ status: 503 });
    fill(false);
    await loopback.flush();
    expect((await store.spendOf('loopback'))[0]).toMatchObject({ billed: 12, reserved: 6_000 });
    await late.settle(costOf(1));
    await loopback.flush();
    expect((await store.spendOf('loopback'))[0]).toMatchObject({ billed: 13, reserved: 0 });
    await open('new');
  });
});
