// Jobs through a whole gateway: its endpoints, the embedded store, pictures in its folder, its worker, before a sandbox whose
// ledger is the other side of the books. Renders take their time on a fast clock.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { type OpenGateway, openGateway } from '../../src/cli/serve/open-gateway.ts';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../../src/gateway/config/settings.ts';
import { resolveOptions } from '../../src/options.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';

/** A preview of ten seconds in a tenth of one: fast, and slow enough to be caught in the middle. */
const SPEED = 50;

let sandbox: Sandbox;
let dataDir: string;
const open: OpenGateway[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'image-router-jobs-'));
  sandbox = await startSandbox({ routes: builtInRoutes, clock: systemClock(SPEED), pictures: 'light', profile: 'brief' });
});
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
  await sandbox.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function gatewayWith(changes: Partial<GatewaySettings> = {}): Promise<OpenGateway> {
  const options = resolveOptions({ endpoints: sandbox.endpoints, speed: SPEED });
  const settings: GatewaySettings = { ...DEFAULT_SETTINGS, host: '127.0.0.1', port: 0, dataDir, logLevel: 'error', drainMs: 0, ...changes };
  const gateway = await openGateway({
    source: { kind: 'config', name: 'test', file: undefined, options, gateway: settings },
    settings,
    requireKeys: false,
    databaseUrl: undefined,
  });
  open.push(gateway);
  return gateway;
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}
const get = async (url: string) => JSON.parse(await (await fetch(url)).text());

/** Reads its events to the last one: they end with the job. */
async function ended(url: string, id: string) {
  await (await fetch(`${url}/v1/images/jobs/${id}/events`)).text();
  return get(`${url}/v1/images/jobs/${id}`);
}

const LOW = { prompt: 'a red fox in the snow', model: 'gpt-image-2-low', size: '1024x1024' };

