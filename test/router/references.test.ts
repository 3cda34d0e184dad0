// Reference images that take longer to look at than the request has time: pictures wait for their turn behind others.
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkAttachments } from '../../src/router/intake.ts';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

/** Takes much longer to decode than anything here waits. */
const HUGE = await sharp({ create: { width: 6_000, height: 6_000, channels: 3, background: '#888' } })
  .png()
  .toBuffer();

describe('a request whose reference images are still being looked at', () => {
  it('ends at its deadline, with nothing sent and nothing spent', async () => {
    const world = new World();
    const outcome = await world.start({ referenceImages: [HUGE], latencyBudgetMs: 20_000 });
    world.clock.advance(20_000);
    await settled();
    expect(outcome.error).toMatchObject({ code: 'deadline_exceeded', message: expect.stringContaining('reference images') });
    expect(outcome.error?.trace?.events).toMatchObject([{ kind: 'end', end: 'failed', atMs: 20_000, billed: 0, possiblyBilled: 0 }]);
    expect(world.told.map((told) => told.kind === 'request' && told.event.kind)).toEqual(['end']);
    expect([...world.openai.calls, ...world.google.calls]).toEqual([]);
  });

  it('ends when its caller leaves', async () => {
    const world = new World();
    const caller = new AbortController();
    const outcome = await world.start({ referenceImages: [HUGE] }, caller.signal);
    caller.abort();
    await settled();
    expect(outcome.error).toMatchObject({ code: 'cancelled', trace: { events: [{ kind: 'end', end: 'cancelled' }] } });
    expect([...world.openai.calls, ...world.google.calls]).toEqual([]);
  });

  it('has no further picture looked at once it is over', async () => {
    const small = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } })
      .png()
      .toBuffer();
    const over = new AbortController();
    const checked = checkAttachments({ prompt: 'a fox', referenceImages: [small, new Uint8Array(8)] } as never, over.signal);
    over.abort();
    await expect(checked).rejects.toMatchObject({ name: 'AbortError' });
  });
});
