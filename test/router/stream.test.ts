import { describe, expect, it } from 'vitest';
import type { StreamEvent } from '../../src/router/stream.ts';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

async function collect(events: AsyncIterable<StreamEvent>, into: StreamEvent[]): Promise<void> {
  for await (const event of events) into.push(event);
}

describe('a stream', () => {
  it('tells plan, attempts and fallback in order, and ends with the final', async () => {
    const world = new World();
    const seen: StreamEvent[] = [];
    const done = collect(world.router.stream({ prompt: 'a red fox' }), seen);
    await settled();
    world.openai.calls[0]?.fail();
    await settled();
    world.google.calls[0]?.deliver();
    await done;
    const kinds = seen.map((event) => event.kind);
    expect(kinds.indexOf('plan')).toBe(0);
    expect(kinds.indexOf('fallback')).toBeGreaterThan(kinds.indexOf('attempt-end'));
    expect(kinds.at(-1)).toBe('final');
  });

  it('passes interim pictures on', async () => {
    const world = new World();
    const seen: StreamEvent[] = [];
    const done = collect(world.router.stream({ prompt: 'a red fox' }), seen);
    await settled();
    world.openai.calls[0]?.call.onPartial?.({ bytes: new Uint8Array([1]), format: 'png', index: 0 });
    world.openai.calls[0]?.deliver();
    await done;
    expect(seen.some((event) => event.kind === 'partial-image')).toBe(true);
  });

  it('gives up the request when its consumer leaves the loop', async () => {
    const world = new World();
    for await (const event of world.router.stream({ prompt: 'a red fox' })) if (event.kind === 'attempt-start') break;
    await settled();
    expect(world.openai.calls[0]?.signal.aborted).toBe(true);
  });

  it('keeps nobody waiting when its consumer leaves at the preview', async () => {
    const world = new World();
    const left = (async (): Promise<void> => {
      for await (const event of world.router.stream({ prompt: 'a red fox', preview: true, latencyBudgetMs: 90_000 })) {
        if (event.kind === 'preview-image') break;
      }
    })();
    await settled();
    world.openai.calls[0]?.deliver();
    await left;
    await world.router.close();
    expect(world.openai.isClosed).toBe(true);
  });

  it('rejects with the error that generate would', async () => {
    const world = new World();
    await expect(collect(world.router.stream({ prompt: '' }), [])).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('makes no final when its consumer accepts the preview', async () => {
    const world = new World();
    const kinds: string[] = [];
    const done = (async (): Promise<void> => {
      for await (const event of world.router.stream({ prompt: 'a red fox', preview: true, latencyBudgetMs: 90_000 })) {
        kinds.push(event.kind);
        if (event.kind === 'preview-image') event.accept();
      }
    })();
    await settled();
    world.openai.calls[0]?.deliver();
    await done;
    expect(kinds.at(-1)).toBe('final');
    expect(world.openai.calls).toHaveLength(1);
  });
});
