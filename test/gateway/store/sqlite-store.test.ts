import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../../src/gateway/store/sqlite-store.ts';
import { periodEnd, periodsOf } from '../../../src/gateway/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { storeContract } from './contract.ts';

const clock = systemClock(1);

describe('the SQLite store', () => {
  storeContract(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'image-router-store-'));
    const one = openSqliteStore({ dataDir, clock, owner: 'one' });
    const other = openSqliteStore({ dataDir, clock, owner: 'other' });
    return {
      one,
      other,
      close: async () => {
        await one.close();
        await other.close();
        await rm(dataDir, { recursive: true });
      },
    };
  });

  it('can be read by its owner alone', async () => {
    const dataDir = join(await mkdtemp(join(tmpdir(), 'image-router-store-')), 'data');
    const store = openSqliteStore({ dataDir, clock, owner: 'one' });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dataDir, 'gateway.sqlite'))).mode & 0o777).toBe(0o600);
    await store.close();
    await rm(dataDir, { recursive: true });
  });

  it('keeps what it acknowledged when its process is killed, and what ran then is possibly billed', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'image-router-store-'));
    const child = spawn(process.execPath, [new URL('./killed.ts', import.meta.url).pathname, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = openSqliteStore({ dataDir, clock, owner: 'next' });
    const now = clock.wall().getTime();
    await store.beat(now, now + 1);
    const [day] = await store.spendOf('key');
    expect(day).toMatchObject({ billed: 40, possiblyBilled: 100, reserved: 0 });
    expect(await store.findClaim('key', 'running')).toMatchObject({ state: 'interrupted' });
    await store.close();
    await rm(dataDir, { recursive: true });
  });
});

describe('periods', () => {
  it('are UTC days and months, and say when they end', () => {
    const at = Date.UTC(2028, 1, 29, 23, 59, 59);
    expect(periodsOf(at)).toEqual({ day: '2028-02-29', month: '2028-02' });
    expect(periodEnd('usdPerDay', at)).toBe(Date.UTC(2028, 2, 1));
    expect(periodEnd('usdPerMonth', Date.UTC(2026, 10, 3))).toBe(Date.UTC(2026, 11, 1));
  });
});
