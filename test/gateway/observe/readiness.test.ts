import { describe, expect, it } from 'vitest';
import { type ReadinessInput, readiness } from '../../../src/gateway/observe/readiness.ts';
import { targetNamed } from '../../support/worlds.ts';

const [LOW, HIGH] = [targetNamed('gpt-image-2-low'), targetNamed('gpt-image-2-high')];
const OPEN = { kind: 'open', reason: 'bad-key: Incorrect API key provided', retryAt: undefined } as const;
const FINE: ReadinessInput = {
  isDraining: false,
  isStoreHealthy: true,
  isFull: false,
  targets: [
    { target: LOW, admission: { kind: 'closed' } },
    { target: HIGH, admission: OPEN },
  ],
};

describe('a gateway', () => {
  it('is ready while it takes work and one route admits calls', () => {
    expect(readiness(FINE)).toEqual({ isReady: true, body: { status: 'ready', reasons: [], routes: { admitted: 1, configured: 2 } } });
  });

  it.each([
    ['draining', { isDraining: true }],
    ['store-unhealthy', { isStoreHealthy: false }],
    ['overloaded', { isFull: true }],
    ['no-route-admitted', { targets: [{ target: LOW, admission: OPEN }] }],
    ['no-route-admitted', { targets: [] }],
  ] as const)('is not ready when %s, and says so', (status, changes) => {
    const { isReady, body } = readiness({ ...FINE, ...changes });
    expect(isReady).toBe(false);
    expect(body.status).toBe(status);
    expect(body.reasons.map(({ code }) => code)).toEqual([status]);
  });

  it('says everything that stands in the way, what matters most first', () => {
    const { body } = readiness({ isDraining: true, isStoreHealthy: false, isFull: true, targets: [] });
    expect(body.reasons.map(({ code }) => code)).toEqual(['draining', 'store-unhealthy', 'overloaded', 'no-route-admitted']);
    expect(body.status).toBe('draining');
  });

  it('is ready when all it has is a breaker that lets a probe through: without traffic it would never close', () => {
    expect(readiness({ ...FINE, targets: [{ target: LOW, admission: { kind: 'probe' } }] }).isReady).toBe(true);
  });

  it('counts a route once, whatever it can do, and admitted when one operation is', () => {
    const targets = [
      { target: LOW, admission: { kind: 'closed' } as const },
      { target: LOW, admission: OPEN },
    ];
    expect(readiness({ ...FINE, targets }).body.routes).toEqual({ admitted: 1, configured: 1 });
  });

  it('tells strangers nothing a provider said', () => {
    const told = JSON.stringify(readiness({ ...FINE, targets: [{ target: LOW, admission: OPEN }] }));
    expect(told).not.toMatch(/bad-key|Incorrect|gpt/);
  });
});
