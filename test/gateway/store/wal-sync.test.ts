import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WalSync } from '../../../src/gateway/store/wal-sync.ts';
import { dataFolder } from '../support/state-world.ts';

describe('a write-ahead log', () => {
  it('is brought to the disk whenever it is asked for, and takes no lock from its database', async () => {
    const path = `${await dataFolder()}/file`;
    const [one, other] = [new DatabaseSync(path, { timeout: 0 }), new DatabaseSync(path, { timeout: 0 })];
    onTestFinished(() => {
      for (const database of [one, other]) database.close();
    });
    one.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT) STRICT');
    const wal = new WalSync(path);
    one.exec('BEGIN IMMEDIATE');
    await wal.sync();
    wal.close();
    await wal.sync();
    expect(() => other.exec('BEGIN IMMEDIATE')).toThrow('locked');
    one.exec("INSERT INTO t VALUES ('x'); COMMIT");
    await wal.sync();
    wal.close();
    expect(other.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 1 });
  });

  it('that is not there is said to be none, and found once it is', async () => {
    const path = `${await dataFolder()}/file`;
    const wal = new WalSync(path);
    await expect(wal.sync()).rejects.toThrow('ENOENT');
    const database = new DatabaseSync(path);
    onTestFinished(() => database.close());
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT) STRICT');
    await wal.sync();
    wal.close();
  });
});
