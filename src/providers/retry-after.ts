// A provider's wish to be left alone, in whichever of five notations it was written, as world milliseconds. Pure: the
// wall clock is an argument. The SDKs do not help: one ignores waits above 60 s, the other ignores them all.
import { parseHttpDate } from '../system/http-date.ts';

/** Anything that answers a header by name, such as `Headers`. */
export type HeaderSource = { get(name: string): string | null };

/** A longer wish is a mistake of its writer: the longest quota of either provider renews daily, and a probe costs little. */
const LONGEST_WISH_MS = 7 * 24 * 3_600_000;
const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;

/** `retry-after-ms`, then `retry-after` in seconds or as a date. Undefined when there is none or it is not readable. */
export function retryAfterFromHeaders(headers: HeaderSource, wallMs: number): number | undefined {
  const milliseconds = numberIn(headers.get('retry-after-ms'));
  if (milliseconds !== undefined) return bounded(milliseconds);
  const text = headers.get('retry-after');
  const seconds = numberIn(text);
  if (seconds !== undefined) return bounded(seconds * 1_000);
  const date = text === null ? undefined : parseHttpDate(text);
  return date === undefined ? undefined : bounded(date - wallMs);
}

/** "Please try again in 51.84s" (also `6m0s`, `850ms`, "12 seconds") and Gemini's "Please retry in 31.02s". */
export function retryAfterFromText(message: string): number | undefined {
  const wish =
    /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s?(?:ms|milliseconds?|h|hours?|m|minutes?|s|seconds?)(?![a-z])\s?)+)/i.exec(
      message,
    );
  return wish?.[1] === undefined ? undefined : durationMs(wish[1]);
}

/** A protobuf duration as in google.rpc.RetryInfo: `31s`, `0.5s`. */
export function retryAfterFromDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)s$/.exec(text.trim());
  return match ? bounded(Number(match[1]) * 1_000) : undefined;
}

/** Gemini's daily quotas renew at midnight in California, which has days of 23 and 25 hours. */
export function untilMidnightPacific(wallMs: number): number {
  const guessMs = DAY_MS - sinceMidnightPacific(wallMs);
  const missedMs = sinceMidnightPacific(wallMs + guessMs);
  if (missedMs === 0) return guessMs;
  return missedMs < DAY_MS / 2 ? guessMs - missedMs : guessMs + (DAY_MS - missedMs);
}

const PACIFIC = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Los_Angeles',
  hourCycle: 'h23',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
});

function sinceMidnightPacific(wallMs: number): number {
  const part = (type: 'hour' | 'minute' | 'second'): number =>
    Number(PACIFIC.formatToParts(wallMs).find((candidate) => candidate.type === type)?.value ?? 0);
  return part('hour') * HOUR_MS + part('minute') * 60_000 + part('second') * 1_000 + (wallMs % 1_000);
}

function durationMs(text: string): number {
  let totalMs = 0;
  for (const match of text.matchAll(/(\d+(?:\.\d+)?)\s?(ms|milli|h|m|s)/gi)) totalMs += Number(match[1]) * unitMs(match[2] ?? 's');
  return bounded(totalMs);
}

function unitMs(unit: string): number {
  const first = unit.toLowerCase();
  if (first === 'ms' || first === 'milli') return 1;
  if (first === 'h') return HOUR_MS;
  return first === 'm' ? 60_000 : 1_000;
}

function numberIn(text: string | null): number | undefined {
  return text !== null && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

function bounded(wishMs: number): number {
  return Math.min(Math.max(0, Math.ceil(wishMs)), LONGEST_WISH_MS);
}
