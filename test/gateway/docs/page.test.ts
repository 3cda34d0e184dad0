import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docsEndpoints } from '../../../src/gateway/docs/endpoints.ts';
import { ERRORS } from '../../../src/gateway/docs/error-list.ts';
import { webhookEndpoints } from '../../../src/gateway/http/endpoints/webhooks.ts';
import { EditBodySchema, GenerationBodySchema, HEADER_FIELDS } from '../../../src/gateway/http/openai/body.ts';
import { openSqliteFile, type SqliteFile } from '../../../src/gateway/store/sqlite-file.ts';
import { SqliteWebhooks } from '../../../src/gateway/store/sqlite-webhooks.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { ALL_ENDPOINTS } from '../support/all-endpoints.ts';
import { HttpWorld } from '../support/http-world.ts';
import { NO_WEBHOOKS } from '../support/no-webhooks.ts';

let world: HttpWorld;
let page: string;
let endpoints: number;
let folder: string;
let file: SqliteFile;

beforeAll(async () => {
  // Described before they are served: what the page says of an endpoint does not depend on what it works with.
  folder = await mkdtemp(join(tmpdir(), 'image-router-docs-'));
  file = openSqliteFile({ dataDir: folder, clock: systemClock(1), owner: 'one' });
  const hooks = webhookEndpoints({ ...NO_WEBHOOKS, webhooks: new SqliteWebhooks(file), wake: () => undefined });
  world = await HttpWorld.open({ jobs: 'made', endpoints: [...hooks, ...docsEndpoints(ALL_ENDPOINTS, '1.2.3')] });
  endpoints = ALL_ENDPOINTS.length + 2;
  page = await (await world.get('/docs')).text();
  const fox = sharp({ create: { width: 64, height: 64, channels: 3, background: 'orange' } });
  await writeFile(join(folder, 'fox.webp'), await fox.webp().toBuffer());
});
afterAll(async () => {
  await world.close();
  file.close();
  await rm(folder, { recursive: true });
});

const ENTITIES: Readonly<Record<string, string>> = { '&quot;': '"', '&#39;': "'", '&lt;': '<', '&gt;': '>', '&amp;': '&' };
const plain = (text: string): string => text.replaceAll(/&(?:quot|#39|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity);

describe('the page at /docs', () => {
  it('loads nothing from elsewhere, runs nothing, and lets only its own style through', async () => {
    expect(page).not.toMatch(/<script|\bsrc=|@import|url\(|javascript:|\bon\w+=/);
    for (const [, target = ''] of page.matchAll(/href="([^"]*)"/g)) expect(target).toMatch(/^(#[\w-]+|\/openapi\.json)$/);
    const [first, second] = await Promise.all([world.get('/docs'), world.get('/docs')]);
    const policy = first.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'nonce-[\w-]{36}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(second.headers.get('content-security-policy')).not.toBe(policy);
    expect(await first.text()).toContain(`<style nonce="${/nonce-([\w-]+)/.exec(policy)?.[1]}">`);
  });

  it('has a place for every link in it', () => {
    for (const [, anchor = ''] of page.matchAll(/href="#([^"]+)"/g)) expect(page, anchor).toContain(`id="${anchor}"`);
  });

  it('names every endpoint, every field with its default, every header and every error', () => {
    for (const { path } of ALL_ENDPOINTS) expect(page).toContain(`<code>${path.replaceAll(/:(\w+)/g, '{$1}')}</code>`);
    for (const name of [...Object.keys(GenerationBodySchema.shape), ...Object.keys(EditBodySchema.shape), ...Object.keys(HEADER_FIELDS)])
      expect(page).toContain(`<td><code>${name}</code></td>`);
    for (const { code } of ERRORS) expect(page).toContain(`<td><code>${code}</code></td>`);
    expect(page).not.toMatch(/undefined|\[object/);
  });

  it('shows curl lines that work as they stand', async () => {
    const { id } = JSON.parse(await (await world.post('/v1/images/generations', { prompt: 'a fox' })).text()).image_router;
    const sketch = { prompt: 'a fox', model: 'standard', preview: true };
    const job = JSON.parse(await (await world.post('/v1/images/jobs', sketch)).text()).id;
    await world.until(() => world.jobs.kept.get(job)?.job.state === 'completed');
    const rows = {
      method: 'POST',
      headers: { 'content-type': 'application/jsonl' },
      body: JSON.stringify({ ...sketch, preview: undefined }),
    };
    const batch = JSON.parse(await (await fetch(`${world.url}/v1/images/batches`, rows)).text()).id;
    const hook = JSON.parse(await (await world.post('/v1/webhooks', { url: 'https://example.com/' })).text()).id;
    const delivery = JSON.parse(await (await world.post(`/v1/webhooks/${hook}/test`, {})).text()).id;
    const ids: Readonly<Record<string, string>> = { ID: id, JOB: job, BATCH: batch, WEBHOOK: hook, DELIVERY: delivery };
    const lines = [...page.matchAll(/<pre>([^<]*)<\/pre>/g)].map(([, line = '']) => plain(line));
    expect(lines.length).toBe(endpoints);
    // What is removed cannot be looked at any more.
    const isLast = (line: string): number => Number(line.includes('-X DELETE'));
    for (const line of lines.toSorted((a, b) => isLast(a) - isLast(b))) {
      const named = line.replace(/\/(ID|JOB|BATCH|WEBHOOK|DELIVERY)\b/, (_, name) => `/${ids[name]}`);
      const command = `${named} -o answer -w '%{http_code}'`;
      const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: folder });
      expect(stdout, line).toMatch(/^20[02]$/);
    }
  });
});
