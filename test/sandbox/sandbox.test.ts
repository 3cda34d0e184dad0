import { describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { EndpointSchema } from '../../src/domain/endpoint.ts';
import type { InstantMs } from '../../src/domain/time.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { incidentsOf } from '../../src/sandbox/model/incidents.ts';
import { type Clock, systemClock } from '../../src/system/clock.ts';
import { contents, jsonOf, LOW, postGoogle, postOpenai, SPEED, sandboxForTest } from './support.ts';

/** A clock that stands still until it is set; its timers fire at once. */
function standingClock(): Clock & { set(ms: number): void } {
  let now = 0;
  return {
    speed: 1,
    now: () => now as InstantMs,
    wall: () => new Date(now),
    timer: (_, callback) => {
      const handle = setTimeout(callback, 0);
      return () => clearTimeout(handle);
    },
    set: (ms) => {
      now = ms;
    },
  };
}

async function settled(sandbox: Sandbox): Promise<void> {
  await expect.poll(() => sandbox.stats().generating, { interval: 5, timeout: 10_000 }).toBe(0);
}

describe('the ledger', () => {
  it('bills a picture whose caller left, and calls it orphaned', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'slow', factor: 2 });
    const leave = new AbortController();
    const call = postOpenai(sandbox, { ...LOW, quality: 'high' }, { signal: leave.signal });
    await expect.poll(() => sandbox.stats().generating, { interval: 2 }).toBe(1);
    leave.abort();
    await expect(call).rejects.toThrow();
    await settled(sandbox);
    const [row] = sandbox.ledger();
    expect(row).toMatchObject({ outcome: 'lost', orphaned: true, billed: 210_730, bytesOut: 0 });
    expect(row?.clientGoneAtMs).toBeLessThan(row?.finishedMs ?? 0);
  });

  it('names the request by the id the caller saw', async () => {
    const sandbox = await sandboxForTest();
    const response = await postOpenai(sandbox, LOW);
    const bytes = (await response.arrayBuffer()).byteLength;
    expect(sandbox.ledger()).toMatchObject([
      {
        id: response.headers.get('x-request-id'),
        face: 'openai',
        model: 'gpt-image-2',
        quality: 'low',
        size: { width: 1024, height: 1024 },
        outcome: 'delivered',
        bytesOut: bytes,
      },
    ]);
  });

  it('has no row of what was refused at the door', async () => {
    const sandbox = await sandboxForTest();
    await postOpenai(sandbox, { ...LOW, size: '1x1' });
    await postOpenai(sandbox, LOW, { key: 'sk-wrong' });
    expect(sandbox.ledger()).toEqual([]);
    expect(sandbox.stats().requests).toBe(2);
  });
});

