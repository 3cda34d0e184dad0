import { describe, expect, it } from 'vitest';
import { type ErrorCode, type ErrorDetails, ImageRouterError } from '../../src/domain/error.ts';
import type { Infeasible } from '../../src/domain/plan.ts';
import type { TraceEvent } from '../../src/domain/trace.ts';
import { judgeError, type RunFacts } from '../../src/jobs/run-end.ts';
import { costOf, usd } from '../gateway/support/state-world.ts';
import { aJob } from './support/a-job.ts';

const NOW = 1_795_608_000_000;

function facts(changes: { runs?: number; leftMs?: number; maxCost?: number; cost?: number; spent?: number } = {}): RunFacts {
  const { runs = 1, leftMs = 3_600_000, maxCost, cost = 0, spent = 0 } = changes;
  const cap = maxCost === undefined ? undefined : usd(maxCost);
  const job = aJob({ state: 'running', runs, deadlineAt: NOW + leftMs, maxCost: cap, cost: costOf(0, cost) });
  return { job, spent: costOf(spent), now: NOW };
}

const errorOf = (code: ErrorCode, details: ErrorDetails = {}): ImageRouterError => new ImageRouterError(code, `it is ${code}`, details);

function infeasible(binding: Infeasible['binding'], reasons: readonly Infeasible['binding'][], offers: Infeasible['offers'] = []) {
  const excluded = reasons.map((reason) => ({ route: 'low' as never, target: undefined, reason, detail: '' }));
  const plan: Infeasible = { kind: 'infeasible', binding, detail: '', forecasts: [], excluded, offers };
  const event: TraceEvent = { kind: 'plan', atMs: 0, plan, cause: 'request' };
  return errorOf('infeasible', { offers, trace: { requestId: 'req', events: [event] } });
}

describe('what becomes of a job whose run came to nothing', () => {
  it.each(['providers_failed', 'account', 'closed', 'cancelled'] as const)('%s may pass: it is tried again', (code) => {
    expect(judgeError(errorOf(code), facts())).toMatchObject({ kind: 'again', waitMs: 5_000, reason: { code } });
  });

  it.each(['refused', 'invalid_request', 'invalid_config', 'file_unreadable'] as const)('%s does not: it fails at once', (code) => {
    expect(judgeError(errorOf(code), facts())).toMatchObject({ kind: 'failed', error: { code } });
  });

  it('waits three times as long each time, and never longer than five minutes', () => {
    const waits = [1, 2, 3, 4, 5, 6, 60].map((runs) => judgeError(errorOf('account'), facts({ runs })));
    expect(waits.map((end) => end.kind === 'again' && end.waitMs)).toEqual([5_000, 15_000, 45_000, 135_000, 300_000, 300_000, 300_000]);
  });

  it('waits for nothing that would begin after the deadline', () => {
    expect(judgeError(errorOf('account'), facts({ leftMs: 5_001 }))).toMatchObject({ kind: 'again' });
    expect(judgeError(errorOf('account'), facts({ leftMs: 5_000 }))).toMatchObject({ kind: 'failed', error: { code: 'account' } });
  });

  it('the deadline itself ends it as expired, and says what came last', () => {
    const end = judgeError(errorOf('deadline_exceeded'), facts());
    expect(end).toMatchObject({
      kind: 'expired',
      error: { code: 'deadline_exceeded', message: expect.stringContaining('it is deadline') },
    });
  });

  it('with its money spent, over all runs, it is not tried again', () => {
    const money = { maxCost: 10_000, cost: 4_000, spent: 6_000 };
    const end = judgeError(errorOf('providers_failed'), facts(money));
    expect(end).toMatchObject({ kind: 'failed', error: { code: 'price_cap_reached', message: expect.stringContaining('$0.01') } });
    expect(judgeError(errorOf('providers_failed'), facts({ ...money, spent: 5_999 }))).toMatchObject({ kind: 'again' });
  });

  it('limits of the request that no time changes fail it at once', () => {
    expect(judgeError(infeasible('size', ['size', 'below-need']), facts())).toMatchObject({
      kind: 'failed',
      error: { code: 'infeasible' },
    });
  });

  it('routes that are down or limited now are waited for, as long as they say', () => {
    expect(judgeError(infeasible('price-cap', ['price-cap', 'breaker-open']), facts())).toMatchObject({ kind: 'again', waitMs: 5_000 });
    const offer = { change: 'retryAfterMs', to: 42_000, route: 'low' as never } as const;
    expect(judgeError(infeasible('deadline', [], [offer]), facts())).toMatchObject({ kind: 'again', waitMs: 42_000 });
    // Never longer than it would wait otherwise.
    expect(judgeError(infeasible('deadline', [], [{ ...offer, to: 9e9 }]), facts())).toMatchObject({ kind: 'again', waitMs: 300_000 });
  });

  it('a cap too low from the start is the request’s own; one that earlier runs used up is said to be', () => {
    const tooDear = infeasible('price-cap', ['price-cap']);
    expect(judgeError(tooDear, facts({ maxCost: 100 }))).toMatchObject({ error: { code: 'infeasible' } });
    expect(judgeError(tooDear, facts({ maxCost: 100, cost: 90 }))).toMatchObject({ error: { code: 'price_cap_reached' } });
  });
});
