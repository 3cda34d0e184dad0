import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dollars, type MicroUsd, microUsd } from '../../src/domain/money.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { InstantMs } from '../../src/domain/time.ts';
import { plan } from '../../src/plan/plan.ts';
import type { Situation } from '../../src/plan/situation.ts';
import { policyNamed, priorView, situationOf, targetNamed, targets } from '../support/worlds.ts';

const AT = (ms: number): InstantMs => ms as InstantMs;

function feasible(situation: Situation): Plan {
  const result = plan(situation);
  if (result.kind !== 'plan') throw new Error(`expected a plan, got ${result.binding}: ${result.detail}`);
  return result;
}

function reasonFor(route: string, situation: Situation): string | undefined {
  return plan(situation).excluded.find((exclusion) => exclusion.route === route)?.reason;
}

describe('the first choice', () => {
  it('is the cheapest route that meets the need when time is plenty', () => {
    expect(feasible(situationOf({ need: { tier: 'preview' } })).attempts[0]?.route).toBe('gpt-image-2-low');
    expect(feasible(situationOf({ need: { tier: 'standard' } })).attempts[0]?.route).toBe('gpt-image-2-medium');
    expect(feasible(situationOf({ need: { tier: 'premium', textAccuracy: 'exact', budgetMs: 420_000 } })).attempts[0]?.route).toBe(
      'gpt-image-2-high',
    );
  });

  it('is whichever preview route is faster now when the budget is tight', () => {
    const need = { tier: 'preview', budgetMs: 7_000, policy: { ...policyNamed('default'), valueUsd: 2 } } as const;
    expect(feasible(situationOf({ need })).attempts[0]?.route).toBe('gpt-image-2-low');
    const slow = priorView('brief', { 'gpt-image-2-low': { queueWaitMs: 4_000 } });
    expect(feasible(situationOf({ need, view: slow })).attempts[0]?.route).toBe('nano-banana-pro');
  });

  it('moves to the other provider when the breaker of the first is open', () => {
    const open = { admission: { kind: 'open', reason: 'calls in flight have gone silent', retryAt: AT(15_000) } } as const;
    const view = priorView('brief', { 'gpt-image-2-low': open, 'gpt-image-2-medium': open, 'gpt-image-2-high': open });
    const outage = situationOf({ view });
    expect(feasible(outage).attempts.map((attempt) => attempt.route)).toContain('nano-banana-pro');
    expect(reasonFor('gpt-image-2-medium', outage)).toBe('breaker-open');
  });
});

describe('hard limits', () => {
  it('exclude with a reason what the route cannot do', () => {
    expect(reasonFor('nano-banana-pro', situationOf({ need: { n: 4 } }))).toBe('images');
    expect(reasonFor('nano-banana-pro', situationOf({ need: { background: 'transparent' } }))).toBe('format');
    expect(reasonFor('nano-banana-pro', situationOf({ need: { size: { width: 3072, height: 1024 } } }))).toBe('size');
    expect(reasonFor('nano-banana-pro', situationOf({ need: { quality: 'medium' } }))).toBe('not-asked-for');
    expect(reasonFor('gpt-image-2-low', situationOf({ need: { mayDegrade: [] } }))).toBe('below-need');
    expect(reasonFor('gpt-image-2-high', situationOf({ need: { budgetMs: 30_000 } }))).toBe('deadline');
    expect(reasonFor('gpt-image-2-high', situationOf({ need: { maxCost: microUsd(0.1) } }))).toBe('price-cap');
  });

  it('never crop a picture when the caller does not permit changed geometry', () => {
    const need = { size: { width: 1920, height: 1024 }, mayDegrade: ['tier', 'text'] } as const;
    expect(reasonFor('nano-banana-pro', situationOf({ need }))).toBe('size');
    expect(reasonFor('nano-banana-pro', situationOf({ need: { ...need, mayDegrade: ['geometry'] } }))).not.toBe('size');
  });

  it('leave no plan, but offers, when the budget cannot be met at any price', () => {
    const view = priorView('field');
    const refusal = plan(situationOf({ view, need: { textAccuracy: 'some', budgetMs: 6_000, mayDegrade: [] } }));
    expect(refusal.kind).toBe('infeasible');
    if (refusal.kind !== 'infeasible') return;
    expect(refusal.binding).toBe('deadline');
    expect(refusal.offers[0]).toMatchObject({ change: 'latencyBudgetMs' });
    const offered = refusal.offers[0]?.change === 'latencyBudgetMs' ? refusal.offers[0].to : 0;
    expect(plan(situationOf({ view, need: { textAccuracy: 'some', budgetMs: offered, mayDegrade: [] } })).kind).toBe('plan');
  });

  it('offer only what works by itself', () => {
    const need = { tier: 'preview', quality: 'low', budgetMs: 3_000, maxCost: microUsd(0.003) } as const;
    const refusal = plan(situationOf({ need }));
    expect(refusal.kind === 'infeasible' && refusal.offers.map((offer) => offer.change)).not.toContain('maxCostUsd');
  });

  it('name the price that would do when only the cap binds', () => {
    const refusal = plan(situationOf({ need: { maxCost: microUsd(0.001) } }));
    expect(refusal).toMatchObject({ kind: 'infeasible', binding: 'price-cap' });
    const offer = refusal.kind === 'infeasible' ? refusal.offers.find(({ change }) => change === 'maxCostUsd') : undefined;
    expect(plan(situationOf({ need: { maxCost: microUsd(Number(offer?.to)) } })).kind).toBe('plan');
  });
});

