// The provider's books: one row for every request that reached the model, whatever became of the caller. This is the
// other side of the router's cost accounting: what was really made and really billed.
import { addUsd, type MicroUsd, ZERO_USD } from '../domain/money.ts';
import type { Size } from '../domain/size.ts';
import type { Face, ImageCall } from './call.ts';
import type { FaultId } from './faults/rule.ts';
import type { Outcome } from './model/course.ts';

export type LedgerRow = {
  /** The request id the caller saw in its headers. */
  readonly id: string;
  readonly face: Face;
  readonly model: string;
  readonly quality: ImageCall['quality'];
  readonly size: Size;
  readonly n: number;
  /** Pictures sent along: above 0 it was an edit. */
  readonly references: number;
  /** Partial images asked for; undefined when the answer was not a stream. */
  readonly partialImages: number | undefined;
  /** World milliseconds since the sandbox started. */
  readonly arrivedMs: number;
  /** Undefined while the model works. */
  readonly finishedMs: number | undefined;
  /** How long the model worked, or will. */
  readonly generationMs: number;
  /** Body bytes handed to the socket. */
  readonly bytesOut: number;
  readonly clientGoneAtMs: number | undefined;
  readonly outcome: Outcome | 'generating';
  readonly fault: FaultId | undefined;
  readonly billed: MicroUsd;
  /** Made and billed for a caller who had left. */
  readonly orphaned: boolean;
};

/** Rows kept; the oldest go first. A day of load tests stays below it. */
const MAX_ROWS = 100_000;

export type Ledger = {
  open(row: LedgerRow): void;
  update(id: string, change: Partial<LedgerRow>): void;
  rows(): readonly LedgerRow[];
  billed(): MicroUsd;
  clear(): void;
};

export function createLedger(): Ledger {
  const rows = new Map<string, LedgerRow>();
  return {
    open: (row) => {
      rows.set(row.id, row);
      const oldest = rows.size > MAX_ROWS ? rows.keys().next().value : undefined;
      if (oldest !== undefined) rows.delete(oldest);
    },
    update: (id, change) => {
      const row = rows.get(id);
      if (row) rows.set(id, { ...row, ...change });
    },
    rows: () => [...rows.values()],
    billed: () => [...rows.values()].reduce((sum, row) => addUsd(sum, row.billed), ZERO_USD),
    clear: () => rows.clear(),
  };
}
