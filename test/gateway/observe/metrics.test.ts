import { describe, expect, it } from 'vitest';
import { monitorEventLoop } from '../../../src/gateway/observe/event-loop.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { useWorlds } from '../../support/router-world.ts';
import { endOf, observe, observedWorld, samplesOf, sumOf } from './support.ts';

const PREVIEW = { tier: 'preview', latencyBudgetMs: 60_000 } as const;
const LOW = { route: 'gpt-image-2-low', target: 'gpt-image-2-low@openai' } as const;

describe('metrics of a router', () => {
  useWorlds();

  it('count calls by route, role and outcome, and what they cost', async () => {
    const { world, observer } = await observedWorld();
    await world.start(PREVIEW);
    world.openai.calls[0]?.deliver();
    await world.pass(500);
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_attempt_starts_total', { ...LOW, role: 'first' })).toBe(1);
    expect(sumOf(text, 'image_router_attempts_total', { ...LOW, outcome: 'delivered' })).toBe(1);
    expect(sumOf(text, 'image_router_spend_micro_usd_total', { ...LOW, certainty: 'billed' })).toBeGreaterThan(0);
    expect(sumOf(text, 'image_router_wasted_spend_micro_usd_total')).toBe(0);
    expect(sumOf(text, 'image_router_lane_running')).toBe(0);
    await Promise.all([world.router.close(), observer.close()]);
  });

  it('count a call sent because another failed as a fallback, with the failure by its fault', async () => {
    const { world, observer } = await observedWorld();
    await world.start({ ...PREVIEW, latencyBudgetMs: 30_000 });
    world.openai.calls[0]?.fail({ retry: 'other' });
    await world.pass(500);
    world.openai.calls[1]?.deliver();
    await world.pass(500);
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_fallbacks_total', { route: 'gpt-image-2-medium' })).toBe(1);
    expect(sumOf(text, 'image_router_fallbacks_total')).toBe(1);
    expect(sumOf(text, 'image_router_hedges_total')).toBe(0);
    expect(sumOf(text, 'image_router_attempts_total', { ...LOW, outcome: 'not-accepted', fault: 'overloaded' })).toBe(1);
    await Promise.all([world.router.close(), observer.close()]);
  });

  it('count a call beside a running one as a hedge with its reason, and what the loser may cost as wasted', async () => {
    const { world, observer } = await observedWorld();
    await world.start({ ...PREVIEW, latencyBudgetMs: 120_000 });
    await world.pass(20_000);
    world.google.calls[0]?.deliver();
    await world.pass(500);
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_hedges_total', { route: 'nano-banana-pro', reason: 'gone-silent' })).toBe(1);
    expect(sumOf(text, 'image_router_attempts_total', { ...LOW, outcome: 'unknown', fault: 'cancelled' })).toBe(1);
    expect(sumOf(text, 'image_router_wasted_spend_micro_usd_total', { certainty: 'possibly' })).toBeGreaterThan(0);
    expect(sumOf(text, 'image_router_wasted_spend_micro_usd_total', { certainty: 'billed' })).toBe(0);
    expect(sumOf(text, 'image_router_spend_micro_usd_total')).toBeGreaterThan(
      sumOf(text, 'image_router_wasted_spend_micro_usd_total') ?? 0,
    );
    await Promise.all([world.router.close(), observer.close()]);
  });

  it('put the chances that plans gave beside what came true', async () => {
    const { world, observer } = await observedWorld();
    for (const isDelivered of [true, true, false]) {
      await world.start({ ...PREVIEW, latencyBudgetMs: 40_000 });
      if (isDelivered) world.openai.calls.at(-1)?.deliver();
      await world.pass(41_000);
    }
    const text = await observer.metricsText();
    const runs = sumOf(text, 'image_router_predictions_total') ?? 0;
    expect(runs).toBe(3);
    expect(sumOf(text, 'image_router_predictions_met_total')).toBe(2);
    const sure = { chance: '0.9-1.0' };
    const mean =
      (sumOf(text, 'image_router_predicted_chance_total', sure) ?? 0) / (sumOf(text, 'image_router_predictions_total', sure) ?? 0);
    expect(mean).toBeGreaterThanOrEqual(0.9);
    expect(mean).toBeLessThanOrEqual(1);
    expect(samplesOf(text).filter(({ name }) => name === 'image_router_predictions_total')).toHaveLength(10);
    await Promise.all([world.router.close(), observer.close()]);
  });

  it('show a breaker that opens, lets one probe through and holds the others back meanwhile', async () => {
    const { world, observer } = await observedWorld();
    const state = async () => sumOf(await observer.metricsText(), 'image_router_breaker_state', { ...LOW, operation: 'generate' });
    expect(await state()).toBe(0);
    await world.start(PREVIEW);
    world.openai.calls[0]?.fail({ kind: 'account', fault: 'bad-key', scope: 'endpoint', retry: 'other', evidence: 'against' });
    await world.pass(500);
    expect(await state()).toBe(2);
    await world.pass(20_000);
    expect(await state()).toBe(1);
    await world.start({ ...PREVIEW, route: LOW.route });
    await world.pass(500);
    expect(world.router.health().find(({ target }) => target === LOW.target)?.admission.kind).toBe('open');
    expect(await state()).toBe(1);
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_breaker_changes_total', { target: LOW.target, operation: 'generate', to: 'open' })).toBe(1);
    for (const call of [...world.openai.calls, ...world.google.calls]) call.deliver();
    await world.pass(500);
    await Promise.all([world.router.close(), observer.close()]);
  });

  it('count a lane once, whatever its target can do', async () => {
    const { world, observer } = await observedWorld();
    await world.start({ ...PREVIEW, route: LOW.route });
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_lane_running', LOW)).toBe(1);
    expect(sumOf(text, 'image_router_lane_waiting', LOW)).toBe(0);
    world.openai.calls[0]?.deliver();
    await world.pass(500);
    await Promise.all([world.router.close(), observer.close()]);
  });
});

