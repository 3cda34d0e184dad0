// A gateway's state in a folder of its own, for tests: opened by name, closed and removed when the test is over.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MicroUsd } from '../../../src/domain/money.ts';
import type { Cost } from '../../../src/domain/result.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { Ask, Denial, KeyLimits, Lease, Principal } from '../../../src/gateway/ports.ts';
import { openState, type State, type StateOptions } from '../../../src/gateway/state.ts';
import type { Store } from '../../../src/gateway/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';

/** Whole micro-dollars. */
export const usd = (amount: number): MicroUsd => amount as MicroUsd;
export const costOf = (billed: number, possiblyBilled = 0): Cost => ({ billed: usd(billed), possiblyBilled: usd(possiblyBilled) });

/** Gone when the test is over. */
export async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'image-router-state-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Closed when the test is over, if not before. */
export async function stateIn(dataDir: string, changes: Partial<StateOptions> = {}): Promise<State> {
  const times = { traceTtlMs: 3_600_000, idempotencyTtlMs: 86_400_000 };
  const state = await openState({ dataDir, clock: systemClock(1), ids: systemIds(), requireKeys: true, ...times, ...changes });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await state.close();
  };
  onTestFinished(close);
  return { ...state, close };
}

export const bearer = (token: string): Headers => new Headers({ authorization: `Bearer ${token}` });

export function ask(requestId: string, changes: Partial<Ask> = {}): Ask {
  return { requestId, images: 1, mostMicroUsd: usd(6_000), policy: undefined, model: 'auto', ...changes };
}

export async function keyed(state: State, limits: Partial<KeyLimits> = {}, scopes: Principal['scopes'] = ['images']) {
  const { token, key } = await state.keys.create({ name: 'test', scopes, limits: { ...NO_LIMITS, ...limits } });
  return { token, key, principal: admitted(await state.gatekeeper.authenticate(bearer(token))) };
}

/** What is not a denial. */
export function admitted<Given extends Principal | Lease>(given: Given | Denial): Given {
  if ('status' in given) throw new Error(given.message);
  return given;
}

/** The same store, some of whose methods are another's. */
export function overlaid(store: Store, changes: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const found: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}
