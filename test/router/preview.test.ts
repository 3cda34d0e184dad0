import { describe, expect, it } from 'vitest';
import type { ImageResult } from '../../src/index.ts';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

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

  it('leaves the final its money: a preview that does not fit beside it is not made', async () => {
    const world = new World();
    await world.start({ ...asked, maxCostUsd: 0.054 });
    expect(world.openai.calls.map((call) => call.call.route.id)).toEqual(['gpt-image-2-medium']);
  });
});