describe('metrics of a gateway', () => {
  it('sort requests by endpoint, status and tier, and their durations by world seconds', async () => {
    const { observer } = await observe({ clock: manualClock(20) });
    observer.http(endOf({ ms: 1_000, tier: 'preview' }));
    observer.http(endOf({ ms: 9, endpoint: '/livez' }));
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_requests_total', { endpoint: '/v1/images/generations', status: '200', tier: 'preview' })).toBe(1);
    const images = { endpoint: '/v1/images/generations', tier: 'preview' };
    expect(sumOf(text, 'image_router_request_duration_seconds_sum', images)).toBe(20);
    expect(sumOf(text, 'image_router_request_duration_seconds_bucket', { ...images, le: '20' })).toBe(1);
    expect(sumOf(text, 'image_router_request_duration_seconds_bucket', { ...images, le: '15' })).toBe(0);
    const bounds = samplesOf(text).flatMap(({ name, labels }) =>
      name.endsWith('_bucket') ? [labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)] : [],
    );
    expect([Math.min(...bounds), Math.max(...bounds.filter(Number.isFinite))]).toEqual([0.5, 600]);
    await observer.close();
  });

  it('count a deadline once for each time images were made, whoever waits for them', async () => {
    const { observer } = await observe({ clock: manualClock() });
    observer.http({ kind: 'images-end', id: 'a', policy: 'chat', deadlineMet: true, tier: 'preview', degraded: true });
    for (const id of ['a', 'joined', 'replayed']) observer.http(endOf({ id, policy: 'chat', deadlineMet: true, degraded: true }));
    observer.http({ kind: 'images-end', id: 'b', policy: 'poster', deadlineMet: false });
    observer.http({ kind: 'images-end', id: 'c', policy: 'poster', code: 'cancelled' });
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_deadlines_total', { policy: 'chat', outcome: 'met' })).toBe(1);
    expect(sumOf(text, 'image_router_deadlines_total', { policy: 'poster', outcome: 'missed' })).toBe(1);
    expect(sumOf(text, 'image_router_deadlines_total')).toBe(2);
    expect(sumOf(text, 'image_router_degraded_total', { tier: 'preview' })).toBe(1);
    await observer.close();
  });

  it('say what is true now', async () => {
    const { observer } = await observe({ clock: manualClock() });
    observer.defect('store', new Error('disk full'));
    const text = await observer.metricsText();
    expect(sumOf(text, 'image_router_held_bytes')).toBe(1_234);
    expect(sumOf(text, 'image_router_open_requests')).toBe(3);
    expect(sumOf(text, 'image_router_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(samplesOf(text).filter(({ name }) => name === 'image_router_event_loop_lag_seconds')).toHaveLength(3);
    expect(sumOf(text, 'image_router_defects_total', { where: 'store' })).toBe(1);
    await observer.close();
  });

  it('have labels from the configuration only: a thousand requests make no more series than one', async () => {
    const { observer } = await observe({ clock: manualClock() });
    const series = async (): Promise<number> => samplesOf(await observer.metricsText()).length;
    const ask = (id: string): void => {
      observer.http({ kind: 'request-start', id, method: 'POST', endpoint: '/v1/images/generations' });
      observer.http({ kind: 'images-end', id, policy: 'chat', deadlineMet: true, traceId: `t-${id}`, code: `c-${id}` });
      observer.http(endOf({ id, principal: `key-${id}`, traceId: `t-${id}`, traceparent: `p-${id}`, code: `c-${id}` }));
    };
    ask('0');
    const before = await series();
    for (let index = 1; index < 1_000; index += 1) ask(String(index));
    expect(await series()).toBe(before);
    await observer.close();
  });
});

describe('the delay of the event loop', () => {
  const HELD_MS = 100;
  const hold = (): void => {
    const until = performance.now() + HELD_MS;
    while (performance.now() < until);
  };

  it('shows a loop that was held, to every reader, until two turns have passed', async () => {
    const clock = manualClock();
    const monitor = monitorEventLoop(clock);
    while (monitor.read().max < (HELD_MS - 20) / 1_000) {
      hold();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const seen = monitor.read();
    expect(monitor.read()).toEqual(seen);
    clock.advance(60_000);
    expect(monitor.read().max).toBeGreaterThanOrEqual(seen.max);
    clock.advance(60_000);
    expect(monitor.read()).toEqual({ p50: 0, p99: 0, max: 0 });
    monitor.close();
  });
});
