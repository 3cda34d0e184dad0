// Where a gateway keeps what must outlive it: keys, spend, idempotency, recent traces. One port, shaped for several gateways
// on one store: whatever is limited is taken by one conditional statement inside one transaction, never read first and
// written later. Gateways that share a store share a clock. Times are milliseconds since 1970, money is whole micro-dollars.
// What resolved is on disk, recent traces apart; every method rejects with StoreError `unavailable` when the disk or the database
// does not take it. Nothing is then half done, and all of it may be done where the error says `mayBeWritten`.
import type { MicroUsd } from '../../domain/money.ts';
import type { Cost } from '../../domain/result.ts';
import type { KeptTrace, KeyLimits, Scope } from '../ports.ts';

/** A key as it is stored: its secret is only there as a salted hash. */
export type StoredKey = {
  readonly id: string;
  readonly name: string;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
  readonly scopes: readonly Scope[];
  readonly limits: KeyLimits;
  readonly createdAt: number;
  readonly revokedAt: number | undefined;
};

/** A place inside a principal's limits, to be taken whole or not at all. */
export type Reservation = {
  readonly id: string;
  readonly principal: string;
  readonly images: number;
  readonly microUsd: MicroUsd;
  readonly limits: Pick<KeyLimits, 'requestsPerMinute' | 'imagesPerMinute' | 'concurrent' | 'usdPerDay' | 'usdPerMonth'>;
  readonly at: number;
  /**
   * Who settles it. `gateway`: the one that took it; if that dies, it counts as spent. `job`: the job of that id when it ends,
   * in whichever process; it takes no place among concurrent requests. If its gateway dies before the job was accepted,
   * nothing was sent and it counts as nothing.
   */
  readonly keptBy: 'gateway' | 'job';
};

export type LimitName = 'requestsPerMinute' | 'imagesPerMinute' | 'concurrent' | 'usdPerDay' | 'usdPerMonth';

/**
 * `used`: what counts against the limit, without this reservation; money in micro-dollars, like `most` then. `freesAt`: when
 * it may fit; undefined when that is up to requests that still run, or when it never will.
 */
export type Reserved =
  | { readonly kind: 'reserved' }
  | {
      readonly kind: 'over-limit';
      readonly limit: LimitName;
      readonly most: number;
      readonly asked: number;
      readonly used: number;
      readonly freesAt: number | undefined;
    };

export type SpendRow = {
  readonly principal: string;
  /** `2026-11-26`, or `2026-11`. */
  readonly period: string;
  readonly billed: number;
  readonly possiblyBilled: number;
  readonly reserved: number;
};

/** A request to be made at most once. `file`: where its answer's body will be; named beforehand, so that none is ever lost track of. */
export type NewClaim = {
  readonly principal: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly file: string;
  readonly at: number;
};

export type IdempotencyRow = {
  readonly fingerprint: string;
  readonly state: 'running' | 'done' | 'interrupted';
  /** Claimed by the gateway that asks. */
  readonly isOurs: boolean;
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly file: string;
};

/** `trace`: as JSON, so that nothing but a text waits to be written. */
export type TraceRow = { readonly id: string; readonly principal: string; readonly at: string; readonly trace: string };

export interface Store {
  addKey(key: StoredKey): Promise<void>;
  findKey(id: string): Promise<StoredKey | undefined>;
  listKeys(): Promise<readonly StoredKey[]>;
  /** False when there is no such key or it is revoked already. */
  revokeKey(id: string, at: number): Promise<boolean>;

  reserve(reservation: Reservation): Promise<Reserved>;
  /**
   * What was spent takes the reservation's place; once. Of this process's own alone: an unknown one was resolved as possibly
   * billed, one that a job was accepted with is the job's, and one of the same id may be of whoever asked for the same again.
   */
  settle(id: string, cost: Cost): Promise<void>;
  /** Spend of principals without limits, many at once: reservations still open, those that have ended, and what was spent. */
  note(batch: SpendBatch): Promise<void>;
  spendOf(principal: string): Promise<readonly SpendRow[]>;

  /** Undefined: the claim is this caller's. Else what is there already. */
  claim(claim: NewClaim): Promise<IdempotencyRow | undefined>;
  completeClaim(
    principal: string,
    key: string,
    answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly bytes: number },
  ): Promise<void>;
  /** Nothing was begun: the next who asks is the first. */
  abandonClaim(principal: string, key: string): Promise<void>;
  /** Forgets ended claims made before `before`, and the oldest answers beyond `mostBytes`, whose claims stay. Their files' names. */
  sweepClaims(before: number, mostBytes: number): Promise<readonly string[]>;
  /** The names of all files that are an answer, or will be. */
  answerFiles(): Promise<ReadonlySet<string>>;

  keepTraces(traces: readonly TraceRow[]): Promise<void>;
  findTrace(id: string): Promise<KeptTrace | undefined>;
  /** Forgets what was kept before `before` (as in `KeptTrace.at`), and the oldest beyond `most`. */
  sweepTraces(before: string, most: number): Promise<void>;

  /**
   * The secret of that name, the same for every gateway on the store. Whoever asks first makes it; of any number that ask at
   * once, one does. It is never changed: another secret has another name.
   */
  sharedSecret(name: string, make: () => Uint8Array): Promise<Uint8Array>;

  /** Forgets traces and ended claims of a principal; its key and what it spent stay. The claims' files. */
  forget(principal: string): Promise<readonly string[]>;

  /**
   * Says that this gateway lives, and resolves what gateways left behind that do not any more: their reservations count as
   * possibly billed in full, their running claims as interrupted. Who is dead is for the store to know. To be called before
   * anything is reserved or claimed, and every few seconds.
   */
  beat(at: number): Promise<void>;
  /** What still runs is resolved as if the gateway had died. Nothing is taken afterwards. */
  close(): Promise<void>;
}

/** `id`: what is noted again under it counts once. It is one of what the next batch has `closed`. */
export type SpendBatch = {
  readonly id: string;
  readonly principal: string;
  readonly at: number;
  readonly opened: readonly { readonly id: string; readonly microUsd: MicroUsd }[];
  readonly closed: readonly string[];
  readonly spent: Cost;
};
