// The counts of a batch while it runs and when it is over.
import { addUsd, type MicroUsd } from '../../domain/money.ts';
import { addCosts, type Cost, NO_COST } from '../../domain/result.ts';

/** What became of a job. `already`: delivered by an earlier run. `skipped`: the cap has no room for it. */
export const FATES = ['delivered', 'already', 'failed', 'skipped', 'cancelled'] as const;
export type Fate = (typeof FATES)[number];

export type Tally = {
  readonly total: number;
  readonly counts: Readonly<Record<Fate, number>>;
  /** Sent and not yet ended. */
  readonly running: number;
  readonly degraded: number;
  readonly cost: Cost;
};

export function emptyTally(total: number): Tally {
  const counts = { delivered: 0, already: 0, failed: 0, skipped: 0, cancelled: 0 };
  return { total, counts, running: 0, degraded: 0, cost: NO_COST };
}

export function counted(tally: Tally, fate: Fate, cost: Cost | undefined): Tally {
  const counts = { ...tally.counts, [fate]: tally.counts[fate] + 1 };
  if (cost === undefined) return { ...tally, counts };
  return { ...tally, counts, cost: addCosts(tally.cost, cost) };
}

export function finished({ counts }: Tally): number {
  return FATES.reduce((sum, fate) => sum + counts[fate], 0);
}

/** Jobs that no run has begun: it was interrupted before. */
export function notStarted(tally: Tally): number {
  return tally.total - finished(tally);
}

export function spentBy({ cost }: Tally): MicroUsd {
  return addUsd(cost.billed, cost.possiblyBilled);
}
