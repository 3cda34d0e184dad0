import { describe, expect, it } from 'vitest';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

describe('several images as single calls', () => {
  it('run side by side and come back as one result with one trace', async () => {
    const world = new World();
    const outcome = await world.start({ n: 3, latencyBudgetMs: 45_000 });
    expect(world.openai.calls).toHaveLength(3);
    for (const call of world.openai.calls) call.deliver();
    await settled();
    expect(outcome.result?.images).toHaveLength(3);
    expect(new Set(outcome.result?.trace.events.map((event) => event.part))).toEqual(new Set([1, 2, 3]));
    expect(outcome.result?.cost.billed).toBeGreaterThan(3 * 50_000);
  });

  it('are delivered even when a sibling fails, and say how many are missing', async () => {
    const world = new World();
    const outcome = await world.start({ n: 3, latencyBudgetMs: 45_000 });
    world.openai.calls[0]?.fail({ kind: 'refused', fault: 'moderation', evidence: 'ignored', message: 'refused' });
    world.openai.calls[1]?.deliver();
    world.openai.calls[2]?.deliver();
    await settled();
    expect(outcome.result?.images).toHaveLength(2);
    expect(outcome.result?.degraded).toContain('2 of 3 images were made: refused');
  });

  it('never cost more than the cap together', async () => {
    const world = new World();
    const outcome = await world.start({ n: 3, latencyBudgetMs: 45_000, maxCostUsd: 0.165 });
    for (const call of world.openai.calls) call.fail({ kind: 'unknown', fault: 'connection-lost', billed: 'possibly' });
    await settled();
    await world.pass(45_000);
    const ends = outcome.error?.trace?.events.filter((event) => event.kind === 'end') ?? [];
    expect(ends.reduce((sum, end) => sum + (end.kind === 'end' ? end.billed + end.possiblyBilled : 0), 0)).toBeLessThanOrEqual(165_000);
  });
});
