// The gateway's ports in memory, for tests of HTTP: a gatekeeper with a list of keys, idempotency that remembers answers,
// traces in a map. They keep the ports' promises and write down what was asked of them.
import type { Cost } from '../../../src/domain/result.ts';
import { LOOPBACK } from '../../../src/gateway/gatekeeper.ts';
import type {
  Ask,
  Denial,
  Gatekeeper,
  Idempotency,
  IdempotencyClaim,
  KeptTrace,
  Lease,
  Principal,
  StoredAnswer,
  Traces,
} from '../../../src/gateway/ports.ts';

export class FakeGatekeeper implements Gatekeeper {
  /** Key -> who it is. Empty: everybody is `loopback`. */
  readonly keys = new Map<string, Principal>();
  /** What `admit` answers instead of a lease. */
  denial: Denial | undefined;
  readonly asks: Ask[] = [];
  /** What was settled, in order; a lease settles once. */
  readonly settled: Cost[] = [];
  openLeases = 0;

  async authenticate(headers: Headers): Promise<Principal | Denial> {
    if (this.keys.size === 0) return LOOPBACK;
    const key = headers.get('authorization')?.replace(/^Bearer /, '') ?? headers.get('x-api-key') ?? '';
    const denial: Denial = { status: 401, code: 'invalid_api_key', message: 'Unknown key.', param: undefined, retryAfterMs: undefined };
    return this.keys.get(key) ?? denial;
  }

  permits({ limits }: Principal, { model }: Pick<Ask, 'model'>): Denial | undefined {
    const isAllowed = limits.models?.includes(model) ?? true;
    const message = `This key may not use model "${model}".`;
    return isAllowed ? undefined : { status: 403, code: 'model_not_allowed', message, param: 'model', retryAfterMs: undefined };
  }

  async admit(_principal: Principal, ask: Ask): Promise<Lease | Denial> {
    this.asks.push(ask);
    if (this.denial !== undefined) return this.denial;
    this.openLeases += 1;
    let isOpen = true;
    return {
      settle: async (cost) => {
        if (!isOpen) return;
        isOpen = false;
        this.openLeases -= 1;
        this.settled.push(cost);
      },
    };
  }
}

type Entry = { readonly fingerprint: string; readonly answer: Promise<StoredAnswer | undefined> };

export class FakeIdempotency implements Idempotency {
  readonly entries = new Map<string, Entry>();

  async claim(principal: Principal, key: string, fingerprint: string): Promise<IdempotencyClaim> {
    const name = `${principal.id} ${key}`;
    const known = this.entries.get(name);
    if (known !== undefined && known.fingerprint !== fingerprint) {
      return { kind: 'conflict', status: 422, code: 'idempotency_key_reused', message: 'This key came with another body before.' };
    }
    const answer = await known?.answer;
    if (answer !== undefined) return { kind: 'replay', answer };
    const pending = Promise.withResolvers<StoredAnswer | undefined>();
    this.entries.set(name, { fingerprint, answer: pending.promise });
    return {
      kind: 'first',
      name: `ans_${String(this.entries.size).padStart(32, '0')}`,
      complete: async ({ status, headers, body }) => pending.resolve({ status, headers, body }),
      abandon: async () => {
        this.entries.delete(name);
        pending.resolve(undefined);
      },
      leave: () => pending.resolve(undefined),
    };
  }
}

export class FakeTraces implements Traces {
  readonly kept: KeptTrace[] = [];

  keep(principal: Principal, trace: KeptTrace['trace']): void {
    this.kept.push({ principal: principal.id, trace, at: '2026-09-01T00:00:00.000Z' });
  }

  async find(principal: Principal, id: string): Promise<KeptTrace | undefined> {
    const isAdmin = principal.scopes.includes('admin');
    return this.kept.find(({ trace, principal: owner }) => trace.requestId === id && (isAdmin || owner === principal.id));
  }
}
