// What the attempts of a run that delivered nothing add up to, for the caller: the most telling error code, in words.
import type { ErrorCode } from '../domain/error.ts';
import type { Infeasible } from '../domain/plan.ts';
import type { Attempt } from './run.ts';

/** The error code that tells a caller most about why nothing was delivered. */
export function verdict(
  attempts: readonly Attempt[],
  refusal: Infeasible | undefined,
): { readonly code: ErrorCode; readonly message: string } {
  const failures = attempts.flatMap((attempt) => (attempt.phase === 'ended' && attempt.failure ? [attempt.failure] : []));
  const last = failures.at(-1);
  const refused = failures.find((failure) => failure.kind === 'refused');
  if (refused) return { code: 'refused', message: refused.message };
  const invalid = failures.find((failure) => failure.kind === 'invalid');
  if (invalid && failures.every((failure) => failure.kind === 'invalid')) return { code: 'invalid_request', message: invalid.message };
  if (last && failures.every((failure) => failure.kind === 'account')) return { code: 'account', message: last.message };
  const why = refusal === undefined ? '' : `; nothing else may be tried: ${refusal.detail}`;
  if (refusal?.binding === 'deadline' && failures.length > 0) {
    return { code: 'deadline_exceeded', message: `${last?.message ?? 'no image'}; too little time is left for another try` };
  }
  if (failures.length === 0) return { code: 'infeasible', message: refusal?.detail ?? 'no attempt could be sent' };
  return { code: 'providers_failed', message: `${last?.message ?? 'every attempt failed'}${why}` };
}
