// The router over the port: real planning, execution, lanes, breakers and health on a clock moved by hand.
import { describe, expect, it, vi } from 'vitest';
import type { TraceEvent } from '../../src/domain/trace.ts';
import type { ImageRequest } from '../../src/index.ts';
import { settled } from '../support/fake-providers.ts';
import { ENDPOINTS, type Outcome, useWorlds, World } from '../support/router-world.ts';

useWorlds();

const events = (outcome: Outcome, kind: TraceEvent['kind']): TraceEvent[] =>
  (outcome.result?.trace ?? outcome.error?.trace)?.events.filter((event) => event.kind === kind) ?? [];

describe('a request', () => {
  it('becomes a checked image with its route, cost and trace', async () => {
    const world = new World();
    const outcome = await world.start();
    await world.pass(20_000);
    world.openai.calls[0]?.deliver();
    await settled();
    expect(outcome.result).toMatchObject({ route: 'gpt-image-2-medium', tier: 'standard', degraded: undefined });
    expect(outcome.result?.cost.billed).toBeGreaterThan(50_000);
    expect(outcome.result?.trace.events.at(-1)).toMatchObject({ kind: 'end', end: 'delivered' });
  });

  it('is refused at once, with an offer and nothing sent, when its budget cannot be met', async () => {
    const world = new World({ latencyProfile: 'field' });
    const outcome = await world.start({ prompt: 'a sign', textAccuracy: 'exact', latencyBudgetMs: 6_000, onLate: 'fail' });
    expect(outcome.error).toMatchObject({ code: 'infeasible', offers: [{ change: 'latencyBudgetMs' }] });
    expect(world.openai.calls.length + world.google.calls.length).toBe(0);
    expect(events(outcome, 'end')).toMatchObject([{ end: 'failed', billed: 0 }]);
    expect(world.told.map((event) => event.kind === 'request' && event.event.kind)).toEqual(['plan', 'end']);
  });

  it('reaches the other provider when the first fails, and is told apart from a degraded one', async () => {
    const world = new World();
    const outcome = await world.start();
    world.openai.calls[0]?.fail();
    await settled();
    world.google.calls[0]?.deliver();
    await settled();
    expect(outcome.result).toMatchObject({ route: 'nano-banana-pro', degraded: undefined });
    expect(events(outcome, 'attempt-start')).toMatchObject([{ role: 'first' }, { role: 'fallback' }]);
  });

  it('says how it falls short when only a lesser route was left', async () => {
    const world = new World({ endpoints: ENDPOINTS.slice(0, 1) });
    const outcome = await world.start({ prompt: 'a sign saying "OPEN LATE"', latencyBudgetMs: 12_000 });
    world.openai.calls[0]?.deliver();
    await settled();
    expect(outcome.result?.degraded).toContain('lettering accuracy of gpt-image-2-low is below the need');
  });

  it('is rescued from a silent hang inside its deadline', async () => {
    const world = new World();
    const outcome = await world.start({ latencyBudgetMs: 60_000 });
    expect(world.openai.calls).toHaveLength(1);
    for (let second = 0; second < 55 && world.google.calls.length === 0; second += 1) await world.pass(1_000);
    expect(world.google.calls).toHaveLength(1);
    await world.pass(4_000);
    world.google.calls[0]?.deliver();
    await settled();
    expect(outcome.result?.route).toBe('nano-banana-pro');
    expect(outcome.result?.cost.possiblyBilled).toBeGreaterThan(50_000);
    expect(world.openai.calls[0]?.signal.aborted).toBe(true);
  });

  it('ends at its deadline when nobody answers', async () => {
    const world = new World();
    const outcome = await world.start({ latencyBudgetMs: 60_000 });
    await world.pass(60_000);
    expect(outcome.error?.code).toBe('deadline_exceeded');
    expect(events(outcome, 'end')).toHaveLength(1);
    expect(world.router.health().every((row) => row.inFlight === 0)).toBe(true);
  });
});

