import { describe, expect, it } from 'vitest';
import { type BatchItem, runBatch } from '../../src/router/batch.ts';
import type { ImageRouter } from '../../src/router/image-router.ts';
import { settled } from '../support/fake-providers.ts';
import { useWorlds, World } from '../support/router-world.ts';

useWorlds();

const sketches = (count: number) => Array.from({ length: count }, (_, index) => ({ prompt: `sketch ${index}`, quality: 'low' as const }));

async function collect(items: AsyncIterable<BatchItem>, into: BatchItem[]): Promise<void> {
  for await (const item of items) into.push(item);
}

describe('a batch', () => {
  it('runs as many at a time as it may, no more', async () => {
    const world = new World();
    const seen: BatchItem[] = [];
    const done = collect(world.router.batch(sketches(12), { concurrency: 4 }), seen);
    let most = 0;
    for (let turn = 0; turn < 40 && seen.length < 12; turn += 1) {
      await settled();
      most = Math.max(most, world.openai.calls.length - seen.length);
      world.openai.calls[seen.length]?.deliver();
    }
    await done;
    expect(seen.map((item) => item.kind)).toEqual(Array(12).fill('delivered'));
    expect(most).toBeLessThanOrEqual(5);
    expect(world.openai.calls).toHaveLength(12);
  });

  it('loses no sibling to one failure', async () => {
    const world = new World();
    const seen: BatchItem[] = [];
    const done = collect(world.router.batch([{ prompt: '' }, { prompt: 'a red fox', quality: 'low' }]), seen);
    await settled();
    world.openai.calls[0]?.deliver();
    await done;
    expect(seen.map((item) => item.kind).toSorted()).toEqual(['delivered', 'failed']);
  });

  it('starts nothing that its cap has no room for, and never spends above it', async () => {
    const world = new World();
    const seen: BatchItem[] = [];
    const done = collect(world.router.batch(sketches(10), { concurrency: 2, maxCostUsd: 0.02 }), seen);
    for (let turn = 0; turn < 40; turn += 1) {
      await settled();
      for (const call of world.openai.calls) call.deliver();
    }
    await done;
    const delivered = seen.filter((item) => item.kind === 'delivered');
    const spent = delivered.reduce((sum, item) => sum + (item.kind === 'delivered' ? item.result.cost.billed : 0), 0);
    expect(spent).toBeLessThanOrEqual(20_000);
    expect(delivered.length).toBeGreaterThanOrEqual(2);
    expect(seen.some((item) => item.kind === 'skipped')).toBe(true);
    expect(seen).toHaveLength(10);
  });

  it('says of an infeasible request what generate would say, also under a cap', async () => {
    const world = new World();
    const seen: BatchItem[] = [];
    await collect(world.router.batch([{ prompt: 'a sign', latencyBudgetMs: 500 }], { maxCostUsd: 1 }), seen);
    expect(seen[0]).toMatchObject({ kind: 'failed', error: { code: 'infeasible' } });
  });

  it('holds its cap also where a request is infeasible when it is looked at, and no longer when it is made', async () => {
    const world = new World();
    const infeasible = { kind: 'infeasible', forecasts: [], excluded: [], offers: [], binding: 'breaker-open', detail: 'open' } as const;
    const caps: unknown[] = [];
    const router: Pick<ImageRouter, 'generate' | 'explain'> = {
      explain: (request) => ({ ...world.router.explain(request), plan: infeasible }),
      generate: (request, options) => {
        caps.push(request.maxCostUsd);
        return world.router.generate(request, options);
      },
    };
    const seen: BatchItem[] = [];
    const requests = [{ prompt: 'a jazz poster' }, { prompt: 'a jazz poster', maxCostUsd: 0.004 }, { prompt: '' }];
    await collect(runBatch(router, requests, { maxCostUsd: 0.005, concurrency: 1 }), seen);
    expect(caps).toEqual([0.005, 0.004, undefined]);
    expect(seen.map((item) => item.kind === 'failed' && item.error.code)).toEqual(['infeasible', 'infeasible', 'invalid_request']);
    expect([...world.openai.calls, ...world.google.calls]).toEqual([]);
  });

  it('waits for what siblings have reserved before it skips', async () => {
    const world = new World();
    const seen: BatchItem[] = [];
    const done = collect(world.router.batch(sketches(10), { concurrency: 5, maxCostUsd: 0.2 }), seen);
    for (let turn = 0; turn < 60; turn += 1) {
      await settled();
      for (const call of world.openai.calls) call.deliver();
    }
    await done;
    expect(seen.filter((item) => item.kind === 'delivered')).toHaveLength(10);
  });

  it('yields what has ended while its source is slow, and ends when it is aborted meanwhile', async () => {
    const world = new World();
    const leaving = new AbortController();
    const seen: BatchItem[] = [];
    const slow = async function* () {
      yield { prompt: 'a red fox', quality: 'low' as const };
      await new Promise(() => {});
    };
    const done = collect(world.router.batch(slow(), { signal: leaving.signal }), seen);
    await settled();
    world.openai.calls[0]?.deliver();
    await settled();
    expect(seen).toHaveLength(1);
    leaving.abort();
    await done;
  });

  it('gives up what runs when its consumer leaves', async () => {
    const world = new World();
    const leave = (async (): Promise<void> => {
      for await (const _ of world.router.batch(sketches(6), { concurrency: 3 })) break;
    })();
    await settled();
    world.openai.calls[0]?.deliver();
    await leave;
    expect(world.openai.calls.slice(1).every((call) => call.signal.aborted)).toBe(true);
  });

  it('refuses a concurrency that is no whole number from 1', async () => {
    const world = new World();
    await expect(collect(world.router.batch([], { concurrency: 0 }), [])).rejects.toThrow(
      'concurrency must be a whole number from 1 to 1000, got 0',
    );
  });
});
