// What the endpoints need from the rest of the gateway, as types: who calls, may they, was this asked before, where do
// traces go. Endpoints know only these; the store behind them may be one file or a database shared by several gateways.
import type { MicroUsd } from '../domain/money.ts';
import type { Cost } from '../domain/result.ts';
import type { Trace } from '../domain/trace.ts';

/** What a key may be used for. `admin` reads metrics and every trace. */
export const SCOPES = ['images', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Limits of one key; undefined means none. */
export type KeyLimits = {
  readonly requestsPerMinute: number | undefined;
  readonly imagesPerMinute: number | undefined;
  readonly concurrent: number | undefined;
  /** Dollars per UTC day and calendar month, possibly billed calls included. */
  readonly usdPerDay: number | undefined;
  readonly usdPerMonth: number | undefined;
  /** Policies and models (`auto`, a tier, a route id, a model name) it may ask for. */
  readonly policies: readonly string[] | undefined;
  readonly models: readonly string[] | undefined;
};

/** Who calls. `id` is the key's public id, or `loopback` where no key is needed; it scopes traces, spend and idempotency. */
export type Principal = { readonly id: string; readonly scopes: readonly Scope[]; readonly limits: KeyLimits };

/** Why a call is turned away, before anything was spent. Says which limit, and when it frees. */
export type Denial = {
  readonly status: 401 | 403 | 429 | 503;
  /** `invalid_api_key`, `insufficient_scope`, `policy_not_allowed`, `model_not_allowed`, `rate_limit_exceeded`, `budget_exceeded`, `store_unavailable`. */
  readonly code: string;
  readonly message: string;
  readonly param: string | undefined;
  /** World milliseconds until trying again makes sense. */
  readonly retryAfterMs: number | undefined;
  /** Absent: that is for the status to say. False where the same request is denied for ever. */
  readonly mayRepeat?: boolean;
};

/** What a request will ask of its key. */
export type Ask = {
  readonly requestId: string;
  readonly images: number;
  /** Most it may cost: the request's own cap, else the plan's worst case. Micro-dollars. */
  readonly mostMicroUsd: MicroUsd;
  readonly policy: string | undefined;
  readonly model: string;
  /** `job`: `requestId` is a job's, which settles it when it ends; the lease is only for one that could not be accepted. */
  readonly keptBy?: 'job';
};

/** A place inside the limits, held until `settle`. Settling twice is harmless. */
export interface Lease {
  /** What was really spent takes the place of what was reserved. Resolves when it is on disk. */
  settle(cost: Cost): Promise<void>;
}

export interface Gatekeeper {
  /** Reads `authorization: Bearer`, or `x-api-key`. Never logs or echoes what it read. */
  authenticate(headers: Headers): Promise<Principal | Denial>;
  /** Whether the key may ask for this at all; costs nothing and takes no place. Undefined: it may. */
  permits(principal: Principal, what: Pick<Ask, 'policy' | 'model'>): Denial | undefined;
  /** Counts, reserves and records before anything is sent upstream; all or nothing. */
  admit(principal: Principal, ask: Ask): Promise<Lease | Denial>;
}

/** An answer as it was sent: status, the headers that belong to it, the body's pieces in order. */
export type StoredAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: readonly Uint8Array[];
};

/**
 * `name`: random, and on disk with the claim: what is begun under a name made from it is found again also when the answer
 * was lost.
 */
export type IdempotencyClaim =
  /**
   * Nobody asked this before: do it, then `complete`; `abandon` when nothing was started and a repeat may start afresh; `leave`
   * when nobody knows whether something was: a repeat finds it cut off.
   */
  | {
      readonly kind: 'first';
      readonly name: string;
      complete(answer: StoredAnswer): Promise<void>;
      abandon(): Promise<void>;
      leave(): void;
    }
  | { readonly kind: 'replay'; readonly answer: StoredAnswer }
  /** The same key still running elsewhere, or cut off by a crash (possibly billed; not repeated), or with another body: no name. */
  | {
      readonly kind: 'conflict';
      readonly status: 409 | 422;
      readonly code: string;
      readonly message: string;
      readonly name?: string;
    };

export interface Idempotency {
  /**
   * One key is one request of its principal, whatever it asks for. Waits while the same request runs in this process. `fingerprint`:
   * of door and body (idempotency/doors.ts). Recorded on disk before it resolves.
   */
  claim(principal: Principal, key: string, fingerprint: string): Promise<IdempotencyClaim>;
}

/** A trace as it is kept for a while, for its caller to look at. */
export type KeptTrace = { readonly principal: string; readonly trace: Trace; readonly at: string };

export interface Traces {
  /** Written behind: a crash may lose the last moments' traces, never spend. */
  keep(principal: Principal, trace: Trace): void;
  /** Only the principal's own; any for scope admin. */
  find(principal: Principal, id: string): Promise<KeptTrace | undefined>;
}