describe('a caller who leaves', () => {
  it('stops the call, is told what may be billed, and never counts against the route', async () => {
    const world = new World();
    const before = world.router.health().map((row) => row.success);
    for (let caller = 0; caller < 10; caller += 1) {
      const controller = new AbortController();
      const outcome = await world.start({}, controller.signal);
      await world.pass(1_000);
      controller.abort();
      await settled();
      expect(outcome.error).toMatchObject({ code: 'cancelled' });
      expect(events(outcome, 'end')[0]).toMatchObject({ billed: 0, possiblyBilled: expect.any(Number) });
    }
    expect(world.openai.calls.every((call) => call.signal.aborted)).toBe(true);
    expect(world.router.health().map((row) => row.success)).toEqual(before);
    expect(world.told.some((event) => event.kind === 'breaker-change')).toBe(false);
  });

  it('before it began spends nothing', async () => {
    const world = new World();
    const outcome = await world.start({}, AbortSignal.abort());
    expect(outcome.error?.code).toBe('cancelled');
    expect(world.openai.calls.every((call) => call.signal.aborted)).toBe(true);
  });
});

describe('an open breaker', () => {
  const breakIt = async (world: World): Promise<void> => {
    for (let call = 0; call < 5; call += 1) {
      await world.start({ route: 'gpt-image-2-low', latencyBudgetMs: 20_000 } as Partial<ImageRequest>);
      world.openai.calls.at(-1)?.fail();
      await settled();
    }
  };

  it('sends requests elsewhere and says why', async () => {
    const world = new World();
    await breakIt(world);
    const { plan } = world.router.explain({ prompt: 'a red fox', tier: 'preview', latencyBudgetMs: 20_000 });
    expect(plan.excluded.find((exclusion) => exclusion.route === 'gpt-image-2-low')).toMatchObject({ reason: 'breaker-open' });
  });

  it('is left out of account when it is asked what would be once all is well', async () => {
    const world = new World();
    const asked = { prompt: 'a red fox', route: 'gpt-image-2-low', latencyBudgetMs: 20_000 } as ImageRequest;
    const before = world.router.explain(asked);
    await breakIt(world);
    expect(world.router.explain(asked).plan.kind).toBe('infeasible');
    expect(world.router.explain(asked, { onceWell: true })).toEqual(before);
  });

  it('admits exactly one probe after its wait, and closes when the probe delivers', async () => {
    const world = new World();
    await breakIt(world);
    const sent = world.openai.calls.length;
    await world.pass(16_000);
    const request = { route: 'gpt-image-2-low', latencyBudgetMs: 20_000 } as Partial<ImageRequest>;
    const outcomes = [await world.start(request), await world.start(request), await world.start(request)];
    expect(world.openai.calls.length).toBe(sent + 1);
    expect(outcomes.filter((outcome) => outcome.error?.code === 'infeasible')).toHaveLength(2);
    world.openai.calls.at(-1)?.deliver();
    await settled();
    expect(outcomes[0]?.result?.route).toBe('gpt-image-2-low');
    expect(world.router.health().find((row) => row.route === 'gpt-image-2-low')?.admission.kind).toBe('closed');
  });
});

describe('an account fault', () => {
  it('takes every route of the endpoint out, and leaves the other provider alone', async () => {
    const world = new World();
    const outcome = await world.start();
    world.openai.calls[0]?.fail({ kind: 'account', fault: 'bad-key', scope: 'endpoint', evidence: 'against', message: 'bad key' });
    await settled();
    world.google.calls[0]?.deliver();
    await settled();
    expect(outcome.result?.route).toBe('nano-banana-pro');
    const open = world.router.health().filter((row) => row.admission.kind === 'open');
    expect([...new Set(open.map((row) => row.route))].toSorted()).toEqual(['gpt-image-2-high', 'gpt-image-2-low', 'gpt-image-2-medium']);
  });
});

