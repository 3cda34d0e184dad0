// Who calls, and may they: the one place where keys and limits meet. A request is admitted whole or not at all, and nothing is
// sent upstream before its reservation is on disk; only callers without any limit, on this very machine, need not wait.
import { StoreError } from '../domain/store-error.ts';
import type { Clock } from '../system/clock.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { missingScope, NO_KEY, notAllowed, overLimit, STORE_UNAVAILABLE, WRONG_KEY } from './limits/denials.ts';

import type { LoopbackLedger } from './limits/loopback-ledger.ts';
import { NO_LIMITS } from './limits/no-limits.ts';
import type { Reservations } from './limits/reservations.ts';
import type { Ask, Denial, Gatekeeper, Lease, Principal } from './ports.ts';

export const LOOPBACK: Principal = { id: 'loopback', scopes: ['images', 'read', 'admin'], limits: NO_LIMITS };

/** Whoever sends no key, where none is needed. A key that is sent is checked all the same. */
export function createGatekeeper(parts: {
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly loopback: LoopbackLedger;
  readonly reservations: Reservations;
  readonly requireKeys: boolean;
}): Gatekeeper {
  const { keys, clock, loopback, reservations, requireKeys } = parts;

  async function authenticate(headers: Headers): Promise<Principal | Denial> {
    const token = tokenIn(headers);
    // Clients of OpenAI cannot be without a key; where none is needed, any that is not ours counts as none.
    if (!requireKeys && (token === undefined || !token.startsWith('ir_'))) return LOOPBACK;
    if (token === undefined) return NO_KEY;
    try {
      const key = await keys.recognise(token);
      return key === undefined ? WRONG_KEY : { id: key.id, scopes: key.scopes, limits: key.limits };
    } catch (error) {
      if (error instanceof StoreError) return STORE_UNAVAILABLE;
      throw error;
    }
  }

  async function admit(principal: Principal, ask: Ask): Promise<Lease | Denial> {
    const denial = permissionDenial(principal, ask);
    if (denial !== undefined) return denial;
    // What is accepted as a job is on disk before its caller hears so, its money included.
    if (principal !== LOOPBACK || ask.keptBy === 'job') return reserve(principal, ask);
    return loopback.isFailing ? STORE_UNAVAILABLE : loopback.open(ask.requestId, ask.mostMicroUsd);
  }

  async function reserve(principal: Principal, ask: Ask): Promise<Lease | Denial> {
    const { requestId, images, mostMicroUsd, keptBy = 'gateway' } = ask;
    const at = clock.wall().getTime();
    const { id, limits } = principal;
    try {
      const reserved = await reservations.take({ id: requestId, principal: id, images, microUsd: mostMicroUsd, limits, at, keptBy });
      if (reserved === undefined) return STORE_UNAVAILABLE;
      if (reserved.kind === 'over-limit') return overLimit(reserved, { wallMs: at, speed: clock.speed });
    } catch (error) {
      if (error instanceof StoreError) return STORE_UNAVAILABLE;
      throw error;
    }
    let isOpen = true;
    return {
      settle: async (cost) => {
        if (!isOpen) return;
        isOpen = false;
        await reservations.settle(requestId, cost);
      },
    };
  }

  return { authenticate, admit, permits: permissionDenial };
}

function tokenIn(headers: Headers): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? headers.get('x-api-key') ?? undefined;
}

function permissionDenial(principal: Principal, { policy, model }: Pick<Ask, 'policy' | 'model'>): Denial | undefined {
  const { scopes, limits } = principal;
  if (!scopes.includes('images')) return missingScope(principal);
  // A request without a policy uses the default one, which has a name like every other.
  if (limits.policies !== undefined && !limits.policies.includes(policy ?? 'default')) {
    return notAllowed('policy', policy ?? 'default', limits.policies);
  }
  return limits.models === undefined || limits.models.includes(model) ? undefined : notAllowed('model', model, limits.models);
}
