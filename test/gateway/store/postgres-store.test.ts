import { expect, it, onTestFinished } from 'vitest';
import { openPostgres, type PostgresOptions } from '../../../src/gateway/store/postgres/postgres.ts';
import { PostgresStore } from '../../../src/gateway/store/postgres/postgres-store.ts';
import type { Store } from '../../../src/gateway/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase, query } from '../../support/postgres.ts';
import { kill, postgresFor } from '../support/postgres-process.ts';
import { costOf, usd } from '../support/state-world.ts';
import { storeContract } from './contract.ts';

const clock = systemClock(1);
const NOON = 1_795_608_000_000;

async function opened(url: string, owner: string, changes: Partial<PostgresOptions> = {}): Promise<Store> {
  const store = new PostgresStore(await openPostgres({ url, clock, owner, silentMs: 0, connections: 4, ...changes }));
  onTestFinished(() => store.close());
  return store;
}

describePostgres('the PostgreSQL store', () => {
  storeContract(async () => {
    const url = await freshDatabase();
    const [mortal, lasting] = [await postgresFor(url, 'one'), await postgresFor(url, 'other')];
    const [one, other] = [new PostgresStore(mortal), new PostgresStore(lasting)];
    return {
      one,
      other,
      killOne: () => kill(url, mortal),
      close: async () => {
        await one.close().catch(() => undefined);
        await other.close();
      },
    };
  });

  it('is set up once, however many open an empty database at once', async () => {
    const url = await freshDatabase();
    // Whoever beats for the first time is heard of before it holds its lock: no silence at all would make it a dead one in between.
    const stores = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => opened(url, owner, { silentMs: 60_000 })));
    await Promise.all(stores.map((store) => store.beat(NOON)));
    expect(await query(url, 'SELECT count(*)::int AS n FROM image_router.version')).toEqual([{ n: 1 }]);
    expect(await query(url, 'SELECT count(*)::int AS n FROM image_router.owners')).toEqual([{ n: 4 }]);
  });

  it('counts once what a process noted that was taken for dead meanwhile, and noted again when it was back', async () => {
    const url = await freshDatabase();
    const store = await opened(url, 'one');
    const opening = [{ id: 'n', microUsd: usd(30) }];
    const batch = { id: 'note_1', principal: 'free', at: NOON, opened: opening, closed: [], spent: costOf(10) };
    await store.note(batch);
    await query(url, "SELECT image_router.resolve_left('one')");
    await store.note(batch);
    expect((await store.spendOf('free'))[0]).toMatchObject({ billed: 10, possiblyBilled: 30, reserved: 0 });
    // What marks it is taken away by the next, or by the calendar.
    await store.note({ ...batch, id: 'note_2', opened: [], closed: ['note_1'], spent: costOf(1) });
    await store.note({ ...batch, id: 'note_3', at: NOON + 3 * 86_400_000, opened: [], closed: [], spent: costOf(1) });
    expect(await query(url, 'SELECT id FROM image_router.reservations')).toEqual([{ id: 'note_3' }]);
  });

  it('leaves a database alone that a later version has written', async () => {
    const url = await freshDatabase();
    await (await openPostgres({ url, clock, owner: 'one' })).close();
    await query(url, 'UPDATE image_router.version SET steps = 99');
    await expect(openPostgres({ url, clock, owner: 'one' })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/version 99/),
    });
  });

  it('says what is wrong with a database that cannot be used', async () => {
    const url = 'postgres://nobody@127.0.0.1:1/none';
    await expect(openPostgres({ url, clock, owner: 'one' })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/the database cannot be used: .*ECONNREFUSED/),
    });
  });
});
