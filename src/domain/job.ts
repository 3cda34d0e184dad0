// A job wraps a request that outlives its caller's connection: accepted once, it reaches exactly one terminal state. What is
// here is what is written down, so it is plain data: pictures are named by their place in the blob store, times are world
// milliseconds since 1970, money is whole micro-dollars.

import type { Problem } from './error.ts';
import type { MicroUsd } from './money.ts';
import type { Usage } from './price.ts';
import type { ImageRequest } from './request.ts';
import type { Cost } from './result.ts';
import type { RunPart } from './trace.ts';
import type { ImageFormat, RouteId, Tier } from './vocabulary.ts';

export const JOB_STATES = ['queued', 'running', 'preview_ready', 'completed', 'failed', 'cancelled', 'expired'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** States a job never leaves. */
export const ENDED_STATES = ['completed', 'failed', 'cancelled', 'expired'] as const satisfies readonly JobState[];
export type EndedState = (typeof ENDED_STATES)[number];

/** A job whose workers died so often fails: it is likely what kills them. */
export const MOST_LOST_RUNS = 5;

export function hasEnded(state: JobState): state is EndedState {
  return ENDED_STATES.some((ended) => ended === state);
}

export const OPEN_STATES: readonly JobState[] = JOB_STATES.filter((state) => !hasEnded(state));

/** A picture in the blob store. `blob` names it there; `sha256` (hex) is its ETag. */
export type StoredImage = {
  readonly blob: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  readonly route: RouteId;
  readonly tier: Tier;
  /** Of the first picture of a result: tokens of all its calls that delivered, where providers counted them. */
  readonly usage?: Usage;
};

/** An image request as it is written down: its pictures are blobs. */
export type JobRequest = Omit<ImageRequest, 'referenceImages' | 'mask'> & {
  readonly referenceBlobs?: readonly string[];
  readonly maskBlob?: string;
};

/** How a job came to be. The ones after the first continue another job: same lineage, one price cap over all of it. */
export type JobOrigin =
  | { readonly kind: 'request' }
  | { readonly kind: 'batch'; readonly batch: string; readonly row: number }
  /** The accepted preview of `parent` becomes a premium render. */
  | { readonly kind: 'finalize'; readonly parent: string; readonly preview: number }
  /** The same prompt, one tier up. */
  | { readonly kind: 'upgrade'; readonly parent: string };

/** Why a job failed. The public error's code, or one of the job's own: `lost_too_often`, `price_cap_reached`. */
export type JobError = { readonly code: string; readonly message: string; readonly problems?: readonly Problem[] };

export type Job = {
  /** `job_` and 128 random bits in hex. */
  readonly id: string;
  /** Whose it is. */
  readonly principal: string;
  /** The first job of its family; its own id when it is that. */
  readonly lineage: string;
  readonly origin: JobOrigin;
  readonly request: JobRequest;
  /** The model as asked for. */
  readonly model: string;
  readonly state: JobState;
  readonly createdAt: number;
  /** The latest run's start. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Not begun again later than this: what has not ended by then expires. */
  readonly deadlineAt: number;
  /** How long a render was expected to take when the latest run began, milliseconds: the median of what was learned. */
  readonly expectedMs: number | undefined;
  /** How often a worker took it. The number of the latest run fences out the earlier ones. */
  readonly runs: number;
  readonly isCancelAsked: boolean;
  /** Of all its runs so far. */
  readonly cost: Cost;
  /** Most it may cost, all runs together; undefined: no cap. */
  readonly maxCost: MicroUsd | undefined;
  readonly previews: readonly StoredImage[];
  readonly images: readonly StoredImage[];
  readonly degraded: string | undefined;
  readonly error: JobError | undefined;
  /** The router's trace of the latest run. */
  readonly traceId: string | undefined;
};

/** One upstream call of a job: written down before it is made, settled when it ended or when its worker is found dead. */
export type JobAttempt = {
  readonly run: number;
  readonly part: RunPart | undefined;
  readonly attempt: number;
  readonly target: string;
  readonly route: RouteId;
  readonly startedAt: number;
  /** What it costs at most, counted as possibly billed when nobody knows how it ended. */
  readonly ceiling: MicroUsd;
  /** Undefined while it runs. */
  readonly end: JobAttemptEnd | undefined;
};

export type JobAttemptEnd = {
  readonly outcome: string;
  readonly billed: MicroUsd;
  readonly possiblyBilled: MicroUsd;
  /** Of the provider, where it gave one. */
  readonly requestId: string | undefined;
  readonly endedAt: number;
};

/** What happened to a job, in order; `seq` counts from 1 within the job. Small: pictures are told of, never carried. */
export type JobEvent = {
  readonly seq: number;
  readonly at: number;
  readonly kind: JobEventKind;
  readonly data: Readonly<Record<string, unknown>>;
};

/** `job.*` are states; the others are steps inside a run. */
export const JOB_EVENT_KINDS = [
  'job.queued',
  'job.running',
  'job.preview_ready',
  'job.completed',
  'job.failed',
  'job.cancelled',
  'job.expired',
  'attempt.start',
  'attempt.end',
] as const;
export type JobEventKind = (typeof JOB_EVENT_KINDS)[number];
