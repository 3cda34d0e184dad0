import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { Presence } from '../../../src/gateway/store/presence.ts';
import { migrate } from '../../../src/gateway/store/schema.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { costOf, dataFolder, usd } from '../support/state-world.ts';
import { storeContract } from './contract.ts';

const clock = systemClock(1);
const NOON = 1_795_608_000_000;

const sourceOf = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
/** `gate`: how many are ready; they open when all are. */
const OPEN_IN_A_THREAD = `
  (async () => {
    const { openSqliteStores } = await import(${sourceOf('gateway/store/open-sqlite.ts')});
    const { systemClock } = await import(${sourceOf('system/clock.ts')});
    const { dataDir, gate, all } = require('node:worker_threads').workerData;
    const owner = String(Atomics.add(gate, 0, 1));
    while (Atomics.load(gate, 0) < all);
    await openSqliteStores({ dataDir, clock: systemClock(1), owner }).store.close();
  })();`;

describe('the SQLite store', () => {
  storeContract(async () => {
    const dataDir = await dataFolder();
    const presence = new Presence(dataDir, 'one');
    const one = openSqliteStores({ dataDir, clock, owner: 'one', presence }).store;
    const other = openSqliteStores({ dataDir, clock, owner: 'other' }).store;
    return {
      one,
      other,
      // The kernel does the same to a process that ends.
      killOne: () => presence.leave(),
      close: async () => {
        await one.close().catch(() => undefined);
        await other.close();
      },
    };
  });

  it('can be read by its owner alone', async () => {
    const dataDir = join(await dataFolder(), 'data');
    const store = openSqliteStores({ dataDir, clock, owner: 'one' }).store;
    await store.beat(NOON);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    for (const name of ['gateway.sqlite', 'gateway.sqlite-wal', 'traces.sqlite'])
      expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('says what is wrong with a folder that cannot be used', async () => {
    const inTheWay = join(await dataFolder(), 'file');
    new DatabaseSync(inTheWay).exec('CREATE TABLE t (a)');
    expect(() => openSqliteStores({ dataDir: inTheWay, clock, owner: 'one' })).toThrow(/the data folder .*file cannot be used/);
  });

  it.runIf(process.platform === 'linux')('holds no file open in a folder of which it cannot use one', async () => {
    const dataDir = await dataFolder();
    await mkdir(join(dataDir, 'traces.sqlite'));
    expect(() => openSqliteStores({ dataDir, clock, owner: 'one' })).toThrow(/cannot be used/);
    const fds = await readdir('/proc/self/fd');
    const open = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    expect(open.filter((path) => path.startsWith(dataDir))).toEqual([]);
  });

  it('leaves a file alone that a later version has written', async () => {
    const dataDir = await dataFolder();
    new DatabaseSync(join(dataDir, 'gateway.sqlite')).exec('PRAGMA user_version = 99');
    expect(() => openSqliteStores({ dataDir, clock, owner: 'one' })).toThrow(/version 99/);
  });

  it('is of no use to a process whose file a later version has taken over, which is told so', async () => {
    const dataDir = await dataFolder();
    const store = openSqliteStores({ dataDir, clock, owner: 'one' }).store;
    await store.beat(NOON);
    new DatabaseSync(join(dataDir, 'gateway.sqlite')).exec('PRAGMA user_version = 99');
    await expect(store.beat(NOON)).rejects.toThrow(/later version.*restart/);
    await store.close();
  });

  it('is there for all who open an empty folder in one moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const data = { dataDir: await dataFolder(), gate: new Int32Array(new SharedArrayBuffer(4)), all: 4 };
      const openings = Array.from({ length: data.all }, () => new Worker(OPEN_IN_A_THREAD, { eval: true, workerData: data }));
      expect(await Promise.all(openings.map((opening) => once(opening, 'exit')))).toEqual(Array(data.all).fill([0]));
    }
  });

  it('is opened while somebody reads it for long, and holds up nobody who writes', async () => {
    const dataDir = await dataFolder();
    const one = openSqliteStores({ dataDir, clock, owner: 'one' }).store;
    await one.beat(NOON);
    const reader = new DatabaseSync(join(dataDir, 'gateway.sqlite'));
    reader.exec('BEGIN; SELECT * FROM owners');
    await one.beat(NOON);
    const opening = new Worker(OPEN_IN_A_THREAD, { eval: true, workerData: { dataDir, gate: new Int32Array(1), all: 1 } });
    let isOpen = false;
    opening.once('exit', () => {
      isOpen = true;
    });
    while (!isOpen) {
      await one.beat(NOON);
      await new Promise(setImmediate);
    }
    reader.close();
    await one.close();
  });

  it('takes a file of an earlier version further, with what is in it', async () => {
    const dataDir = await dataFolder();
    const file = new DatabaseSync(join(dataDir, 'gateway.sqlite'));
    migrate(file, 1);
    file.exec("INSERT INTO spend VALUES ('key', '2026-11', 1, 2, 0)");
    file.close();
    const store = openSqliteStores({ dataDir, clock, owner: 'one' }).store;
    expect(await store.spendOf('key')).toMatchObject([{ billed: 1, possiblyBilled: 2 }]);
    expect(await store.sharedSecret('later', () => Uint8Array.of(1))).toEqual(Uint8Array.of(1));
    await store.close();
  });

  it('has in the file itself what a process left in its log, once it is open', async () => {
    const dataDir = await dataFolder();
    const path = join(dataDir, 'gateway.sqlite');
    await openSqliteStores({ dataDir, clock, owner: 'before' }).store.close();
    // Never closed before the next one opens: as a killed one leaves it.
    const killed = new DatabaseSync(path);
    killed.exec("INSERT INTO spend VALUES ('key', '2026-11', 1, 2, 0)");
    const store = openSqliteStores({ dataDir, clock, owner: 'next' }).store;
    await copyFile(path, `${path}-alone`);
    const alone = new DatabaseSync(`${path}-alone`);
    expect(alone.prepare('SELECT billed FROM spend').all()).toEqual([{ billed: 1 }]);
    for (const database of [alone, killed]) database.close();
    await store.close();
  });

  it('waits for another process that writes, and holds up nobody who reads meanwhile', async () => {
    const dataDir = await dataFolder();
    const store = openSqliteStores({ dataDir, clock, owner: 'one' }).store;
    const another = new DatabaseSync(join(dataDir, 'gateway.sqlite'));
    another.exec('BEGIN IMMEDIATE');
    const reserved = store.reserve({
      id: 'a',
      principal: 'key',
      images: 1,
      microUsd: usd(5),
      limits: NO_LIMITS,
      at: NOON,
      keptBy: 'gateway',
    });
    expect(await store.spendOf('key')).toEqual([]);
    another.exec('COMMIT');
    expect(await reserved).toEqual({ kind: 'reserved' });
    await store.settle('a', costOf(4));
    another.close();
    await store.close();
  });

  it('keeps what it acknowledged when its process is killed, and what ran then is possibly billed at once', async () => {
    const dataDir = await dataFolder();
    const child = spawn(process.execPath, [new URL('./killed.ts', import.meta.url).pathname, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const store = openSqliteStores({ dataDir, clock, owner: 'next' }).store;
    await store.beat(NOON);
    expect((await store.spendOf('key'))[0]).toMatchObject({ billed: 40, possiblyBilled: 0, reserved: 100 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The killed one's clock may have run ahead by years: who is dead is not told by time.
    await store.beat(NOON);
    expect((await store.spendOf('key'))[0]).toMatchObject({ billed: 40, possiblyBilled: 100, reserved: 0 });
    const again = { principal: 'key', key: 'running', fingerprint: 'f', file: 'other', at: NOON };
    expect(await store.claim(again)).toMatchObject({ state: 'interrupted' });
    await store.close();
  });
});
