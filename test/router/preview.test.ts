import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Explanation, ImageResult } from '../../src/index.ts';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

function worstCostOf({ plan }: Explanation): number | undefined {
  return plan.kind === 'plan' ? plan.worstCost : undefined;
}

const asked = { prompt: 'a lighthouse', latencyBudgetMs: 90_000, preview: true } as const;

describe('preview, then final', () => {
  it('shows the preview first, then delivers the final under the same id, with both in cost and trace', async () => {
    const world = new World();
    const previews: ImageResult[] = [];
    const onPreview = (preview: ImageResult): 'continue' => {
      previews.push(preview);
      return 'continue';
    };
    const outcome = await world.start(asked, { onPreview });
    expect(world.openai.calls[0]?.call.route.id).toBe('gpt-image-2-low');
    await world.pass(5_000);
    world.openai.calls[0]?.deliver();
    await settled();
    expect(previews).toHaveLength(1);
    expect(world.openai.calls[1]?.call.route.id).toBe('gpt-image-2-medium');
    world.openai.calls[1]?.deliver();
    await settled();
    expect(outcome.result).toMatchObject({ route: 'gpt-image-2-medium', id: previews[0]?.id, preview: { route: 'gpt-image-2-low' } });
    expect(outcome.result?.cost.billed).toBeGreaterThan(58_000);
    expect(outcome.result?.trace.events.some((event) => event.part === 'preview')).toBe(true);
  });

  it('skips the final, and its price, when the preview is accepted', async () => {
    const world = new World();
    const outcome = await world.start(asked, { onPreview: () => 'accept' });
    world.openai.calls[0]?.deliver();
    await settled();
    expect(outcome.result).toMatchObject({ route: 'gpt-image-2-low', degraded: undefined });
    expect(world.openai.calls).toHaveLength(1);
  });

  it('starts both at once when waiting for the preview would endanger the deadline', async () => {
    const world = new World();
    await world.start({ ...asked, latencyBudgetMs: 42_000 });
    expect(world.openai.calls.map((call) => call.call.route.id).toSorted()).toEqual(['gpt-image-2-low', 'gpt-image-2-medium']);
  });

  it.each([42_000, 90_000])('sends nothing for a caller who had left before, within %i ms', async (latencyBudgetMs) => {
    const world = new World();
    const outcome = await world.start({ ...asked, latencyBudgetMs }, { signal: AbortSignal.abort() });
    await settled();
    expect(outcome.error?.code).toBe('cancelled');
    expect([...world.openai.calls, ...world.google.calls]).toEqual([]);
  });

  it('is explained with what the preview would be made by, whatever the final may be', () => {
    const { router } = new World();
    const explained = router.explain({ ...asked, onLate: 'fail', size: '1920x1088' });
    const onItsOwn = { prompt: asked.prompt, tier: 'preview', size: '1920x1088', latencyBudgetMs: 15_000 } as const;
    expect(explained.preview?.attempts.length).toBeGreaterThan(0);
    expect(explained.preview?.worstCost).toBe(worstCostOf(router.explain(onItsOwn)));
    expect(router.explain({ ...asked, preview: false }).preview).toBeUndefined();
    expect(router.explain({ ...asked, tier: 'preview' }).preview).toBeUndefined();
  });

  it('delivers the final alone when the preview fails', async () => {
    const world = new World();
    const outcome = await world.start(asked);
    await world.pass(16_000);
    for (const call of world.google.calls) call.fail();
    await settled();
    world.openai.calls.at(-1)?.deliver();
    await settled();
    expect(outcome.result).toMatchObject({ route: 'gpt-image-2-medium' });
    expect(outcome.result?.preview).toBeUndefined();
  });

  it('never sends a prompt to the final that the preview was refused for', async () => {
    const world = new World();
    const outcome = await world.start(asked);
    world.openai.calls[0]?.fail({ kind: 'refused', fault: 'moderation', evidence: 'ignored' });
    await settled();
    expect(outcome.error?.code).toBe('refused');
    expect(world.openai.calls).toHaveLength(1);
  });

  it('counts what a failed preview may have cost, in the cap and in the result', async () => {
    const world = new World();
    const outcome = await world.start({ ...asked, maxCostUsd: 0.3 });
    world.openai.calls[0]?.fail({ kind: 'unknown', fault: 'connection-lost', billed: 'possibly', retry: 'never' });
    await settled();
    world.openai.calls.at(-1)?.deliver();
    await settled();
    expect(outcome.result?.route).toBe('gpt-image-2-medium');
    expect(outcome.result?.cost.possiblyBilled).toBeGreaterThan(5_000);
    expect(outcome.result?.trace.events.filter((event) => event.part === 'preview').length).toBeGreaterThan(2);
  });

  it('tells what the preview cost when the final fails', async () => {
    const world = new World();
    const outcome = await world.start(asked);
    world.openai.calls[0]?.deliver();
    await settled();
    world.openai.calls[1]?.fail({ kind: 'invalid', fault: 'bad-parameter', retry: 'never', evidence: 'ignored' });
    await settled();
    const billed = outcome.error?.trace?.events.flatMap((event) => (event.kind === 'end' ? [event.billed] : [])) ?? [];
    expect(billed).toHaveLength(2);
    expect(billed[0]).toBeGreaterThan(5_000);
  });

  it('goes on with the final when nobody answers, and gives up when the caller leaves', async () => {
    const world = new World();
    const silent = (): Promise<'accept'> => new Promise(() => {});
    await world.start(asked, { onPreview: silent });
    world.openai.calls[0]?.deliver();
    await settled();
    expect(world.openai.calls).toHaveLength(1);
    await world.pass(46_000);
    expect(world.openai.calls.length + world.google.calls.length).toBeGreaterThan(1);
    const leaving = new AbortController();
    const second = new World();
    const outcome = await second.start(asked, { onPreview: silent, signal: leaving.signal });
    second.openai.calls[0]?.deliver();
    await settled();
    leaving.abort();
    await settled();
    expect(outcome.error?.code).toBe('cancelled');
  });

  it('goes on with the final when the answer is a throw, and leaves no listener behind', async () => {
    const world = new World();
    const caller = new AbortController();
    const broken = (): never => {
      throw new Error('broken callback');
    };
    const outcome = await world.start(asked, { onPreview: broken, signal: caller.signal });
    world.openai.calls[0]?.deliver();
    await settled();
    world.openai.calls[1]?.deliver();
    await settled();
    expect(outcome.result?.route).toBe('gpt-image-2-medium');
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
  });

  it('does not keep a final that ran beside it from its caller', async () => {
    const world = new World();
    const outcome = await world.start({ ...asked, latencyBudgetMs: 42_000 });
    world.openai.calls.find((call) => call.call.route.id === 'gpt-image-2-medium')?.deliver();
    await settled();
    expect(outcome.result?.route).toBe('gpt-image-2-medium');
    expect(outcome.result?.cost.possiblyBilled).toBeGreaterThan(5_000);
  });

  it('never spends above the cap together, whatever happens to either', async () => {
    for (const latencyBudgetMs of [42_000, 90_000]) {
      for (const maxCostUsd of [0.07, 0.1, 0.226, 0.38]) {
        const world = new World();
        const outcome = await world.start({ ...asked, latencyBudgetMs, maxCostUsd });
        await world.pass(latencyBudgetMs + 1_000);
        const trace = outcome.result?.trace ?? outcome.error?.trace;
        const spent = trace?.events.reduce((sum, event) => sum + (event.kind === 'end' ? event.billed + event.possiblyBilled : 0), 0) ?? 0;
        expect(spent).toBeLessThanOrEqual(maxCostUsd * 1e6);
      }
    }
  });

  it('leaves the final its money: a preview that does not fit beside it is not made', async () => {
    const world = new World();
    await world.start({ ...asked, maxCostUsd: 0.054 });
    expect(world.openai.calls.map((call) => call.call.route.id)).toEqual(['gpt-image-2-medium']);
  });
});
