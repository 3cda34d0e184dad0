import { describe, expect, test } from 'vitest';
import { priorDistribution } from '../../src/domain/latency.ts';
import type { TargetId } from '../../src/domain/route.ts';
import { type CallEnd, createHealth, type Health } from '../../src/health/health.ts';
import { SQUARE, seconds, targetNamed } from './worlds.ts';

const low = targetNamed('gpt-image-2-low');
const medium = targetNamed('gpt-image-2-medium');
const google = targetNamed('nano-banana-pro');
const delivered: CallEnd = { evidence: 'for', answered: true, latencyMs: 7_000, retryAfterMs: undefined, scope: 'route' };
const failed: CallEnd = { evidence: 'against', answered: true, latencyMs: undefined, retryAfterMs: undefined, scope: 'route' };

function fresh(): Health {
  return createHealth({ targets: [low, medium, google], profile: 'field' });
}

function call(health: Health, id: string, end: CallEnd, startSeconds: number, endSeconds: number, target = low): void {
  health.callStarted({ id, target: target.id, operation: 'generate', shape: SQUARE }, seconds(startSeconds));
  health.callEnded(id, end, seconds(endSeconds));
}

describe('health', () => {
  test('before the first call it believes the catalogue', () => {
    const view = fresh().view(low.id, 'generate', seconds(0));
    expect(view).toMatchObject({ success: 0.985, notBefore: undefined, silent: false, inFlight: 0 });
    expect(view.latency(SQUARE).quantile(0.9)).toBe(priorDistribution(low.route.latency.field, 1).quantile(0.9));
  });

  test('a hang raises an alarm for its target alone, until it is acknowledged', () => {
    const health = fresh();
    for (let index = 0; index < 12; index += 1) call(health, `warm-${index}`, delivered, index * 8, index * 8 + 7);
    for (let index = 0; index < 12; index += 1) {
      health.callStarted({ id: `${index}`, target: low.id, operation: 'generate', shape: SQUARE }, seconds(100 + index * 2));
    }
    expect(health.view(low.id, 'generate', seconds(118))).toMatchObject({ silent: true, inFlight: 12 });
    expect(health.alarms(seconds(124))).toEqual([{ target: low.id, operation: 'generate', cause: 'silent' }]);
    health.acknowledge(low.id, 'generate', seconds(124));
    expect(health.alarms(seconds(200))).toEqual([]);
  });

  test('while a route grows silent its success falls, before it is condemned', () => {
    const health = fresh();
    for (let index = 0; index < 12; index += 1) call(health, `warm-${index}`, delivered, index * 8, index * 8 + 7);
    for (let index = 0; index < 4; index += 1) {
      health.callStarted({ id: `${index}`, target: low.id, operation: 'generate', shape: SQUARE }, seconds(97 + index));
    }
    const chances = [100, 115, 120, 125].map((second) => health.view(low.id, 'generate', seconds(second)).success);
    expect(chances).toEqual(chances.toSorted((a, b) => b - a));
    expect(chances[0]).toBeGreaterThan(0.98);
    expect(chances[3]).toBeLessThan(0.5);
    expect(chances[3]).toBeGreaterThan(0);
  });

  test('six failures raise the alarm, and make the siblings at the endpoint a little suspect but no other endpoint', () => {
    const health = fresh();
    for (let index = 0; index < 6; index += 1) call(health, `${index}`, failed, index, index + 0.5);
    expect(health.alarms(seconds(6))).toEqual([{ target: low.id, operation: 'generate', cause: 'failing' }]);
    expect(health.view(medium.id, 'generate', seconds(6)).success).toBeLessThan(0.8);
    expect(health.view(medium.id, 'generate', seconds(6)).success).toBeGreaterThan(0.6);
    expect(health.view(google.id, 'generate', seconds(6)).success).toBe(0.95);
  });

  test('latency is learned from delivered images only', () => {
    const health = fresh();
    for (let index = 0; index < 50; index += 1) call(health, `${index}`, failed, index, index + 0.1);
    const prior = priorDistribution(low.route.latency.field, 1);
    expect(health.view(low.id, 'generate', seconds(50)).latency(SQUARE).quantile(0.5)).toBe(prior.quantile(0.5));
  });

  test('a caller who hangs up never counts against the route', () => {
    const health = fresh();
    for (let index = 0; index < 100; index += 1) {
      call(health, `${index}`, { ...failed, evidence: 'ignored', answered: false }, index * 5, index * 5 + 2);
    }
    expect(health.view(low.id, 'generate', seconds(500)).success).toBe(0.985);
    expect(health.alarms(seconds(500))).toEqual([]);
  });

  test('a call is forgotten when it ends, and one that leaks when two hours are over', () => {
    const health = fresh();
    call(health, 'ended', delivered, 0, 7);
    health.callEnded('ended', failed, seconds(8));
    health.callStarted({ id: 'leaked', target: low.id, operation: 'generate', shape: SQUARE }, seconds(10));
    expect(health.view(low.id, 'generate', seconds(10)).inFlight).toBe(1);
    call(health, 'later', delivered, 7_300, 7_307);
    expect(health.view(low.id, 'generate', seconds(7_308)).inFlight).toBe(0);
  });

  test('a target, an operation or a call id that cannot be is refused by name', () => {
    const health = fresh();
    const nobody = 'nobody@nowhere' as TargetId;
    expect(() => health.view(nobody, 'edit', seconds(0))).toThrow('health must know every target, got nobody@nowhere for "edit"');
    const twin = { id: 'twin', target: low.id, operation: 'generate', shape: SQUARE } as const;
    health.callStarted(twin, seconds(0));
    expect(() => health.callStarted(twin, seconds(0))).toThrow('got "twin" twice');
  });
});

