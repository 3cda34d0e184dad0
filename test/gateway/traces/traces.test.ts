import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import type { Trace } from '../../../src/domain/trace.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { Principal } from '../../../src/gateway/ports.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import type { TraceRow } from '../../../src/gateway/store/store.ts';
import { WrittenBehindTraces } from '../../../src/gateway/traces/traces.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { dataFolder, overlaid, stateIn } from '../support/state-world.ts';

const ME: Principal = { id: 'me', scopes: ['read'], limits: NO_LIMITS };
const YOU: Principal = { ...ME, id: 'you' };
const ROOT: Principal = { ...ME, id: 'root', scopes: ['admin'] };
const traceOf = (requestId: string): Trace => ({ requestId, events: [] });

describe('traces', () => {
  it('are their caller’s, and an administrator’s, before and after they are written', async () => {
    const dataDir = await dataFolder();
    const state = await stateIn(dataDir);
    state.traces.keep(ME, traceOf('req_1'));
    const check = async ({ traces }: typeof state): Promise<void> => {
      expect(await traces.find(ME, 'req_1')).toMatchObject({ principal: 'me', trace: { requestId: 'req_1' } });
      expect(await traces.find(YOU, 'req_1')).toBeUndefined();
      expect(await traces.find(ROOT, 'req_1')).toBeDefined();
      expect(await traces.find(ROOT, 'req_2')).toBeUndefined();
    };
    await check(state);
    await state.close();
    await check(await stateIn(dataDir));
  });

  it('are gone when they are old', async () => {
    const dataDir = await dataFolder();
    const state = await stateIn(dataDir);
    state.traces.keep(ME, traceOf('req_1'));
    await state.close();
    const later = await stateIn(dataDir, { traceTtlMs: -1_000 });
    expect(await later.traces.find(ME, 'req_1')).toBeUndefined();
  });

  it('are handed to a slow store once, however long it takes, and no more at a time than it can hold', async () => {
    const clock = manualClock();
    const store = openSqliteStores({ dataDir: await dataFolder(), clock, owner: 'one' }).store;
    const handed: (readonly TraceRow[])[] = [];
    const { promise: stalled, resolve: goOn } = Promise.withResolvers<void>();
    const keepTraces = (kept: readonly TraceRow[]): Promise<void> => {
      handed.push(kept);
      return stalled;
    };
    const traces = new WrittenBehindTraces(overlaid(store, { keepTraces }), clock, () => undefined);
    const heavy = (id: string): Trace => ({ requestId: id, events: [{ note: 'x'.repeat(2_500_000) }] as never });
    for (let second = 0; second < 5; second += 1) {
      traces.keep(ME, heavy(`req_${second}`));
      clock.advance(1_000);
      await new Promise(setImmediate);
    }
    expect(handed.flat()).toHaveLength(1);
    goOn();
    await traces.flush();
    await traces.flush();
    expect(handed.map((rows) => rows.map(({ id }) => id))).toEqual([['req_0'], ['req_1'], ['req_2'], ['req_3'], ['req_4']]);
    await store.close();
  });

  it('that cannot be swept leave the gateway healthy', async () => {
    const dataDir = await dataFolder();
    const clock = systemClock(1);
    const stores = openSqliteStores({ dataDir, clock, owner: 'one' });
    const sweepTraces = () => Promise.reject(new StoreError('no thread'));
    const troubles: unknown[] = [];
    const onTrouble = (error: unknown) => troubles.push(error);
    const state = await stateIn(dataDir, { clock, onTrouble, stores: { ...stores, store: overlaid(stores.store, { sweepTraces }) } });
    expect(troubles).toHaveLength(1);
    expect(state.isHealthy()).toBe(true);
  });

  it('that are forgotten while those before them are written are not written after them', async () => {
    const clock = manualClock();
    const store = openSqliteStores({ dataDir: await dataFolder(), clock, owner: 'one' }).store;
    const written: string[] = [];
    const keepTraces = async (kept: readonly TraceRow[]): Promise<void> => {
      written.push(...kept.map(({ principal }) => principal));
      void traces.forget(YOU.id);
    };
    const traces = new WrittenBehindTraces(overlaid(store, { keepTraces }), clock, () => undefined);
    for (let index = 0; index < 500; index += 1) traces.keep(index < 250 ? ME : YOU, traceOf(`req_${index}`));
    await traces.flush();
    expect(written).toHaveLength(250);
    expect(new Set(written)).toEqual(new Set([ME.id]));
    await store.close();
  });

  it('that are on their way to the store when they are forgotten are there before the store is to forget them', async () => {
    const clock = manualClock();
    const store = openSqliteStores({ dataDir: await dataFolder(), clock, owner: 'one' }).store;
    const [begun, disk] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const told: string[] = [];
    const keepTraces = async (): Promise<void> => {
      begun.resolve();
      await disk.promise;
      told.push('written');
    };
    const traces = new WrittenBehindTraces(overlaid(store, { keepTraces }), clock, () => undefined);
    traces.keep(ME, traceOf('req_1'));
    const flushed = traces.flush();
    await begun.promise;
    const forgotten = traces.forget(ME.id).then(() => told.push('forgotten'));
    disk.resolve();
    await Promise.all([flushed, forgotten]);
    expect(told).toEqual(['written', 'forgotten']);
    await store.close();
  });

  it('that the store does not take are found all the same, and written when it does; under a flood the oldest go', async () => {
    const clock = manualClock();
    const store = openSqliteStores({ dataDir: await dataFolder(), clock, owner: 'one' }).store;
    let isFull = true;
    const keepTraces = (kept: readonly TraceRow[]): Promise<void> =>
      isFull ? Promise.reject(new StoreError('full')) : store.keepTraces(kept);
    const troubles: unknown[] = [];
    const traces = new WrittenBehindTraces(overlaid(store, { keepTraces }), clock, (error) => troubles.push(error));
    for (let index = 0; index < 5_001; index += 1) traces.keep(ME, traceOf(`req_${index}`));
    await traces.flush();
    await traces.flush();
    expect(troubles).toHaveLength(1);
    expect(await traces.find(ME, 'req_0')).toBeUndefined();
    expect(await traces.find(ME, 'req_1')).toBeDefined();
    isFull = false;
    await traces.flush();
    expect(await store.findTrace('req_1')).toBeDefined();
    expect(await store.findTrace('req_5000')).toBeDefined();
    await store.close();
  });
});
