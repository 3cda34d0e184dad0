import { describe, expect, it } from 'vitest';
import { microUsd } from '../../src/domain/money.ts';
import { split } from '../../src/plan/split.ts';
import { priorView, situationOf } from '../support/worlds.ts';

describe('several images', () => {
  it('come from one call, characters alike, when the deadline leaves time', () => {
    expect(split(situationOf({ need: { n: 4, budgetMs: 300_000 } }), false).kind).toBe('together');
  });

  it('come from single calls side by side when one call would be late', () => {
    const chosen = split(situationOf({ need: { n: 4, budgetMs: 50_000 } }), false);
    expect(chosen).toMatchObject({ kind: 'apart', parts: 4 });
  });

  it('come from one call whatever the deadline when the caller asks for consistency', () => {
    expect(split(situationOf({ need: { n: 4, budgetMs: 50_000 } }), true).kind).toBe('together');
  });

  it('are possible on a route that makes one image a call', () => {
    const down = { admission: { kind: 'open', reason: 'down', retryAt: undefined } } as const;
    const view = priorView('brief', { 'gpt-image-2-low': down, 'gpt-image-2-medium': down, 'gpt-image-2-high': down });
    const chosen = split(situationOf({ view, need: { n: 3, budgetMs: 60_000 } }), false);
    expect(chosen.kind).toBe('apart');
    expect(chosen.plan.kind === 'plan' && chosen.plan.attempts[0]?.route).toBe('nano-banana-pro');
  });

  it('share one price cap in equal parts, never above it', () => {
    const chosen = split(situationOf({ need: { n: 3, budgetMs: 50_000, maxCost: microUsd(0.2) } }), false);
    expect(chosen.kind === 'apart' && (chosen.partCap ?? 0) * 3).toBeLessThanOrEqual(200_000);
  });
});
