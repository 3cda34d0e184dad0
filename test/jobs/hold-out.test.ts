// Over the real router and its breakers: when a job waits for better, and when it takes what there is.
import { describe, expect, it } from 'vitest';
import type { ImageRequest } from '../../src/index.ts';
import { holdOut } from '../../src/jobs/hold-out.ts';
import type { RunFacts } from '../../src/jobs/run-end.ts';
import { usd } from '../gateway/support/state-world.ts';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';
import { aJob } from './support/a-job.ts';

useWorlds();

const NOW = 1_795_608_000_000;
const DAY_MS = 86_400_000;
const PREMIUM: ImageRequest = { prompt: 'a red fox', tier: 'premium', latencyBudgetMs: DAY_MS };

function facts({ ageMs = 0, lifeMs = DAY_MS } = {}): RunFacts {
  const job = aJob({ state: 'running', runs: 1, createdAt: NOW - ageMs, deadlineAt: NOW - ageMs + lifeMs, maxCost: usd(1_000_000) });
  return { job, spent: { billed: usd(0), possiblyBilled: usd(0) }, now: NOW };
}

async function openBreaker(world: World, route: string): Promise<void> {
  for (let call = 0; call < 6; call += 1) {
    await world.start({ route, latencyBudgetMs: 400_000 } as Partial<ImageRequest>);
    world.openai.calls.at(-1)?.fail();
    await settled();
  }
}

describe('a job that would be given less than it needs', () => {
  it('waits for the sick route that would give it', async () => {
    const world = new World();
    expect(holdOut(world.router, PREMIUM, facts())).toBeUndefined();
    await openBreaker(world, 'gpt-image-2-high');
    expect(holdOut(world.router, PREMIUM, facts())).toMatchObject({
      kind: 'again',
      waitMs: 5_000,
      reason: { code: 'providers_failed', message: expect.stringContaining('waits for gpt-image-2-high: ') },
    });
  });

  it('waits no longer than its policy has a caller wait for such a picture, nor a quarter of its life', async () => {
    const world = new World();
    await openBreaker(world, 'gpt-image-2-high');
    const { need } = world.router.explain(PREMIUM);
    const patienceMs = need.policy.patienceMs.premium;
    expect(holdOut(world.router, PREMIUM, facts({ ageMs: patienceMs - 1 }))).toBeDefined();
    expect(holdOut(world.router, PREMIUM, facts({ ageMs: patienceMs }))).toBeUndefined();
    expect(holdOut(world.router, PREMIUM, facts({ ageMs: 100_000, lifeMs: 400_000 }))).toBeUndefined();
  });

  it('does not wait for what its cap keeps out, or for what is as good and well', async () => {
    const world = new World();
    await openBreaker(world, 'gpt-image-2-high');
    expect(holdOut(world.router, { ...PREMIUM, maxCostUsd: 0.15 }, facts())).toBeUndefined();
    expect(holdOut(world.router, { ...PREMIUM, tier: 'standard' }, facts())).toBeUndefined();
  });
});
