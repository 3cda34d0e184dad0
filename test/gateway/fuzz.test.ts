// A small share of the fuzz run in every test run; `npm run fuzz` does the whole of it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fuzzCase } from '../../bench/gateway/fuzz/cases.ts';
import { judgeWorld } from '../../bench/gateway/fuzz/judge-world.ts';
import { fuzz } from '../../bench/gateway/fuzz/run.ts';
import { KEY_CANARY } from '../../bench/gateway/fuzz/values.ts';
import { openFuzzWorld } from './support/fuzz-world.ts';

const SEED = 20_260_421;

describe('the gateway', () => {
  it('answers 300 hostile requests without a failure of its own, and says nothing of what it was sent', async () => {
    const world = await openFuzzWorld();
    const { statuses, violations } = await fuzz({ port: world.port, seed: SEED, first: 0, cases: 300, connections: 8, patienceMs: 15_000 });
    const verdict = [...violations, ...(await judgeWorld(world))];
    await world.close();
    expect(world.said().filter((line) => line.includes('"event":"request"')).length).toBeGreaterThan(200);
    expect(verdict).toEqual([]);
    expect([...statuses.keys()]).toEqual(expect.arrayContaining(['200', '400', '404', '415']));
  });
});

describe('the fuzz run', () => {
  it('draws the same case from the same seed and number, and others from others', () => {
    expect(fuzzCase(SEED, 7)).toEqual(fuzzCase(SEED, 7));
    expect(fuzzCase(SEED, 7).bytes).not.toEqual(fuzzCase(SEED + 1, 7).bytes);
  });

  it.each([
    ['a failure of the gateway', 500, '{}', 'answered 500'],
    ['a key that comes back', 400, KEY_CANARY, 'repeated a key'],
  ])('sees %s', async (_name, status, body, violation) => {
    const server = createServer((_request, response) => void response.writeHead(status).end(body)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const report = await fuzz({ port, seed: SEED, first: 0, cases: 20, connections: 2, patienceMs: 5_000 });
    expect(report.violations.join('\n')).toContain(violation);
    server.closeAllConnections();
    server.close();
  });

  it("lets a provider's failure pass", async () => {
    const body = '{"error":{"code":"providers_failed"}}';
    const server = createServer((_request, response) => void response.writeHead(502).end(body)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const report = await fuzz({ port, seed: SEED, first: 0, cases: 20, connections: 2, patienceMs: 5_000 });
    expect(report.violations).toEqual([]);
    server.closeAllConnections();
    server.close();
  });
});
