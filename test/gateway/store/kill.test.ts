import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { State } from '../../../src/gateway/state.ts';
import { admitted, ask, dataFolder, stateIn } from '../support/state-world.ts';

const SPENDING = new URL('../support/spending-process.ts', import.meta.url).pathname;

/** Kills a gateway that spends as fast as it can, after so many acknowledged settlements. What it said. */
async function killedAfter(dataDir: string, settlements: number): Promise<Record<string, number>> {
  const child = spawn(process.execPath, [SPENDING, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const said: Record<string, number> = {};
  for await (const word of createInterface({ input: child.stdout })) {
    said[word] = (said[word] ?? 0) + 1;
    if (said.settled === settlements) child.kill('SIGKILL');
  }
  expect((await ended)[1]).toBe('SIGKILL');
  return said;
}

/** What stands in the books of all days, once it is sure that months agree with days and nothing is reserved. */
async function booksOf({ spendOf }: State, principal: string): Promise<{ readonly billed: number; readonly possiblyBilled: number }> {
  const rows = await spendOf(principal);
  const sums = ['2026-11-26', '2026-11'].map(({ length }) => {
    const some = rows.filter(({ period }) => period.length === length);
    const sum = (name: 'billed' | 'possiblyBilled' | 'reserved'): number => some.reduce((total, row) => total + row[name], 0);
    return { billed: sum('billed'), possiblyBilled: sum('possiblyBilled'), reserved: sum('reserved') };
  });
  expect(sums[0]).toEqual(sums[1]);
  expect(sums[0]?.reserved).toBe(0);
  return { billed: sums[0]?.billed ?? 0, possiblyBilled: sums[0]?.possiblyBilled ?? 0 };
}

describe('a gateway that is killed while it spends', () => {
  it.each([1, 40, 333])(
    'has every acknowledged settlement in the books, and what ran as possibly billed (after %i)',
    async (settlements) => {
      const dataDir = await dataFolder();
      const { settled = 0, written } = await killedAfter(dataDir, settlements);
      expect(written).toBe(1);
      const state = await stateIn(dataDir, { requireKeys: false });
      const { billed, possiblyBilled } = await booksOf(state, 'keyed');
      expect(billed).toBeGreaterThanOrEqual(settled * 7);
      expect(billed % 7).toBe(0);
      expect(possiblyBilled % 100).toBe(0);
      expect(possiblyBilled).toBeGreaterThanOrEqual(100);
      // Sixteen lanes: no more than so many were settled, or open, without anybody having heard of it.
      expect(billed / 7 - settled + (possiblyBilled / 100 - 1)).toBeLessThanOrEqual(16);
      expect(await booksOf(state, 'loopback')).toEqual({ billed: 70, possiblyBilled: 100 });
    },
  );

  it('leaves no place taken, and claims that are never begun again', async () => {
    const dataDir = await dataFolder();
    await killedAfter(dataDir, 20);
    const state = await stateIn(dataDir);
    const keyed = { id: 'keyed', scopes: ['images' as const], limits: { ...NO_LIMITS, concurrent: 1 } };
    admitted(await state.gatekeeper.admit(keyed, ask('next')));
    expect(await state.idempotency.claim(keyed, 'cut off', 'f')).toMatchObject({ status: 409, code: 'idempotency_interrupted' });
  });
});
