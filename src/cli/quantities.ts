// Durations, dollars and counts as people type them. Each answers with the number or with the problem, so that all
// mistakes of a command line show at once.
import type { Problem } from '../domain/error.ts';
import { problemsError } from '../domain/problem.ts';

export type Reading = { readonly kind: 'value'; readonly value: number } | { readonly kind: 'problem'; readonly problem: Problem };

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };
const DURATION = /^(-?\d+(?:\.\d+)?)\s*([a-z]*)$/i;
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)$/;

/** `8s`, `500ms`, `2m`, `1h`; a bare number is milliseconds, as in the request's own field. */
export function readDurationMs(field: string, text: string): Reading {
  const match = DURATION.exec(text.trim());
  const unit = match?.[2] === '' ? 'ms' : match?.[2]?.toLowerCase();
  const factor = unit === undefined ? undefined : UNITS_MS[unit];
  if (match?.[1] !== undefined && factor !== undefined) return { kind: 'value', value: Number(match[1]) * factor };
  return problem(field, 'must be a number with a unit: ms, s, m or h (a bare number is milliseconds)', text, DURATION_REMEDY);
}
export const DURATION_REMEDY = 'give a duration above zero and at most a day, such as 8s, 500ms or 2m';

/** `0.10` or `$0.10`. */
export function readDollars(field: string, text: string): Reading {
  const plain = text.trim().replace(/^\$/, '');
  if (NUMBER.test(plain)) return { kind: 'value', value: Number(plain) };
  return problem(field, 'must be an amount in dollars', text, 'give a positive number of dollars, such as 0.10');
}

export function readNumber(field: string, text: string, remedy: string): Reading {
  if (NUMBER.test(text.trim())) return { kind: 'value', value: Number(text) };
  return problem(field, 'must be a number', text, remedy);
}

/** A whole number within bounds. Throws ImageRouterError `invalid_request`. */
export function wholeNumber(field: string, text: string, least: number, most: number): number {
  const remedy = `give a whole number from ${least} to ${most}`;
  const reading = readNumber(field, text, remedy);
  if (reading.kind === 'problem') throw problemsError('invalid_request', 'request', [reading.problem]);
  if (Number.isInteger(reading.value) && reading.value >= least && reading.value <= most) return reading.value;
  const rule = `must be a whole number from ${least} to ${most}`;
  throw problemsError('invalid_request', 'request', [{ field, rule, value: text, remedy }]);
}

function problem(field: string, rule: string, text: string, remedy: string): Reading {
  return { kind: 'problem', problem: { field, rule, value: JSON.stringify(text), remedy } };
}
