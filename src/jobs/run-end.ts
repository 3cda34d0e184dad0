// What becomes of a job whose run came to nothing: tried again later, or ended, and as what. Pure: the error, the job, what was
// spent and the time are all it looks at. Trouble of providers may pass, so it is waited out until the deadline; what the
// request itself is to blame for is not made better by waiting.
import type { ImageRouterError } from '../domain/error.ts';
import type { Job, JobError, StoredImage } from '../domain/job.ts';
import { addUsd, formatUsd, type MicroUsd } from '../domain/money.ts';
import { type Exclusion, type Infeasible, isHindered } from '../domain/plan.ts';
import type { Cost } from '../domain/result.ts';
import { expiredError } from './job-events.ts';

export type RunEnd =
  | { readonly kind: 'completed'; readonly images: readonly StoredImage[]; readonly degraded: string | undefined }
  | { readonly kind: 'failed'; readonly error: JobError }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'expired'; readonly error: JobError }
  /** World milliseconds from now. */
  | { readonly kind: 'again'; readonly waitMs: number; readonly reason: JobError };

/** World milliseconds, for it is the providers that are given time: 5 s, 15 s, 45 s, 135 s, then 5 min each. */
const FIRST_WAIT_MS = 5_000;
const WAIT_FACTOR = 3;
const LONGEST_WAIT_MS = 300_000;

export type RunFacts = {
  readonly job: Job;
  /** Of this run; the job's own figures are those of the runs before. */
  readonly spent: Cost;
  readonly now: number;
};

export function judgeError(error: ImageRouterError, facts: RunFacts): RunEnd {
  const { code, message, problems } = error;
  const told: JobError = { code, message, ...(problems.length === 0 ? {} : { problems }) };
  switch (code) {
    case 'providers_failed':
    case 'account':
    case 'closed':
    case 'cancelled':
      return waitOut(told, facts, undefined);
    case 'infeasible':
      return judgeInfeasible(error, told, facts);
    case 'deadline_exceeded':
      return { kind: 'expired', error: expiredError(told) };
    case 'invalid_request':
    case 'invalid_config':
    case 'file_unreadable':
    case 'refused':
      return { kind: 'failed', error: told };
  }
}

/** Something that may pass: again later, unless that would be beyond the deadline or there is no money left for it. */
export function waitOut(reason: JobError, facts: RunFacts, atLeastMs: number | undefined): RunEnd {
  const { job, now } = facts;
  if (moneyLeft(facts) === 0) return priceCapReached(facts);
  const backoffMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * WAIT_FACTOR ** Math.max(0, job.runs - 1));
  const waitMs = Math.max(backoffMs, Math.min(atLeastMs ?? 0, LONGEST_WAIT_MS));
  return now + waitMs >= job.deadlineAt ? { kind: 'failed', error: reason } : { kind: 'again', waitMs, reason };
}

/** Trouble of routes is over some time; a limit of the request is not. */
function mayPassFor(exclusion: Exclusion): boolean {
  return isHindered(exclusion) || exclusion.reason === 'failed-here';
}

function judgeInfeasible(error: ImageRouterError, told: JobError, facts: RunFacts): RunEnd {
  const offer = error.offers.find(({ change }) => change === 'retryAfterMs');
  const refusal = lastRefusal(error);
  const mayPass = offer !== undefined || (refusal?.excluded.some(mayPassFor) ?? false);
  if (mayPass) return waitOut(told, facts, offer?.change === 'retryAfterMs' ? offer.to : undefined);
  // With its money still whole, the cap was too low from the start: that is what the offers speak of.
  if (refusal?.binding === 'price-cap' && totalOf(facts) > 0) return priceCapReached(facts);
  return { kind: 'failed', error: told };
}

function lastRefusal({ trace }: ImageRouterError): Infeasible | undefined {
  return trace?.events.flatMap((event) => (event.kind === 'plan' && event.plan.kind === 'infeasible' ? [event.plan] : [])).at(-1);
}

/** What may still be spent on a job, calls whose end nobody knows counted as billed; undefined: without a cap. */
export function moneyLeft({ job, spent }: Pick<RunFacts, 'job' | 'spent'>): MicroUsd | undefined {
  return job.maxCost === undefined ? undefined : (Math.max(0, job.maxCost - totalOf({ job, spent })) as MicroUsd);
}

export function priceCapReached(facts: Pick<RunFacts, 'job' | 'spent'>): RunEnd {
  const cap = facts.job.maxCost === undefined ? '' : ` of ${formatUsd(facts.job.maxCost)}`;
  const message = `its runs cost ${formatUsd(totalOf(facts))}, calls that may have been billed included: its cap${cap} leaves no room for another`;
  return { kind: 'failed', error: { code: 'price_cap_reached', message } };
}

function totalOf({ job, spent }: Pick<RunFacts, 'job' | 'spent'>): MicroUsd {
  return addUsd(job.cost.billed, job.cost.possiblyBilled, spent.billed, spent.possiblyBilled);
}
