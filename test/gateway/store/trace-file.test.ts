import { execFile } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TraceFile } from '../../../src/gateway/store/trace-file.ts';
import { dataFolder } from '../support/state-world.ts';

const rowOf = (id: string) => ({
  id,
  principal: 'key',
  at: '2026-11-26T12:00:00.000Z',
  trace: JSON.stringify({ requestId: id, events: [] }),
});

async function opened() {
  const path = `${await dataFolder()}/traces`;
  const file = new TraceFile(path);
  const more = (): TraceFile => {
    const another = new TraceFile(path);
    onTestFinished(() => another.close());
    return another;
  };
  onTestFinished(() => file.close());
  return { path, file, more };
}

describe('a file of traces', () => {
  it('has on its way out what was asked for before it was closed, and takes nothing afterwards', async () => {
    const { file, more } = await opened();
    const kept = file.keep([rowOf('a')]);
    await file.close();
    await kept;
    await expect(file.keep([rowOf('b')])).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(file.find('a')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await more().find('a')).toMatchObject({ trace: { requestId: 'a' } });
  });

  it('says when it cannot keep any, all of an ask or nothing, and goes on when it can', async () => {
    const { path, file } = await opened();
    const database = new DatabaseSync(path);
    onTestFinished(() => database.close());
    database.exec('ALTER TABLE traces RENAME TO elsewhere');
    // Its thread ends over that; the next ask begins another.
    await expect(file.keep([rowOf('a')])).rejects.toMatchObject({ kind: 'unavailable' });
    database.exec('ALTER TABLE elsewhere RENAME TO traces');
    await file.keep([rowOf('b')]);
    database.exec("CREATE TRIGGER full BEFORE INSERT ON traces WHEN NEW.id = 'd' BEGIN SELECT raise(ABORT, 'no room'); END");
    await expect(file.keep([rowOf('c'), rowOf('d')])).rejects.toMatchObject({ cause: expect.stringContaining('no room') });
    await file.keep([rowOf('e')]);
    const found = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => file.find(id)));
    expect(found.map((kept) => kept?.trace.requestId)).toEqual([undefined, 'b', undefined, undefined, 'e']);
  });

  it('forgets also what is still on its way there', async () => {
    const { file } = await opened();
    const kept = file.keep([rowOf('a')]);
    await file.forget('key');
    await kept;
    expect(await file.find('a')).toBeUndefined();
  });

  it('can be closed where no thread begins, and keeps nothing', async () => {
    const path = `${await dataFolder()}/traces`;
    const script = `
      const { TraceFile } = await import(${JSON.stringify(new URL('../../../src/gateway/store/trace-file.ts', import.meta.url).href)});
      const file = new TraceFile(${JSON.stringify(path)});
      const told = await file.keep([${JSON.stringify(rowOf('a'))}]).catch(({ kind }) => kind);
      await file.close();
      console.log(told);`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...['--permission', '--allow-fs-read=*', '--allow-fs-write=*', '--input-type=module', '--eval', script],
    ]);
    expect(stdout.trim()).toBe('unavailable');
  });

  it('is written through several threads, each in its turn', async () => {
    const { file, more } = await opened();
    const other = more();
    const ids = Array.from({ length: 40 }, (_, index) => `req_${index}`);
    await Promise.all(ids.map((id, index) => (index % 2 === 0 ? file : other).keep([rowOf(id)])));
    await other.sweep('', 10);
    expect((await Promise.all(ids.map((id) => file.find(id)))).filter((kept) => kept !== undefined)).toHaveLength(10);
  });
});