describe('hedges', () => {
  const silentAt = (plan: Plan): string[] => plan.attempts.map((attempt) => attempt.hedge ?? 'none');

  it('are planned only for a stated reason', () => {
    expect(silentAt(feasible(situationOf({ need: { budgetMs: 300_000 } })))).not.toContain('tight-budget');
    const tight = { tier: 'preview', budgetMs: 6_000, policy: { ...policyNamed('default'), valueUsd: 2 } } as const;
    expect(silentAt(feasible(situationOf({ need: tight })))).toContain('tight-budget');
  });

  it('go to another provider when a running call has gone silent', () => {
    const running = [{ target: targetNamed('gpt-image-2-low'), startedAt: AT(0) }];
    const view = priorView('brief', { 'gpt-image-2-low': { silent: true, success: 0.3 } });
    const next = feasible(
      situationOf({ need: { tier: 'preview', budgetMs: 25_000 }, now: AT(12_000), deadline: AT(25_000), running, view, attemptsLeft: 2 }),
    );
    expect(next.attempts[0]).toMatchObject({ route: 'nano-banana-pro', startMs: 0, hedge: 'gone-silent' });
  });

  it('never cost more than the hedge budget', () => {
    const policy = { ...policyNamed('default'), valueUsd: 2, hedgeBudgetUsd: 0.01 };
    const next = feasible(situationOf({ need: { tier: 'preview', budgetMs: 6_000, policy } }));
    const hedges = next.attempts.filter((attempt) => attempt.hedge !== undefined);
    expect(hedges.reduce((sum, attempt) => sum + dollars(attempt.price.ceiling), 0)).toBeLessThanOrEqual(0.01);
  });

  it('are not bought for a healthy call that is merely slower than usual', () => {
    const running = [{ target: targetNamed('gpt-image-2-medium'), startedAt: AT(0) }];
    const next = feasible(situationOf({ now: AT(26_000), deadline: AT(120_000), running, attemptsLeft: 2 }));
    expect(next.attempts.every((attempt) => attempt.startMs === undefined || attempt.startMs > 5_000)).toBe(true);
  });
});

