// Failure point 16 of the fault list: a database that is away, or hangs, or has no connection left.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client } from 'pg';
import { expect, it, onTestFinished, vi } from 'vitest';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { openPostgres, type PostgresOptions } from '../../../src/gateway/store/postgres/postgres.ts';
import { PostgresStore } from '../../../src/gateway/store/postgres/postgres-store.ts';
import type { Reservation, Store } from '../../../src/gateway/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase, query, remoteDatabase } from '../../support/postgres.ts';
import { ownCluster } from '../../support/postgres-cluster.ts';
import { kill, postgresFor } from '../support/postgres-process.ts';
import { costOf, usd } from '../support/state-world.ts';

const clock = systemClock(1);
const NOON = 1_795_608_000_000;
const UNAVAILABLE = { kind: 'unavailable' };
const SOON = { timeout: 20_000, interval: 50 };

async function opened(url: string, changes: Partial<PostgresOptions> = {}): Promise<Store> {
  const store = new PostgresStore(
    await openPostgres({ url, clock, owner: 'one', connections: 2, connectMs: 300, statementMs: 300, ...changes }),
  );
  onTestFinished(() => store.close());
  return store;
}

function reservation(id: string): Reservation {
  return { id, principal: 'key', images: 1, microUsd: usd(100), limits: NO_LIMITS, at: NOON, keptBy: 'gateway' };
}

