import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GroupCommit } from '../../../src/gateway/store/group-commit.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { dataFolder } from '../support/state-world.ts';

async function opened(clock = systemClock(1)) {
  const file = `${await dataFolder()}/file`;
  const database = new DatabaseSync(file, { timeout: 0 });
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT PRIMARY KEY) STRICT');
  onTestFinished(() => database.close());
  const commits = new GroupCommit(database, clock);
  const add = (text: string): Promise<void> =>
    commits.do(() => {
      database.prepare('INSERT INTO t VALUES (?)').run(text);
    });
  const rows = (): number => Number(database.prepare('SELECT count(*) AS n FROM t').get()?.n);
  return { file, database, commits, add, rows };
}

describe('a group commit', () => {
  it('undoes what fails, and nothing beside it', async () => {
    const { add, rows, commits } = await opened();
    const outcomes = await Promise.allSettled([
      add('a'),
      add('a'),
      commits.do(() => {
        throw new RangeError('changed my mind');
      }),
      add('b'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { kind: 'unavailable' } });
    expect(outcomes[2]).toMatchObject({ reason: expect.any(RangeError) });
    expect(rows()).toBe(2);
  });

  it('resolves nobody before the transaction is on disk', async () => {
    const { file, add } = await opened();
    const reader = new DatabaseSync(file);
    await Promise.all(
      ['a', 'b', 'c'].map(async (text) => {
        await add(text);
        expect(reader.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 3 });
      }),
    );
    reader.close();
  });

  it('takes nothing when the disk is full, says so to all, and goes on when there is room', async () => {
    const { database, add, rows } = await opened();
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count);
    database.exec(`PRAGMA max_page_count = ${pages}`);
    const outcomes = await Promise.allSettled([add('small'), add('x'.repeat(100_000))]);
    const kept = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
    expect(rows()).toBe(kept);
    database.exec('PRAGMA max_page_count = 100000');
    await add('x'.repeat(100_000));
    expect(rows()).toBe(kept + 1);
  });

  it('gives up on a writer that never ends, and takes what comes after it', async () => {
    const clock = manualClock();
    const { file, add, rows } = await opened(clock);
    const another = new DatabaseSync(file);
    another.exec('BEGIN IMMEDIATE');
    const refused = expect(add('a')).rejects.toMatchObject({ kind: 'unavailable' });
    await new Promise(setImmediate);
    await clock.advance(6_000);
    await refused;
    another.exec('COMMIT');
    another.close();
    await add('b');
    expect(rows()).toBe(1);
  });

  it('that is closed takes nothing', async () => {
    const { add, commits } = await opened();
    const waiting = add('a');
    commits.close();
    await expect(waiting).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(add('b')).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