describe('any situation', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const situations = fc
    .record({
      budgetMs: fc.integer({ min: 500, max: 600_000 }),
      capUsd: fc.option(fc.double({ min: 0.001, max: 1, noNaN: true }), { nil: undefined }),
      committedShare: share,
      text: fc.constantFrom('none', 'some', 'exact'),
      tier: fc.constantFrom('preview', 'standard', 'premium'),
      mayDegrade: fc.subarray(['tier', 'text', 'geometry'] as const),
      policy: fc.constantFrom('default', 'chat', 'backend', 'poster', 'sketches'),
      profile: fc.constantFrom('brief', 'field'),
      success: fc.array(fc.double({ min: 0.02, max: 0.999, noNaN: true }), { minLength: 4, maxLength: 4 }),
      open: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      silent: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      waitMs: fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 4, maxLength: 4 }),
      attemptsLeft: fc.integer({ min: 0, max: 3 }),
      running: fc.option(fc.record({ route: fc.integer({ min: 0, max: 3 }), ageMs: fc.integer({ min: 0, max: 300_000 }) }), {
        nil: undefined,
      }),
    })
    .map((draw): Situation => {
      const changes = Object.fromEntries(
        targets.map((target, index) => [
          target.route.id,
          {
            success: draw.success[index] ?? 0.5,
            silent: draw.silent[index] ?? false,
            queueWaitMs: draw.waitMs[index] ?? 0,
            ...(draw.open[index] ? { admission: { kind: 'open', reason: 'test', retryAt: AT(400_000) } as const } : {}),
          },
        ]),
      );
      const maxCost = draw.capUsd === undefined ? undefined : microUsd(draw.capUsd);
      const running = draw.running && targets[draw.running.route];
      return situationOf({
        now: AT(300_000),
        deadline: AT(300_000 + draw.budgetMs),
        view: priorView(draw.profile, changes),
        committed: Math.floor((maxCost ?? 0) * draw.committedShare) as MicroUsd,
        attemptsLeft: draw.attemptsLeft,
        running: running && draw.running ? [{ target: running.id, startedAt: AT(300_000 - draw.running.ageMs) }] : [],
        need: {
          budgetMs: draw.budgetMs,
          maxCost,
          textAccuracy: draw.text,
          tier: draw.tier,
          mayDegrade: draw.mayDegrade,
          policy: policyNamed(draw.policy),
        },
      });
    });

  it('gives the same plan twice, within three attempts and the attempts left', () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const first = plan(situation);
        expect(plan(situation)).toEqual(first);
        if (first.kind === 'plan') expect(first.attempts.length).toBeLessThanOrEqual(situation.attemptsLeft);
      }),
    );
  });

  it('sorts every target into forecast or exclusion, and plans none that is excluded', () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const result = plan(situation);
        const excluded = new Set(result.excluded.map((exclusion) => exclusion.target));
        for (const target of situation.targets) {
          expect(excluded.has(target.id) || result.forecasts.some((forecast) => forecast.target === target.id)).toBe(true);
        }
        if (result.kind === 'plan') for (const attempt of result.attempts) expect(excluded.has(attempt.target)).toBe(false);
      }),
    );
  });

  it('keeps calls that may run side by side within the cap and the hedge budget', () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const result = plan(situation);
        if (result.kind !== 'plan') return;
        const { maxCost, policy } = situation.need;
        const together = result.attempts
          .filter((attempt) => attempt.startMs !== undefined)
          .reduce((sum, attempt) => sum + attempt.price.ceiling, 0);
        const hedges = result.attempts
          .filter((attempt) => attempt.hedge !== undefined)
          .reduce((sum, attempt) => sum + attempt.price.ceiling, 0);
        if (maxCost !== undefined) expect(situation.committed + together).toBeLessThanOrEqual(maxCost + 1);
        expect(hedges).toBeLessThanOrEqual(policy.hedgeBudgetUsd * 1_000_000 + 1);
      }),
    );
  });

  it('starts every timed attempt before the deadline, in order, and gives probabilities and costs that are numbers', () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const result = plan(situation);
        if (result.kind !== 'plan') return;
        const times = result.attempts.flatMap((attempt) => (attempt.startMs === undefined ? [] : [attempt.startMs]));
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        for (const time of times) expect(time).toBeLessThan(situation.deadline - situation.now);
        expect(result.chance).toBeGreaterThanOrEqual(0);
        expect(result.chance).toBeLessThanOrEqual(1);
        expect(Number.isInteger(result.expectedCost)).toBe(true);
        expect(result.expectedCost).toBeLessThanOrEqual(result.worstCost);
      }),
    );
  });

  it('is never less likely to succeed with a longer budget', () => {
    fc.assert(
      fc.property(situations, fc.integer({ min: 1_000, max: 100_000 }), (situation, moreMs) => {
        const best = (of: Situation): number => Math.max(0, ...plan(of).forecasts.map((forecast) => forecast.chance));
        expect(best({ ...situation, deadline: AT(situation.deadline + moreMs) })).toBeGreaterThanOrEqual(best(situation) - 1e-9);
      }),
    );
  });

  it('admits no request whose best plan is less likely than the policy allows', () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const fresh = { ...situation, committed: 0 as MicroUsd, running: [] };
        const result = plan(fresh);
        if (result.kind === 'plan') expect(result.chance).toBeGreaterThanOrEqual(situation.need.policy.minChance - 1e-9);
      }),
    );
  });
});
