// Where a gateway keeps what must outlive it: keys, spend, idempotency, recent traces. One port, shaped for several gateways
// on one store: whatever is limited is taken by one conditional statement inside one transaction, never read first and
// written later. Times are milliseconds since 1970, money is micro-dollars. Every method rejects with StoreError
// `unavailable` when the disk or the database does not take it; nothing is then half done.
import type { Cost } from '../../domain/result.ts';
import type { Trace } from '../../domain/trace.ts';
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
  readonly microUsd: number;
  readonly limits: Pick<KeyLimits, 'requestsPerMinute' | 'imagesPerMinute' | 'concurrent' | 'usdPerDay' | 'usdPerMonth'>;
  readonly at: number;
};

export type LimitName = 'requestsPerMinute' | 'imagesPerMinute' | 'concurrent' | 'usdPerDay' | 'usdPerMonth';

/** `used`: what counts against the limit, without this reservation. `freesAt`: when it may fit; undefined when nobody knows. */
export type Reserved =
  | { readonly kind: 'reserved' }
  | {
      readonly kind: 'over-limit';
      readonly limit: LimitName;
      readonly most: number;
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

export type IdempotencyRow = {
  readonly fingerprint: string;
  readonly state: 'running' | 'done' | 'interrupted';
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Name of the file with the body. */
  readonly file: string | undefined;
};

export interface Store {
  addKey(key: StoredKey): Promise<void>;
  findKey(id: string): Promise<StoredKey | undefined>;
  listKeys(): Promise<readonly StoredKey[]>;
  /** False when there is no such key or it is revoked already. */
  revokeKey(id: string, at: number): Promise<boolean>;

  reserve(reservation: Reservation): Promise<Reserved>;
  /** What was spent takes the reservation's place; once. Unknown ids are ignored: they were resolved as possibly billed. */
  settle(id: string, cost: Cost): Promise<void>;
  /** Spend of principals without limits, many at once: reservations still open, those that have ended, and what was spent. */
  note(batch: SpendBatch): Promise<void>;
  spendOf(principal: string): Promise<readonly SpendRow[]>;

  /** Undefined: the claim is this caller's. Else what is there already. */
  claim(principal: string, key: string, fingerprint: string, at: number): Promise<IdempotencyRow | undefined>;
  completeClaim(
    principal: string,
    key: string,
    answer: Required<Omit<IdempotencyRow, 'fingerprint' | 'state'>> & { readonly bytes: number },
  ): Promise<void>;
  abandonClaim(principal: string, key: string): Promise<void>;
  findClaim(principal: string, key: string): Promise<IdempotencyRow | undefined>;
  /** Forgets claims made before `before`, and the oldest beyond `mostBytes` of answers. Their files' names. */
  sweepClaims(before: number, mostBytes: number): Promise<readonly string[]>;

  keepTraces(traces: readonly KeptTrace[]): Promise<void>;
  findTrace(id: string): Promise<{ readonly principal: string; readonly at: string; readonly trace: Trace } | undefined>;
  sweepTraces(before: string): Promise<void>;

  /**
   * Says that this gateway lives, and resolves what gateways left behind that have not said so since `deadBefore`: their
   * reservations count as possibly billed in full, their running claims as interrupted.
   */
  beat(at: number, deadBefore: number): Promise<void>;
  close(): Promise<void>;
}

export type SpendBatch = {
  readonly principal: string;
  readonly at: number;
  readonly opened: readonly { readonly id: string; readonly microUsd: number }[];
  readonly closed: readonly string[];
  readonly spent: Cost;
};

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind = 'unavailable';
}

/** UTC day and month of an instant. */
export function periodsOf(wallMs: number): { readonly day: string; readonly month: string } {
  const days = Math.floor(wallMs / DAY_MS);
  // Civil date from days since 1970 (Hinnant's algorithm): the only arithmetic with dates there is here.
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (part: number): string => String(part).padStart(2, '0');
  return { day: `${year}-${two(month)}-${two(day)}`, month: `${year}-${two(month)}` };
}

const DAY_MS = 86_400_000;

/** When the period of a limit ends, as milliseconds since 1970. */
export function periodEnd(limit: 'usdPerDay' | 'usdPerMonth', wallMs: number): number {
  const nextDay = (Math.floor(wallMs / DAY_MS) + 1) * DAY_MS;
  if (limit === 'usdPerDay') return nextDay;
  const { month } = periodsOf(wallMs);
  let end = nextDay;
  while (periodsOf(end).month === month) end += DAY_MS;
  return end;
}
