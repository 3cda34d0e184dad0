// What a failure teaches a run: which targets to leave alone and for how long, whether anything may start at all, and what
// it says to the next plan. Health learns from the same failures across runs, by evidence; this is about one request.
import type { Failure } from '../domain/failure.ts';
import type { Exclusion } from '../domain/plan.ts';
import type { Target, TargetId } from '../domain/route.ts';
import type { InstantMs } from '../domain/time.ts';
import type { Setback } from '../plan/situation.ts';
import type { Attempt, Run } from './run.ts';

/** The run after a failure on `target`; `until` is when it may be tried again, undefined: the retry budget is spent. */
export function learnFrom(run: Run, target: Target, failure: Failure, until: InstantMs | undefined): Run {
  const detail = `${failure.fault}: ${failure.message}`;
  if (failure.kind === 'refused') {
    const mayStart = run.mayStart && run.need.policy.fallbackOnRefusal;
    return setAsideWhere({ ...run, mayStart }, (other) => other.route.provider === target.route.provider, 'refused-here', detail);
  }
  const lesson = failure.retry === 'never' ? { ...run, mayStart: false } : run;
  const isAffected = (other: Target): boolean =>
    other.id === target.id || (failure.scope === 'endpoint' && other.endpoint === target.endpoint);
  const mayRepeat = failure.retry === 'same' && until !== undefined && !wasPaidTwice(run, target.id);
  return mayRepeat ? leaveAlone(lesson, isAffected, until) : setAsideWhere(lesson, isAffected, 'failed-here', detail);
}

/** The run without this target. */
export function setAside(run: Run, target: TargetId, reason: Exclusion['reason'], detail: string): Run {
  return { ...run, setAside: new Map(run.setAside).set(target, { reason, detail }) };
}

/** What an attempt's failure says about its endpoint for the rest of this run. */
export function setbackOf(attempt: Attempt): readonly Setback[] {
  const failure = attempt.phase === 'ended' ? attempt.failure : undefined;
  if (failure?.evidence !== 'against') return [];
  // Told when to come back, waiting for that is no setback.
  if (failure.fault === 'rate-limited' && failure.retryAfterMs !== undefined) return [];
  return [{ target: attempt.target.id, kind: failure.fault === 'timeout' ? 'silent' : 'failed' }];
}

/** A call that may have been billed for nothing is repeated on the same target once, not more. */
function wasPaidTwice(run: Run, target: TargetId): boolean {
  const paid = run.attempts.filter((attempt) => attempt.target.id === target && attempt.phase === 'ended' && isPaidForNothing(attempt));
  return paid.length >= 2;
}

function isPaidForNothing({ failure }: Extract<Attempt, { phase: 'ended' }>): boolean {
  return failure !== undefined && failure.billed !== 'no';
}

function leaveAlone(run: Run, isMeant: (target: Target) => boolean, until: InstantMs): Run {
  const notBefore = new Map(run.notBefore);
  for (const target of run.targets) if (isMeant(target)) notBefore.set(target.id, until);
  return { ...run, notBefore };
}

function setAsideWhere(run: Run, isMeant: (target: Target) => boolean, reason: Exclusion['reason'], detail: string): Run {
  return run.targets.filter(isMeant).reduce((left, target) => setAside(left, target.id, reason, detail), run);
}