describe('a full lane', () => {
  it('counts the wait against the deadline: what waits too long goes elsewhere or is told so', async () => {
    const world = new World();
    const request = { route: 'gpt-image-2-high', latencyBudgetMs: 420_000 } as Partial<ImageRequest>;
    for (let call = 0; call < 4; call += 1) await world.start(request);
    expect(world.openai.calls).toHaveLength(4);
    await world.start(request);
    expect(world.openai.calls).toHaveLength(4);
    const { plan } = world.router.explain({ prompt: 'a red fox', ...request, latencyBudgetMs: 240_000 });
    expect(plan.kind).toBe('plan');
    for (let call = 0; call < 8; call += 1) await world.start(request);
    const crowded = world.router.explain({ prompt: 'a red fox', ...request, latencyBudgetMs: 240_000 });
    expect(crowded.plan).toMatchObject({ kind: 'infeasible' });
  });

  it('lets whoever is in no hurry wait: people pass, and are told of no wait behind it', async () => {
    const world = new World();
    const request = { route: 'gpt-image-2-high', latencyBudgetMs: 420_000 } as Partial<ImageRequest>;
    const patient = { ...request, latencyBudgetMs: 80_000_000 };
    for (let call = 0; call < 16; call += 1) await world.start(patient, { priority: -100 });
    expect(world.openai.calls).toHaveLength(4);
    expect(world.router.explain({ prompt: 'a red fox', ...request }).plan.kind).toBe('plan');
    expect(world.router.explain({ prompt: 'a red fox', ...request }, { priority: -100 }).plan.kind).toBe('infeasible');
    await world.start({ ...request, prompt: 'a person' });
    world.openai.calls[0]?.deliver();
    await settled();
    expect(world.openai.calls.at(-1)?.call.prompt).toBe('a person');
  });

  it('serves the policy with the higher priority first', async () => {
    const world = new World();
    const high = { route: 'gpt-image-2-high', latencyBudgetMs: 2_000_000 } as Partial<ImageRequest>;
    for (let call = 0; call < 4; call += 1) await world.start(high);
    await world.start({ ...high, policy: 'sketches', maxCostUsd: 1, prompt: 'later' } as Partial<ImageRequest>);
    await world.start({ ...high, policy: 'backend', prompt: 'sooner' } as Partial<ImageRequest>);
    world.openai.calls[0]?.deliver();
    await settled();
    expect(world.openai.calls.at(-1)?.call.prompt).toBe('sooner');
  });
});

describe('a listener that throws', () => {
  it('hurts neither its own request nor any other', async () => {
    const world = new World();
    const onEvent = (): never => {
      throw new Error('broken listener');
    };
    const outcome = await world.start({}, { onEvent });
    world.openai.calls[0]?.deliver();
    await settled();
    expect(outcome.result?.route).toBe('gpt-image-2-medium');
  });
});

describe('explain', () => {
  it('tells what generate would do: several single calls with the cost of all, one call when it must be consistent', () => {
    const world = new World();
    const one = world.router.explain({ prompt: 'a red fox', latencyBudgetMs: 45_000 });
    const three = world.router.explain({ prompt: 'a red fox', latencyBudgetMs: 45_000, n: 3 });
    expect(three.parts).toBe(3);
    expect(one.plan.kind === 'plan' && three.plan.kind === 'plan' && three.plan.expectedCost / one.plan.expectedCost).toBeCloseTo(3, 1);
    expect(world.router.explain({ prompt: 'a red fox', latencyBudgetMs: 45_000, n: 3, consistent: true }).parts).toBe(1);
  });
});

describe('an embedded router', () => {
  it('starts no timer until it is used, and leaves none when closed', async () => {
    const world = new World();
    expect(world.clock.timerCount).toBe(0);
    const outcome = await world.start();
    world.openai.calls[0]?.deliver();
    await settled();
    expect(outcome.result).toBeDefined();
    await world.router.close();
    expect(world.clock.timerCount).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect([world.openai.isClosed, world.google.isClosed]).toEqual([true, true]);
  });

  it('takes nothing more once closed, and lets what runs finish', async () => {
    const world = new World();
    const running = await world.start();
    const closing = world.router.close();
    const late = await world.start();
    expect(late.error?.code).toBe('closed');
    world.openai.calls[0]?.deliver();
    await closing;
    expect(running.result).toBeDefined();
  });
});
