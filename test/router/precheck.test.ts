import { describe, expect, it } from 'vitest';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

const poster = { prompt: 'a jazz poster', policy: 'poster' } as never;
const routes = (world: World): string[] => world.openai.calls.map((call) => call.call.route.id);

describe('a premium render under a policy with precheck', () => {
  it('starts at once for a prompt that passed moderation', async () => {
    const world = new World();
    world.openai.moderation = { kind: 'passed' };
    const outcome = await world.start(poster);
    expect(routes(world)).toEqual(['gpt-image-2-high']);
    world.openai.calls[0]?.deliver();
    await settled();
    expect(outcome.result?.trace.events[0]).toMatchObject({ kind: 'precheck', verdict: 'passed' });
  });

  it('does not wait for moderation beyond its deadline', async () => {
    const world = new World();
    world.openai.moderation = 'silent';
    const outcome = await world.start({ prompt: 'a jazz poster', policy: 'poster', latencyBudgetMs: 2_000 } as never);
    await world.pass(2_000);
    expect(outcome.error).toMatchObject({ code: 'deadline_exceeded' });
  });

  it('is never made, nor paid, for a prompt that moderation refuses', async () => {
    const world = new World();
    world.openai.moderation = { kind: 'refused', message: 'violence' };
    const outcome = await world.start(poster);
    expect(outcome.error).toMatchObject({ code: 'refused', message: 'violence' });
    expect(routes(world)).toEqual([]);
  });

  it('is tested on low, which doubles as the preview, where there is no moderation to ask', async () => {
    const world = new World();
    const outcome = await world.start(poster);
    expect(routes(world)).toEqual(['gpt-image-2-low']);
    world.openai.calls[0]?.deliver();
    await settled();
    expect(routes(world)).toEqual(['gpt-image-2-low', 'gpt-image-2-high']);
    world.openai.calls[1]?.deliver();
    await settled();
    expect(outcome.result).toMatchObject({ route: 'gpt-image-2-high', preview: { route: 'gpt-image-2-low' } });
  });

  it('goes to low first after a refusal, once the prompt was changed, and remembers per tenant', async () => {
    const world = new World();
    world.openai.moderation = { kind: 'passed' };
    await world.start({ prompt: 'a jazz poster', policy: 'poster', tenant: 'a' } as never);
    world.openai.calls[0]?.fail({ kind: 'refused', fault: 'moderation', evidence: 'ignored' });
    await settled();
    await world.start({ prompt: 'a calmer jazz poster', policy: 'poster', tenant: 'a' } as never);
    await world.start({ prompt: 'a jazz poster', policy: 'poster', tenant: 'b' } as never);
    expect(routes(world)).toEqual(['gpt-image-2-high', 'gpt-image-2-low', 'gpt-image-2-high']);
    await world.pass(11 * 60_000);
    await world.start({ prompt: 'a jazz poster', policy: 'poster', tenant: 'a' } as never);
    expect(routes(world).at(-1)).toBe('gpt-image-2-high');
  });

  it('is not tested below the premium tier, where a test would cost as much as it saves', async () => {
    const world = new World();
    await world.start({ prompt: 'a red fox', policy: 'poster', tier: 'standard' } as never);
    expect(world.openai.moderated).toEqual([]);
  });
});
