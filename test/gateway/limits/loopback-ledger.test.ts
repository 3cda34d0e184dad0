import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import { LoopbackLedger } from '../../../src/gateway/limits/loopback-ledger.ts';
import type { Lease } from '../../../src/gateway/ports.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import type { Store } from '../../../src/gateway/store/store.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { admitted, ask, costOf, dataFolder, overlaid, stateIn, usd } from '../support/state-world.ts';

const ledgerOf = (store: Store, clock: ManualClock, principal: string) =>
  new LoopbackLedger({ store, clock, ids: systemIds(), principal, onTrouble: () => undefined });

describe('spend without limits', () => {
  it('is in the books when the gateway closes', async () => {
    const dataDir = await dataFolder();
    const state = await stateIn(dataDir, { requireKeys: false });
    const principal = admitted(await state.gatekeeper.authenticate(new Headers()));
    for (const id of ['a', 'b', 'c']) await admitted(await state.gatekeeper.admit(principal, ask(id))).settle(costOf(5_900));
    admitted(await state.gatekeeper.admit(principal, ask('cut off')));
    await state.close();
    const again = await stateIn(dataDir, { requireKeys: false });
    expect((await again.spendOf('loopback'))[0]).toMatchObject({ billed: 17_700, possiblyBilled: 6_000, reserved: 0 });
  });

  it('adds up whatever opens, ends, is written, is not taken by the store, or taken though nobody hears of it', async () => {
    const store = openSqliteStores({ dataDir: await dataFolder(), clock: manualClock(), owner: 'one' }).store;
    let run = 0;
    const steps = fc.array(fc.constantFrom('open', 'settle', 'write', 'fail', 'lose'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, async (kinds) => {
        run += 1;
        const principal = `free ${run}`;
        let how: 'write' | 'fail' | 'lose' = 'write';
        const note: typeof store.note = async (batch) => {
          if (how === 'fail') throw new StoreError('full');
          await store.note(batch);
          if (how === 'lose') throw new StoreError('no answer', { mayBeWritten: true });
        };
        const ledger = ledgerOf(overlaid(store, { note }), manualClock(), principal);
        const open: Lease[] = [];
        for (const [index, kind] of kinds.entries()) {
          if (kind === 'open') open.push(ledger.open(`${principal}/${index}`, usd(100)));
          else if (kind === 'settle') await open.shift()?.settle(costOf(7));
          else {
            how = kind;
            await ledger.flush();
          }
        }
        const settled = kinds.reduce(
          ({ held, ended }, kind) =>
            kind === 'open'
              ? { held: held + 1, ended }
              : kind === 'settle' && held > 0
                ? { held: held - 1, ended: ended + 1 }
                : { held, ended },
          { held: 0, ended: 0 },
        ).ended;
        how = 'write';
        await ledger.flush();
        const [day = { billed: 0, reserved: 0 }] = await store.spendOf(principal);
        expect({ billed: day.billed, reserved: day.reserved }).toEqual({ billed: settled * 7, reserved: open.length * 100 });
      }),
      { numRuns: 60 },
    );
    await store.close();
  });

  it('is asked of the store again after a failure, though what was to be written is over by then', async () => {
    const clock = manualClock();
    const { store } = openSqliteStores({ dataDir: await dataFolder(), clock, owner: 'one' });
    let isFull = true;
    const note: typeof store.note = (batch) => (isFull ? Promise.reject(new StoreError('full')) : store.note(batch));
    const ledger = ledgerOf(overlaid(store, { note }), clock, 'free');
    const lease = ledger.open('a', usd(1));
    const written = ledger.flush();
    await lease.settle(costOf(0));
    await written;
    expect(ledger.isFailing).toBe(true);
    isFull = false;
    clock.advance(200);
    await ledger.flush();
    expect(ledger.isFailing).toBe(false);
    await store.close();
  });

  it('is asked of the disk five times a second at most, however much there is', async () => {
    const clock = manualClock();
    const store = openSqliteStores({ dataDir: await dataFolder(), clock, owner: 'one' }).store;
    let writes = 0;
    const note: typeof store.note = (batch) => {
      writes += 1;
      return store.note(batch);
    };
    const ledger = ledgerOf(overlaid(store, { note }), clock, 'free');
    for (let index = 0; index < 100; index += 1) {
      await ledger.open(`r${index}`, usd(1)).settle(costOf(1));
      clock.advance(10);
      await new Promise(setImmediate);
    }
    await ledger.flush();
    expect(writes).toBeLessThanOrEqual(6);
    expect((await store.spendOf('free'))[0]).toMatchObject({ billed: 100, reserved: 0 });
    await store.close();
  });
});