describe('a rate limit', () => {
  const limited = (retryAfterMs: number, scope: 'route' | 'endpoint'): CallEnd => ({ ...failed, evidence: 'ignored', retryAfterMs, scope });

  test('holds the route that was told, and no other', () => {
    const health = fresh();
    call(health, 'a', limited(20_000, 'route'), 0, 1);
    expect(health.view(low.id, 'generate', seconds(2)).notBefore).toBe(21_000);
    expect(health.view(medium.id, 'generate', seconds(2)).notBefore).toBeUndefined();
    expect(health.view(low.id, 'generate', seconds(21)).notBefore).toBeUndefined();
  });

  test('of an endpoint holds every route there that asks for the same model', () => {
    const health = fresh();
    call(health, 'a', limited(20_000, 'endpoint'), 0, 1);
    expect(health.view(medium.id, 'generate', seconds(2)).notBefore).toBe(21_000);
    expect(health.view(google.id, 'generate', seconds(2)).notBefore).toBeUndefined();
  });

  test('is never shortened by a later answer, and absurd wishes are cut to an hour', () => {
    const health = fresh();
    call(health, 'a', limited(60_000, 'route'), 0, 0);
    call(health, 'b', limited(1_000, 'route'), 1, 1);
    expect(health.view(low.id, 'generate', seconds(2)).notBefore).toBe(60_000);
    call(health, 'c', limited(1e12, 'route'), 2, 2);
    expect(health.view(low.id, 'generate', seconds(3)).notBefore).toBe(2_000 + 3_600_000);
    call(health, 'd', limited(-5, 'route'), 3, 3, google);
    expect(health.view(google.id, 'generate', seconds(3)).notBefore).toBeUndefined();
  });
});

describe('the snapshot for people', () => {
  test('has one row per target and operation with what was learned and what is in flight', () => {
    const health = fresh();
    for (let index = 0; index < 30; index += 1) call(health, `${index}`, { ...delivered, latencyMs: 14_000 }, index * 2, index * 2 + 1);
    health.callStarted({ id: 'open', target: low.id, operation: 'generate', shape: SQUARE }, seconds(60));
    const rows = health.snapshot(seconds(65)).filter((row) => row.operation === 'generate');
    expect(rows.map((row) => row.target)).toEqual([low.id, medium.id, google.id]);
    expect(rows[0]).toMatchObject({ inFlight: 1, oldestMs: 5_000, silent: false });
    expect(rows[0]?.latencyMsP50).toBeGreaterThan(13_000);
    expect(rows[0]?.drift).toBeGreaterThan(1.6);
    expect(rows[0]?.observations).toBeCloseTo(29, 0);
  });
});
