import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { Presence } from '../../../src/gateway/store/presence.ts';
import { WalSync } from '../../../src/gateway/store/wal-sync.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { dataFolder } from '../support/state-world.ts';
import { askEverything } from './every-question.ts';
import { jobStoreContract, keepBatch, newJob } from './jobs-contract.ts';

const clock = systemClock(1);

function handleIn(dataDir: string, owner: string) {
  const presence = new Presence(dataDir, owner);
  // The kernel does the same to a process that ends.
  return { ...openSqliteStores({ dataDir, clock, owner, presence }), kill: () => presence.leave() };
}

describe('jobs in SQLite', () => {
  jobStoreContract(async () => {
    const dataDir = await dataFolder();
    const [one, other] = [handleIn(dataDir, 'one'), handleIn(dataDir, 'other')];
    const all = [one, other];
    return {
      one,
      other,
      killOne: () => one.kill(),
      spawn: async () => {
        const more = handleIn(dataDir, `more ${all.length}`);
        all.push(more);
        return more;
      },
      close: async () => {
        for (const { store } of all) await store.close().catch(() => undefined);
      },
    };
  });

  it('what only the system’s memory holds is found, and said to be accepted once the disk has it', async () => {
    const { store, jobs, batches } = handleIn(await dataFolder(), 'one');
    await keepBatch({ batches }, 'kept');
    const disk = vi.spyOn(WalSync.prototype, 'sync').mockRejectedValue(new Error('EIO'));
    onTestFinished(() => disk.mockRestore());
    await expect(jobs.accept([newJob('a')])).rejects.toMatchObject({ mayBeWritten: true });
    expect(await jobs.find('key', 'a')).toMatchObject({ state: 'queued' });
    await expect(jobs.isAccepted('key', 'a')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(batches.isAccepted('key', 'kept')).rejects.toMatchObject({ kind: 'unavailable' });
    disk.mockRestore();
    expect(await jobs.isAccepted('key', 'a')).toBe(true);
    expect(await batches.isAccepted('key', 'kept')).toBe(true);
    await store.close();
  });

  it('no question about jobs is answered by reading all of them', async () => {
    const dataDir = await dataFolder();
    const { store, jobs, batches } = handleIn(dataDir, 'one');
    await keepBatch({ batches }, 'b');
    const texts = spiedTexts();
    const stop = jobs.subscribe(() => undefined);
    await askEverything(jobs);
    stop();
    const asked = [...texts].filter((text) => /^\s*(SELECT|UPDATE|DELETE)/.test(text) && / job_?(s|events|attempts|blobs)\b/.test(text));
    expect(asked.length).toBeGreaterThan(25);
    const database = new DatabaseSync(join(dataDir, 'gateway.sqlite'));
    for (const text of asked) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${text}`).all();
      const scans = plan.map(({ detail }) => String(detail)).filter((detail) => /^SCAN (jobs|job_\w+|e|mine|theirs)\b/.test(detail));
      // Jobs that run are few, and the queue is read from its front as far as it is taken.
      expect(
        scans.filter((detail) => !/jobs_by_owner|jobs_waiting/.test(detail)),
        text,
      ).toEqual([]);
      // Of a batch those in a state are read, never all ten thousand.
      expect(
        plan.map(({ detail }) => String(detail)).filter((detail) => /jobs_by_batch \(batch=\?\)/.test(detail)),
        text,
      ).toEqual([]);
      // Nor is anything sorted to take the first few of it.
      expect(
        plan.map(({ detail }) => String(detail)).filter((detail) => detail.includes('USE TEMP B-TREE') && text.includes('LIMIT')),
        text,
      ).toEqual([]);
    }
    database.close();
    await store.close();
  });
});

/** What is asked of any database from now on. */
function spiedTexts(): ReadonlySet<string> {
  const texts = new Set<string>();
  const { prepare } = DatabaseSync.prototype;
  const spy = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, text) {
    texts.add(text);
    return prepare.call(this, text);
  });
  onTestFinished(() => spy.mockRestore());
  return texts;
}
