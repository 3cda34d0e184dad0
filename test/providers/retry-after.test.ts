import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  retryAfterFromDuration,
  retryAfterFromHeaders,
  retryAfterFromText,
  untilMidnightPacific,
} from '../../src/providers/retry-after.ts';
import { parseHttpDate } from '../../src/system/http-date.ts';

const NOW = Date.parse('2026-11-22T20:00:00Z');
const from = (headers: Record<string, string>): number | undefined => retryAfterFromHeaders(new Headers(headers), NOW);

describe('a wish to be left alone', () => {
  it('is read from milliseconds before seconds, and from seconds before a date', () => {
    expect(from({ 'retry-after-ms': '850', 'retry-after': '2' })).toBe(850);
    expect(from({ 'retry-after': '120' })).toBe(120_000);
    expect(from({ 'retry-after': '0.5' })).toBe(500);
    expect(from({ 'retry-after': 'Sun, 22 Nov 2026 20:01:30 GMT' })).toBe(90_000);
  });

  it('is nothing for a date that has passed, and unreadable for nonsense', () => {
    expect(from({ 'retry-after': 'Sun, 22 Nov 2026 19:00:00 GMT' })).toBe(0);
    for (const nonsense of ['soon', '-5', '2026', '', '1e9']) {
      expect(from({ 'retry-after': nonsense }), nonsense).toBe(nonsense === '2026' ? 2_026_000 : undefined);
    }
    expect(from({})).toBeUndefined();
  });

  it('is at most a week, whatever a server writes', () => {
    expect(from({ 'retry-after': '99999999999' })).toBe(7 * 24 * 3_600_000);
  });

  it.each([
    ['Please try again in 51.84s. Visit x', 51_840],
    ['Please try again in 12s', 12_000],
    ['Please try again in 850ms.', 850],
    ['Please try again in 6m0s.', 360_000],
    ['Please try again in 1h2m3s.', 3_723_000],
    ['Please retry in 31.5s.', 31_500],
    ['Rate limit is exceeded. Try again in 12 seconds.', 12_000],
    ['Please retry after 1 minute.', 60_000],
    ['Please try again later.', undefined],
    ['Please try again in a moment', undefined],
  ])('is read from "%s"', (text, expected) => {
    expect(retryAfterFromText(text)).toBe(expected);
  });

  it('is read from a protobuf duration', () => {
    expect(retryAfterFromDuration('31s')).toBe(31_000);
    expect(retryAfterFromDuration('0.25s')).toBe(250);
    expect(retryAfterFromDuration('31')).toBeUndefined();
    expect(retryAfterFromDuration('')).toBeUndefined();
  });
});

describe('midnight in California', () => {
  it.each([
    ['2026-11-22T20:00:00Z', 12],
    ['2026-07-01T06:59:00Z', 1 / 60],
    // The day the clocks go forward has 23 hours, the day they go back 25.
    ['2026-03-08T09:00:00Z', 22],
    ['2026-11-01T08:00:00Z', 24],
  ])('is counted from %s', (instant, hours) => {
    expect(untilMidnightPacific(Date.parse(instant))).toBeCloseTo(hours * 3_600_000, 0);
  });

  it('is always ahead, never more than 25 hours, and struck exactly', () => {
    const hour = new Intl.DateTimeFormat('en-US', { timeZone: 'America/Los_Angeles', hourCycle: 'h23', timeStyle: 'medium' });
    fc.assert(
      fc.property(fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2030-01-01') }), (wallMs) => {
        const wait = untilMidnightPacific(wallMs);
        expect(wait).toBeGreaterThan(0);
        expect(wait).toBeLessThanOrEqual(25 * 3_600_000);
        expect(hour.format(wallMs + wait)).toBe('00:00:00');
      }),
    );
  });
});

describe('an HTTP date', () => {
  it('is read in all three forms HTTP allows, and nothing else is', () => {
    for (const form of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
      expect(parseHttpDate(form), form).toBe(784_111_777_000);
    }
    expect(parseHttpDate('120')).toBeUndefined();
    expect(parseHttpDate('Sunday was nice')).toBeUndefined();
  });
});