describe('a job at a gateway', () => {
  it('is made, watched, fetched by its link, and booked as the provider booked it', async () => {
    const { url } = await gatewayWith();
    const accepted = await post(`${url}/v1/images/jobs`, LOW);
    expect(accepted.status).toBe(202);
    const job = await ended(url, accepted.body.id);
    expect(job).toMatchObject({ status: 'completed', runs: 1, attempts: [{ outcome: 'delivered', route: 'gpt-image-2-low' }] });
    const picture = await fetch(job.images[0].url);
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect((await picture.arrayBuffer()).byteLength).toBe(job.images[0].bytes);
    const forged = new URL(job.images[0].url);
    forged.searchParams.set('owner', 'somebody');
    expect((await fetch(forged)).status).toBe(403);
    expect(await get(`${url}/v1/traces/${job.trace_id}`)).toMatchObject({ object: 'trace' });
    const rows = sandbox.ledger();
    expect(rows).toHaveLength(1);
    expect(job.cost_usd).toEqual({ billed: (rows[0]?.billed ?? 0) / 1_000_000, possibly_billed: 0 });
    const events = (await (await fetch(`${url}/v1/images/jobs/${job.id}/events`)).text()).match(/^data: .*$/gm) ?? [];
    const costs = events.map((line) => JSON.parse(line.slice('data: '.length)).data.cost_usd).filter((cost) => cost !== undefined);
    expect(costs).toEqual([job.cost_usd, job.cost_usd]);
  });

  it('that a synchronous call became is one upstream call and one bill', async () => {
    const { url } = await gatewayWith();
    const late = await post(`${url}/v1/images/generations`, { ...LOW, on_late: 'job', latency_budget_ms: 1_000 });
    expect([late.status, late.body.object]).toEqual([202, 'image.job']);
    const job = await ended(url, late.body.id);
    expect(job).toMatchObject({ status: 'completed', attempts: [{ outcome: 'delivered' }] });
    const inTime = await post(`${url}/v1/images/generations`, { ...LOW, on_late: 'job', latency_budget_ms: 600_000 });
    expect([inTime.status, inTime.body.data.length]).toEqual([200, 1]);
    const rows = sandbox.ledger();
    expect(rows.map(({ outcome, orphaned }) => [outcome, orphaned])).toEqual([
      ['delivered', false],
      ['delivered', false],
    ]);
    const billed = rows.reduce((sum, row) => sum + row.billed, 0) / 1_000_000;
    expect(job.cost_usd.billed + inTime.body.image_router.cost_usd.billed).toBeCloseTo(billed, 6);
  });

  it('shows its preview first, and goes on from it: finalized, then as good as it gets', async () => {
    const { url } = await gatewayWith();
    const sketch = await post(`${url}/v1/images/jobs`, { ...LOW, n: 2 });
    expect((await ended(url, sketch.body.id)).images).toHaveLength(2);
    const final = await post(`${url}/v1/images/jobs/${sketch.body.id}/finalize`, { preview: 1, use_as_reference: true });
    expect(final).toMatchObject({ status: 202, body: { lineage: sketch.body.id, model: 'premium' } });
    const job = await ended(url, final.body.id);
    expect(job).toMatchObject({ status: 'completed', images: [{ tier: 'premium' }] });
    expect(sandbox.ledger().some(({ references, quality }) => references === 1 && quality === 'high')).toBe(true);
    expect((await post(`${url}/v1/images/jobs/${job.id}/upgrade`, {})).status).toBe(409);
    const family = await get(`${url}/v1/images/jobs?lineage=${sketch.body.id}`);
    expect(family.data.map(({ id }: { id: string }) => id)).toEqual([job.id, sketch.body.id]);
  });

  it('that runs when its gateway is shut down is made by the next one', async () => {
    const first = await gatewayWith();
    const accepted = await post(`${first.url}/v1/images/jobs`, { ...LOW, model: 'premium' });
    const { id } = accepted.body;
    // A call is written down before it is made: only the provider knows that it was.
    while (sandbox.stats().generating === 0) await (await fetch(`${first.url}/livez`)).text();
    await first.drain();
    await first.close();
    const { url } = await gatewayWith();
    const job = await ended(url, id);
    expect(job).toMatchObject({ status: 'completed', images: [{ tier: 'premium' }] });
    expect(job.runs).toBeGreaterThan(1);
    // The call that was cut off is in the books, and on the provider's.
    expect(new Set(job.attempts.map(({ run }: { run: number }) => run)).has(1)).toBe(true);
    expect(job.cost_usd.possibly_billed).toBeGreaterThan(0);
    const billed = sandbox.ledger().reduce((sum, row) => sum + row.billed, 0) / 1_000_000;
    expect(job.cost_usd.billed + job.cost_usd.possibly_billed).toBeGreaterThanOrEqual(billed);
  });

  it('is one of a batch, each row a call, in one cap', async () => {
    const { url } = await gatewayWith();
    const rows = Array.from({ length: 8 }, (_, index) => JSON.stringify({ ...LOW, prompt: `fox ${index}`, custom_id: `fox-${index}` }));
    const headers = { 'content-type': 'application/jsonl' };
    const { status, body } = await post(`${url}/v1/images/batches?concurrency=3&max_cost_usd=1`, rows.join('\n'), headers);
    expect(status).toBe(202);
    while ((await get(`${url}/v1/images/batches/${body.id}`)).status !== 'completed') await (await fetch(`${url}/livez`)).text();
    const batch = await get(`${url}/v1/images/batches/${body.id}`);
    expect(batch).toMatchObject({ counts: { completed: 8 }, rows: 8 });
    const results = (await (await fetch(`${url}/v1/images/batches/${body.id}/results`)).text()).trim().split('\n');
    expect(results.map((line) => JSON.parse(line).custom_id)).toEqual(rows.map((_, index) => `fox-${index}`));
    const billed = sandbox.ledger().reduce((sum, row) => sum + row.billed, 0) / 1_000_000;
    expect(batch.cost_usd.billed + batch.cost_usd.possibly_billed).toBeCloseTo(billed, 6);
    expect(await get(`${url}/v1/images/jobs?batch=${body.id}`)).toMatchObject({ has_more: false });
  });

  it('is forgotten with all its pictures when its owner says so', async () => {
    const { url } = await gatewayWith();
    const { body } = await post(`${url}/v1/images/jobs`, LOW);
    const job = await ended(url, body.id);
    expect((await fetch(`${url}/v1/data`, { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(`${url}/v1/images/jobs/${body.id}`)).status).toBe(404);
    expect((await fetch(job.images[0].url)).status).toBe(404);
    expect((await fetch(`${url}/v1/traces/${job.trace_id}`)).status).toBe(404);
  });
});
