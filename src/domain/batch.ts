// A batch: many rows accepted together, made as jobs a bounded number at a time. What it may cost is dealt out to its rows when
// it is accepted, so that no order in which they end can break its cap. Plain data, as a job is.
import type { JobRequest } from './job.ts';
import type { MicroUsd } from './money.ts';

export const BATCH_STATES = ['running', 'cancelling', 'completed', 'cancelled'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

export type Batch = {
  /** `batch_` and 128 random bits in hex. */
  readonly id: string;
  readonly principal: string;
  readonly state: BatchState;
  readonly createdAt: number;
  readonly endedAt: number | undefined;
  /** Of each of its jobs. */
  readonly deadlineAt: number;
  readonly rows: number;
  /** How many of them, in their order, have become jobs. */
  readonly fed: number;
  /** Most of its jobs that have not ended at one time. */
  readonly concurrency: number;
  /** As its caller said; what its rows may cost is at most that, and never more than the sum of theirs. */
  readonly maxCost: MicroUsd | undefined;
};

export type BatchRow = {
  /** From 1, in the order sent. */
  readonly row: number;
  /** What its caller calls it. */
  readonly customId: string | undefined;
  /** The id its job has, or will have. */
  readonly job: string;
  readonly request: JobRequest;
  readonly model: string;
  readonly maxCost: MicroUsd;
};