describePostgres('a store whose database fails', () => {
  it('says so while it is down, keeps what it acknowledged, and goes on by itself when it is back', async () => {
    const cluster = await ownCluster();
    onTestFinished(() => cluster.remove());
    const store = await opened(cluster.url);
    await store.beat(NOON);
    await store.reserve(reservation('a'));
    await cluster.stop();
    await expect(store.reserve(reservation('b'))).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.spendOf('key')).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.beat(NOON)).rejects.toMatchObject(UNAVAILABLE);
    await cluster.start();
    await vi.waitFor(() => store.beat(NOON), SOON);
    expect(await store.reserve(reservation('c'))).toEqual({ kind: 'reserved' });
    await store.settle('a', costOf(40));
    expect((await store.spendOf('key'))[0]).toMatchObject({ billed: 40, possiblyBilled: 0, reserved: 100 });
  });

  it('gives up on a network that says nothing, and goes on when it speaks again', async () => {
    const { proxy, url } = await remoteDatabase();
    const store = await opened(url);
    await store.beat(NOON);
    proxy.block();
    await expect(store.reserve(reservation('a'))).rejects.toMatchObject(UNAVAILABLE);
    await expect(Promise.all([1, 2, 3, 4].map(() => store.spendOf('key')))).rejects.toMatchObject(UNAVAILABLE);
    proxy.mend();
    await vi.waitFor(() => store.beat(NOON), SOON);
    expect(await store.reserve(reservation('b'))).toEqual({ kind: 'reserved' });
  });

  it('outlives a connection that breaks in the middle of a transaction, while nothing is asked of it', async () => {
    const { proxy, direct, url } = await remoteDatabase();
    const postgres = await postgresFor(url, 'one');
    onTestFinished(() => postgres.close());
    const broken = postgres.database.transaction(async (run) => {
      await run('SELECT 1', []);
      proxy.cut();
      // The news of it arrives meanwhile.
      await query(direct, 'SELECT pg_sleep(0.1)');
      await run('SELECT 1', []);
    });
    await expect(broken).rejects.toMatchObject(UNAVAILABLE);
    proxy.mend();
    expect(await postgres.database.run('SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
  });

  it('goes on when a newer version changes its tables under what it had prepared on all its connections', async () => {
    const url = await freshDatabase();
    const postgres = await postgresFor(url, 'one');
    onTestFinished(() => postgres.close());
    const { database } = postgres;
    const ask = 'SELECT * FROM image_router.owners WHERE id = $1';
    const together = () => Promise.all(Array.from({ length: 10 }, () => database.run(ask, ['nobody'])));
    const inTransaction = () => database.transaction(async (run) => [await run('SELECT 1', []), await run(ask, ['nobody'])]);
    await together();
    await query(url, 'ALTER TABLE image_router.owners ADD COLUMN news text');
    expect((await together()).flat()).toEqual([]);
    await query(url, 'ALTER TABLE image_router.owners DROP COLUMN news');
    expect(await inTransaction()).toEqual([[{ '?column?': 1 }], []]);
  });

  it('closes in good time though nobody answers', async () => {
    const { proxy, url } = await remoteDatabase();
    const store = await opened(url);
    await store.beat(NOON);
    proxy.block();
    await store.close();
    await expect(store.spendOf('key')).rejects.toMatchObject(UNAVAILABLE);
  });

  it('takes nobody for dead who was cut off with it and is not back yet', async () => {
    const [near, far] = [await remoteDatabase(), await remoteDatabase()];
    const one = await opened(far.url, { silentMs: 3_000 });
    const other = await opened(near.urlOf(far.direct), { silentMs: 3_000, owner: 'other' });
    await one.beat(NOON);
    await other.beat(NOON);
    await one.reserve(reservation('a'));
    near.proxy.cut();
    far.proxy.cut();
    // As if it had lasted for half a minute.
    await query(far.direct, "UPDATE image_router.owners SET beat_at = beat_at - interval '30 seconds'");
    await query(far.direct, "UPDATE image_router.pulse SET since = since - interval '1 hour', seen = seen - interval '30 seconds'");
    await expect(other.beat(NOON)).rejects.toMatchObject(UNAVAILABLE);
    near.proxy.mend();
    await vi.waitFor(() => other.beat(NOON), SOON);
    expect((await other.spendOf('key'))[0]).toMatchObject({ possiblyBilled: 0, reserved: 100 });
    far.proxy.mend();
    await vi.waitFor(() => one.settle('a', costOf(10)), SOON);
    expect((await other.spendOf('key'))[0]).toMatchObject({ billed: 10, possiblyBilled: 0, reserved: 0 });
  });

  it('refuses within a known time when no connection is free, and serves again when one is', async () => {
    const url = await freshDatabase();
    const store = await opened(url, { statementMs: 5_000 });
    await store.reserve(reservation('a'));
    const blocker = new Client({ connectionString: url });
    await blocker.connect();
    await blocker.query('BEGIN; SELECT * FROM image_router.spend FOR UPDATE');
    const waiting = Promise.all([store.reserve(reservation('b')), store.reserve(reservation('c'))]);
    const held = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    await vi.waitFor(async () => expect(await query(url, held)).toEqual([{ n: 2 }]), SOON);
    await expect(store.spendOf('key')).rejects.toMatchObject(UNAVAILABLE);
    await blocker.query('COMMIT');
    await blocker.end();
    expect(await waiting).toEqual([{ kind: 'reserved' }, { kind: 'reserved' }]);
    expect((await store.spendOf('key'))[0]).toMatchObject({ reserved: 300 });
  });

  it('gives up a statement that takes too long, and leaves nothing of it', async () => {
    const url = await freshDatabase();
    const store = await opened(url);
    await store.reserve(reservation('a'));
    const blocker = new Client({ connectionString: url });
    await blocker.connect();
    await blocker.query('BEGIN; SELECT * FROM image_router.spend FOR UPDATE');
    await expect(store.reserve(reservation('b'))).rejects.toMatchObject(UNAVAILABLE);
    await blocker.query('COMMIT');
    await blocker.end();
    expect((await store.spendOf('key'))[0]).toMatchObject({ reserved: 100 });
  });

  it('is judged by others who have only just come, where somebody was there all along', async () => {
    const url = await freshDatabase();
    const [witness, mortal] = [await postgresFor(url, 'witness'), await postgresFor(url, 'mortal')];
    onTestFinished(() => witness.close());
    await witness.beat();
    const dying = new PostgresStore(mortal);
    await dying.reserve(reservation('a'));
    await kill(url, mortal);
    let lives = 0;
    await vi.waitFor(async () => {
      lives += 1;
      const judge = new PostgresStore(await postgresFor(url, `judge ${lives}`, { silentMs: 1_000 }));
      await judge.beat();
      const [row] = await judge.spendOf('key');
      await judge.close();
      expect(row).toMatchObject({ possiblyBilled: 100, reserved: 0 });
    }, SOON);
    expect(lives).toBeGreaterThan(1);
    await dying.close();
  });

  it('notices a gateway that was killed, by the end of its connection, and no other', async () => {
    const url = await freshDatabase();
    const store = await opened(url, { silentMs: 1_000 });
    const child = spawn(process.execPath, [new URL('./killed.ts', import.meta.url).pathname, url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const possibly = async (): Promise<number> => {
      await store.beat(NOON);
      return (await store.spendOf('key'))[0]?.possiblyBilled ?? 0;
    };
    expect(await possibly()).toBe(0);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await vi.waitFor(async () => expect(await possibly()).toBe(100), SOON);
    expect((await store.spendOf('key'))[0]).toMatchObject({ billed: 40, possiblyBilled: 100, reserved: 0 });
    const again = { principal: 'key', key: 'running', fingerprint: 'f', file: 'other', at: NOON };
    expect(await store.claim(again)).toMatchObject({ state: 'interrupted' });
  });
});
