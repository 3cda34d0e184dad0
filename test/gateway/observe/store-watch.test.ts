import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import { StoreWatch } from '../../../src/gateway/observe/store-watch.ts';
import { openPostgres } from '../../../src/gateway/store/postgres/postgres.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { describePostgres } from '../../support/postgres.ts';
import { ownCluster } from '../../support/postgres-cluster.ts';
import { observe, sumOf } from './support.ts';

async function watched() {
  const clock = manualClock();
  const observed = await observe({ clock });
  onTestFinished(() => observed.observer.close());
  return { ...observed, clock, watch: new StoreWatch(observed.observer, clock) };
}

function away(words = 'connect ECONNREFUSED 127.0.0.1:5432'): StoreError {
  return new StoreError('the database does not answer', { cause: Object.assign(new Error(words), { code: 'ECONNREFUSED' }) });
}

describe('an outage of the store', () => {
  it('is told once with its cause, however many hear of it, and once more when it is over', async () => {
    const { watch, clock, lines, observer } = await watched();
    for (let heard = 0; heard < 40; heard += 1) watch.trouble(away());
    clock.advance(5_000);
    // What was heard since the last beat may still go on.
    watch.beat();
    clock.advance(5_000);
    watch.beat();
    watch.beat();
    expect(lines()).toMatchObject([
      {
        level: 'error',
        event: 'store-outage',
        where: 'store',
        problem: 'the database does not answer',
        code: 'ECONNREFUSED',
        cause: 'connect ECONNREFUSED 127.0.0.1:5432',
      },
      { level: 'info', event: 'store-back', where: 'store', ms: 10_000 },
    ]);
    expect(lines()[0]).not.toHaveProperty('frames');
    expect(sumOf(await observer.metricsText(), 'image_router_defects_total', { where: 'store' })).toBe(1);
  });

  it('names the cause of an address that was tried in several ways', async () => {
    const { watch, lines } = await watched();
    const tried = new AggregateError([Object.assign(new Error('connect ECONNREFUSED ::1:5432'), { code: 'ECONNREFUSED' })]);
    watch.trouble(new StoreError('the database does not answer', { cause: tried }));
    expect(lines()).toMatchObject([{ code: 'ECONNREFUSED', cause: 'connect ECONNREFUSED ::1:5432' }]);
  });

  it('never tells a password', async () => {
    const { watch, text } = await watched();
    watch.trouble(away('cannot use postgres://tester:hunter2@x/y@db.example:5432/images password=hunter2 sk-hunter2hunter2hunter2'));
    expect(text()).toContain('db.example:5432/images');
    expect(text()).not.toContain('hunter2');
  });

  it('is none where one record was refused: that is a defect, and its words are nobody’s business', async () => {
    const { watch, lines, text } = await watched();
    const cause = Object.assign(new Error('invalid input: "secret-prompt"'), { code: '22P02', severity: 'ERROR' });
    watch.trouble(new StoreError('the database refused a record', { cause }));
    watch.trouble(new TypeError('secret-prompt'));
    expect(lines()).toMatchObject([
      { event: 'defect', error: 'StoreError', code: '22P02' },
      { event: 'defect', error: 'TypeError' },
    ]);
    expect(text()).not.toContain('secret');
  });
});

describePostgres('an outage of PostgreSQL', () => {
  it('is told as one', async () => {
    const cluster = await ownCluster();
    onTestFinished(() => cluster.remove());
    const postgres = await openPostgres({ url: cluster.url, clock: systemClock(1), owner: 'one', connectMs: 300 });
    onTestFinished(() => postgres.close());
    const { watch, lines } = await watched();
    await cluster.stop();
    await vi.waitFor(async () => {
      await postgres.database.run('SELECT 1').catch((error: unknown) => watch.trouble(error));
      expect(lines()).toHaveLength(1);
    });
    expect(lines()).toMatchObject([{ event: 'store-outage', code: expect.stringMatching(/^(E|57)/), cause: expect.any(String) }]);
  });
});
