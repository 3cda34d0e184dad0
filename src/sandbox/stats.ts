// Totals for a glance; everything in them can be recomputed from the ledger, except what was answered at the door.
import type { MicroUsd } from '../domain/money.ts';
import type { World } from './world.ts';

export type SandboxStats = {
  /** Requests of any kind since the process started. */
  readonly requests: number;
  /** Image requests that are being worked on or held open. */
  readonly inFlight: number;
  readonly generating: number;
  readonly delivered: number;
  readonly refused: number;
  readonly failed: number;
  readonly lost: number;
  readonly orphaned: number;
  readonly billed: MicroUsd;
  /** Fault id -> calls it met. */
  readonly faults: Readonly<Record<string, number>>;
};

export function statsOf(world: World): SandboxStats {
  const rows = world.memory.ledger.rows();
  const count = (outcome: string): number => rows.filter((row) => row.outcome === outcome).length;
  return {
    requests: world.requests,
    inFlight: world.inFlight,
    generating: count('generating'),
    delivered: count('delivered'),
    refused: count('refused'),
    failed: count('failed'),
    lost: count('lost'),
    orphaned: rows.filter((row) => row.orphaned).length,
    billed: world.memory.ledger.billed(),
    faults: Object.fromEntries(world.memory.faults),
  };
}