describe('a sandbox', () => {
  it('takes as long as the route says, in world time', async () => {
    const sandbox = await sandboxForTest();
    await postOpenai(sandbox, LOW);
    const row = sandbox.ledger()[0];
    // Timers may fire a millisecond early, which is SPEED milliseconds of the world.
    const tookMs = (row?.finishedMs ?? 0) - (row?.arrivedMs ?? 0);
    expect(row?.generationMs).toBeGreaterThan(2_200);
    expect(tookMs).toBeGreaterThanOrEqual((row?.generationMs ?? 0) - 2 * SPEED);
  });

  it('gives the same latencies and pictures for the same seed, whatever the order of arrival', async () => {
    const run = async (prompts: readonly string[]): Promise<unknown> => {
      const sandbox = await sandboxForTest({ seed: 'same' });
      const bodies = await Promise.all(
        prompts.map(async (prompt) => [prompt, (await jsonOf(await postOpenai(sandbox, { ...LOW, prompt }))).data] as const),
      );
      const times = sandbox.ledger().map((row) => row.generationMs);
      return { bodies: Object.fromEntries(bodies), times: times.sort() };
    };
    expect(await run(['a', 'b', 'c'])).toEqual(await run(['c', 'a', 'b']));
  });

  it('offers endpoints a router can use as they are', async () => {
    const sandbox = await sandboxForTest({ apiKey: 'sk-mine' });
    const all = [...sandbox.endpoints, ...sandbox.aggregator];
    expect(all.map((endpoint) => EndpointSchema.parse(endpoint))).toEqual(all);
    expect(all.map(({ id, baseUrl, apiKey, apiVersion }) => [id, baseUrl.slice(sandbox.url.length), apiKey, apiVersion])).toEqual([
      ['openai', '/openai/v1', 'sk-mine', 'v1beta'],
      ['google', '/google', 'sk-mine', 'v1beta'],
      ['aggregator-openai', '/agg/v1', 'sk-mine', 'v1beta'],
      ['aggregator-google', '/agg', 'sk-mine', 'v1beta'],
    ]);
  });

  it('with incidents answers part of the calls of an ill route with 503, at the calendar it was given', async () => {
    const incident = Array.from({ length: 40 }, (_, day) => incidentsOf(1, 'nano-banana-pro', 'google', day)).flat()[3];
    if (incident === undefined) throw new Error('a month without an incident');
    const clock = standingClock();
    const sandbox = await sandboxForTest({ clock, incidents: 100, imagesPerMinute: Number.POSITIVE_INFINITY, pictures: 'tiny' });
    const statusesAt = async (calendarMs: number): Promise<readonly number[]> => {
      // The first day begins at eight.
      clock.set((calendarMs - 8 * 3_600_000) / 100);
      return Promise.all(Array.from({ length: 40 }, async (_, index) => (await postGoogle(sandbox, contents(`cat ${index}`))).status));
    };
    expect(new Set(await statusesAt(incident.startMs - 60_000))).toEqual(new Set([200]));
    const ill = await statusesAt((incident.startMs + incident.endMs) / 2);
    expect(new Set(ill)).toEqual(new Set([200, 503]));
    expect(ill.filter((status) => status === 503).length / ill.length).toBeCloseTo(0.45, 0);
    expect(sandbox.stats().faults.slow).toBeGreaterThan(0);
  });

  it('with drift is another speed at another time, within bounds', async () => {
    const sandbox = await sandboxForTest({ drift: true });
    const plain = await sandboxForTest();
    await Promise.all([postOpenai(sandbox, LOW), postOpenai(plain, LOW)]);
    const ratio = (sandbox.ledger()[0]?.generationMs ?? 0) / (plain.ledger()[0]?.generationMs ?? 1);
    expect(ratio).not.toBe(1);
    expect(Math.abs(Math.log(ratio))).toBeLessThan(0.5);
  });

  it('that is unplugged refuses connections until it is plugged in again', async () => {
    const sandbox = await sandboxForTest();
    const plugIn = await sandbox.unplug();
    await expect(postOpenai(sandbox, LOW)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await plugIn();
    expect((await postOpenai(sandbox, LOW)).status).toBe(200);
  });

  it('closes with calls in flight, at once', async () => {
    const sandbox = await startSandbox({ routes: builtInRoutes, clock: systemClock(1), pictures: 'light' });
    const call = postOpenai(sandbox, LOW).then(
      () => 'answered',
      () => 'cut',
    );
    await expect.poll(() => sandbox.stats().generating).toBe(1);
    await sandbox.close();
    expect(await call).toBe('cut');
  });

  it('refuses options that make no sense, by name', async () => {
    const start = (options: object) => startSandbox({ routes: builtInRoutes, clock: systemClock(SPEED), ...options });
    await expect(start({ profile: 'fast' })).rejects.toThrow(/^sandbox\.profile/);
    await expect(start({ routes: [] })).rejects.toThrow(/^sandbox\.routes: must list at least one route/);
    await expect(start({ colour: 'red' })).rejects.toThrow(/colour/);
  });
});

describe('the control door', () => {
  const control = (sandbox: Sandbox, method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${sandbox.url}/__sim/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });

  it('injects, lists and clears faults', async () => {
    const sandbox = await sandboxForTest();
    expect(await jsonOf(await control(sandbox, 'POST', 'faults', { fault: 'outage' }))).toEqual({ rules: [{ fault: 'outage' }] });
    expect((await postOpenai(sandbox, LOW)).status).toBe(503);
    await control(sandbox, 'DELETE', 'faults');
    expect((await postOpenai(sandbox, LOW)).status).toBe(200);
  });

  it('says what is wrong with a rule', async () => {
    const response = await control(await sandboxForTest(), 'POST', 'faults', { fault: 'outrage' });
    expect(response.status).toBe(400);
    expect(await jsonOf(response)).toMatchObject({ error: { message: expect.stringContaining('unknown fault "outrage"') } });
  });

  it('shows state and ledger, and forgets both on reset', async () => {
    const sandbox = await sandboxForTest();
    await postOpenai(sandbox, LOW);
    expect(await jsonOf(await control(sandbox, 'GET', 'ledger'))).toMatchObject({ rows: [{ billedUsd: 0.00589 }] });
    expect(await jsonOf(await control(sandbox, 'GET', 'state'))).toMatchObject({ speed: SPEED, profile: 'brief', stats: { delivered: 1 } });
    expect((await control(sandbox, 'GET', 'nothing')).status).toBe(404);
    await control(sandbox, 'POST', 'reset');
    expect(sandbox.ledger()).toEqual([]);
  });

  it('is closed to web pages', async () => {
    const sandbox = await sandboxForTest();
    const response = await fetch(`${sandbox.url}/__sim/reset`, { method: 'POST', headers: { origin: 'http://evil.example' } });
    expect(response.status).toBe(403);
  });
});
