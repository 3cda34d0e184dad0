import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { periodEnd, periodsOf } from '../../../src/gateway/store/periods.ts';

const instant = fc.integer({ min: 0, max: Date.UTC(2400, 0) });

describe('periods', () => {
  it('are UTC days and months, as the calendar has them', () => {
    fc.assert(
      fc.property(instant, (at) => {
        const text = new Date(at).toISOString();
        expect(periodsOf(at)).toEqual({ day: text.slice(0, 10), month: text.slice(0, 7) });
      }),
    );
  });

  it('end when the next one begins', () => {
    fc.assert(
      fc.property(instant, (at) => {
        const date = new Date(at);
        expect(periodEnd('usdPerDay', at)).toBe(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1));
        expect(periodEnd('usdPerMonth', at)).toBe(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
      }),
    );
  });
});
