import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import { LoopbackLedger } from '../../../src/gateway/limits/loopback-ledger.ts';
import type { Lease } from '../../../src/gateway/ports.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { admitted, ask, costOf, dataFolder, overlaid, stateIn, usd } from '../support/state-world.ts';

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

  it('adds up whatever opens, ends, is written, or is not taken by the store in between', async () => {
    const store = openSqliteStores({ dataDir: await dataFolder(), clock: manualClock(), owner: 'one' }).store;
    let run = 0;
    const steps = fc.array(fc.constantFrom('open', 'settle', 'write', 'fail'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, async (kinds) => {
        run += 1;
        const principal = `free ${run}`;
        let isFull = false;
        const note: typeof store.note = (batch) => (isFull ? Promise.reject(new StoreError('full')) : store.note(batch));
        const ledger = new LoopbackLedger(overlaid(store, { note }), manualClock(), principal, () => undefined);
        const open: Lease[] = [];
        for (const [index, kind] of kinds.entries()) {
          if (kind === 'open') open.push(ledger.open(`${principal}/${index}`, usd(100)));
          else if (kind === 'settle') await open.shift()?.settle(costOf(7));
          else {
            isFull = kind === 'fail';
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
        isFull = false;
        await ledger.flush();
        const [day = { billed: 0, reserved: 0 }] = await store.spendOf(principal);
        expect({ billed: day.billed, reserved: day.reserved }).toEqual({ billed: settled * 7, reserved: open.length * 100 });
      }),
      { numRuns: 60 },
    );
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
    const ledger = new LoopbackLedger(overlaid(store, { note }), clock, 'free', () => undefined);
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
