// Jobs as rows. What is only ever read whole (requests, pictures, errors) is JSON; it was written by these stores alone.
import type { Job, JobAttempt, JobError, JobEvent, JobOrigin, JobRequest, StoredImage } from '../../domain/job.ts';
import { JOB_EVENT_KINDS, JOB_STATES } from '../../domain/job.ts';
import type { MicroUsd } from '../../domain/money.ts';
import type { RunPart } from '../../domain/trace.ts';
import type { RouteId } from '../../domain/vocabulary.ts';
import type { Row } from './sql.ts';

export function jobOf(row: Row): Job {
  return {
    id: String(row.id),
    principal: String(row.principal),
    lineage: String(row.lineage),
    origin: written<JobOrigin>(row.origin),
    request: written<JobRequest>(row.request),
    model: String(row.model),
    state: oneOf(JOB_STATES, row.state),
    createdAt: Number(row.created_at),
    startedAt: maybeNumber(row.started_at),
    endedAt: maybeNumber(row.ended_at),
    deadlineAt: Number(row.deadline_at),
    expectedMs: maybeNumber(row.expected_ms),
    runs: Number(row.runs),
    isCancelAsked: Number(row.is_cancel_asked) === 1,
    cost: { billed: money(row.billed), possiblyBilled: money(row.possibly) },
    maxCost: row.max_cost === null ? undefined : money(row.max_cost),
    previews: written<readonly StoredImage[]>(row.previews),
    images: written<readonly StoredImage[]>(row.images),
    degraded: maybeText(row.degraded),
    error: errorIn(row.error),
    traceId: maybeText(row.trace_id),
  };
}

export function attemptOf(row: Row): JobAttempt {
  const end = {
    outcome: String(row.outcome),
    billed: money(row.billed),
    possiblyBilled: money(row.possibly),
    requestId: maybeText(row.request_id),
    endedAt: Number(row.ended_at),
  };
  return {
    run: Number(row.run),
    part: partOf(row.part),
    attempt: Number(row.attempt),
    target: String(row.target),
    route: String(row.route) as RouteId,
    startedAt: Number(row.started_at),
    ceiling: money(row.ceiling),
    end: row.outcome === null ? undefined : end,
  };
}

export function eventOf(row: Row): JobEvent {
  return { seq: Number(row.seq), at: Number(row.at), kind: oneOf(JOB_EVENT_KINDS, row.kind), data: written(row.data) };
}

export function errorIn(value: unknown): JobError | undefined {
  return value === null || value === undefined ? undefined : written<JobError>(value);
}

/** A run's part as text: nothing, `preview`, or a number. */
export function partText(part: RunPart | undefined): string {
  return part === undefined ? '' : String(part);
}

export function partOf(text: unknown): RunPart | undefined {
  if (text === '') return undefined;
  return text === 'preview' ? 'preview' : Number(text);
}

export function money(value: unknown): MicroUsd {
  return Number(value ?? 0) as MicroUsd;
}

function written<Value>(value: unknown): Value {
  return JSON.parse(String(value)) as Value;
}

function maybeNumber(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function maybeText(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

function oneOf<Word extends string>(words: readonly Word[], value: unknown): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw new Error(`invariant: ${String(value)} is none of ${words.join(', ')}`);
  return found;
}
