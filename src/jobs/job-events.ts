// What stands in a job's events, and in the errors a store gives a job itself: written by every store, so said once.
import type { EndedState, JobError, JobEvent } from '../domain/job.ts';
import type { Cost } from '../domain/result.ts';
import type { RunPart } from '../domain/trace.ts';
import type { EndedAttempt, JobEnd } from './job-store.ts';

export type BareEvent = Pick<JobEvent, 'kind' | 'data'>;

/** `again`: why it is back in the queue, and until when it waits there. */
export function queuedEvent(again?: { readonly reason: JobError; readonly notBefore: number }): BareEvent {
  return { kind: 'job.queued', data: again === undefined ? {} : { ...again } };
}

export function runningEvent(run: number): BareEvent {
  return { kind: 'job.running', data: { run } };
}

/** `previews`: how many there are by now. */
export function previewReadyEvent(previews: number): BareEvent {
  return { kind: 'job.preview_ready', data: { previews } };
}

export function endedEvent(state: EndedState, { images, degraded, error }: EndOfJob, cost: Cost): BareEvent {
  const about = { ...(degraded === undefined ? {} : { degraded }), ...(error === undefined ? {} : { error }) };
  return { kind: `job.${state}`, data: { images: images.length, ...about, cost } };
}
export type EndOfJob = Pick<JobEnd, 'images' | 'degraded' | 'error'>;

type Call = { readonly part: RunPart | undefined; readonly attempt: number };

export function attemptStartEvent(run: number, call: Call & { readonly route: string; readonly target: string }): BareEvent {
  const { route, target } = call;
  return { kind: 'attempt.start', data: { ...callIn(run, call), route, target } };
}

export function attemptEndEvent(run: number, call: Call, { outcome, billed, possiblyBilled }: EndOfCall): BareEvent {
  return { kind: 'attempt.end', data: { ...callIn(run, call), outcome, billed, possiblyBilled } };
}
export type EndOfCall = Pick<EndedAttempt['end'], 'outcome' | 'billed' | 'possiblyBilled'>;

function callIn(run: number, { part, attempt }: Call): Readonly<Record<string, unknown>> {
  return { run, ...(part === undefined ? {} : { part }), attempt };
}

/** Why a job is queued again whose worker died. */
export const WORKER_LOST: JobError = { code: 'worker_lost', message: 'the worker that made it ended without a word' };

/** Why a job is queued again that its worker does not know of. */
export const RUN_GIVEN_UP: JobError = { code: 'run_given_up', message: 'the worker it was given to does not work on it' };

export const LOST_TOO_OFTEN: JobError = {
  code: 'lost_too_often',
  message: 'too many workers died while they made it; it is likely what ended them',
};

/** `last`: why the latest run came to nothing. */
export function expiredError(last: JobError | undefined): JobError {
  const because = last === undefined ? 'it still waited for its turn' : `its latest run failed: ${last.message}`;
  return { code: 'deadline_exceeded', message: `it did not end by its deadline: ${because}` };
}
