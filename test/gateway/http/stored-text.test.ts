// Text that one store cannot hold (U+0000 in PostgreSQL) or neither can (halves of surrogate pairs, in UTF-8): both gateways must
// say the same of it, and keep what they accept as it was sent.
import { describe, expect, it, onTestFinished } from 'vitest';
import { compose } from '../../../src/compose.ts';
import { createApp } from '../../../src/gateway/http/app.ts';
import { batchEndpoints } from '../../../src/gateway/http/endpoints/batches.ts';
import { jobEndpoints } from '../../../src/gateway/http/endpoints/jobs.ts';
import { webhookEndpoints } from '../../../src/gateway/http/endpoints/webhooks.ts';
import { openSqliteStores, type Stores } from '../../../src/gateway/store/open-sqlite.ts';
import { openPostgresStores } from '../../../src/gateway/store/postgres/open-postgres.ts';
import { BatchFeeder } from '../../../src/jobs/batch-feeder.ts';
import { openBlobs } from '../../../src/jobs/blobs/open-blobs.ts';
import { createJobs } from '../../../src/jobs/jobs-service.ts';
import { resolveOptions } from '../../../src/options.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { describePostgres, freshDatabase } from '../../support/postgres.ts';
import { LIMITS } from '../support/http-world.ts';
import { OPEN_LINKS } from '../support/open-links.ts';
import { dataFolder, stateIn } from '../support/state-world.ts';

const clock = systemClock(1);
const ids = systemIds();

/** A gateway over real stores whose jobs nobody makes, asked without a socket. */
async function gatewayOver(dataDir: string, stores: Stores) {
  const options = resolveOptions({ endpoints: [{ id: 'none', provider: 'openai', baseUrl: 'http://127.0.0.1:9', apiKey: 'k' }] });
  const router = compose(options, { clock });
  await router.ready();
  const state = await stateIn(dataDir, { stores, requireKeys: false });
  const onTrouble = (error: unknown): void => console.error(error);
  const jobs = createJobs({ store: stores.jobs, blobs: await openBlobs(undefined, dataDir, ids), clock, ids, onTrouble });
  const feeder = new BatchFeeder({ batches: stores.batches, store: stores.jobs, jobs, clock, onTrouble });
  onTestFinished(async () => {
    await feeder.close();
    await router.close();
  });
  const limits = { ...LIMITS, uploadBytes: LIMITS.jsonBytes, referenceBytes: LIMITS.jsonBytes };
  const settings = () => ({ aliases: {}, limits, heartbeatMs: 15_000, imageUrls: { allow: false, hosts: [] } });
  const parts = { jobs, links: OPEN_LINKS, lifeMs: () => 86_400_000 };
  const receivers = () => ({ allowInsecureLoopback: false, endpointsPerKey: 2 });
  const app = createApp(
    {
      ...state,
      jobs: parts,
      router: () => router,
      options: () => options,
      settings,
      clock,
      ids,
      observer: { http: () => undefined, metricsText: async () => '' },
      isDraining: () => false,
    },
    [
      ...jobEndpoints(parts, settings),
      ...batchEndpoints({ ...parts, batches: stores.batches, tally: stores.jobs, feeder }, settings),
      ...webhookEndpoints({ webhooks: stores.webhooks, settings: receivers, secrets: systemSecrets(), wake: () => undefined }),
    ],
  );
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const init = body === undefined ? { headers } : { body: text, headers: { 'content-type': 'application/json', ...headers } };
    const reply = await app.request(`http://127.0.0.1${path}`, { method, ...init });
    return { status: reply.status, body: JSON.parse(await reply.text()) };
  };
  const batch = (...rows: readonly object[]) =>
    ask('POST', '/v1/images/batches', rows.map((row) => JSON.stringify(row)).join('\n'), { 'content-type': 'application/jsonl' });
  return { ask, batch, jobs, batches: stores.batches };
}

const FOX = { prompt: 'a fox', model: 'preview' };

function laws(open: () => ReturnType<typeof gatewayOver>): void {
  it('what no id can be is as unknown as any other', async () => {
    const { ask } = await open();
    for (const id of ['%00', 'a%00', 'job_%00', '%ED%A0%80', 'a%20b']) {
      for (const [method, path] of [
        ['GET', `/v1/images/jobs/${id}`],
        ['GET', `/v1/images/jobs/${id}/events`],
        ['GET', `/v1/images/jobs/${id}/content/0`],
        ['POST', `/v1/images/jobs/${id}/cancel`],
        ['POST', `/v1/images/jobs/${id}/upgrade`],
        ['GET', `/v1/images/batches/${id}`],
        ['POST', `/v1/images/batches/${id}/cancel`],
        ['GET', `/v1/webhooks/${id}`],
        ['POST', `/v1/webhooks/${id}/rotate`],
        ['DELETE', `/v1/webhooks/${id}`],
        ['POST', `/v1/webhooks/deliveries/${id}/redeliver`],
        ['GET', `/v1/traces/${id}`],
      ] as const) {
        expect([path, (await ask(method, path)).status]).toEqual([path, 404]);
      }
    }
  });

  it('a filter that no id can be is 400', async () => {
    const { ask } = await open();
    for (const name of ['batch', 'lineage']) {
      const { status, body } = await ask('GET', `/v1/images/jobs?${name}=a%00`);
      expect([status, body.error?.code, body.error?.param]).toEqual([400, 'invalid_value', name]);
      expect((await ask('GET', `/v1/images/jobs?${name}=unknown_1`)).body.data).toEqual([]);
    }
    expect((await ask('GET', '/v1/images/jobs?batch=%00&lineage=%00')).status).toBe(400);
  });

  it.each(['a\u0000', '\u0000', 'a\ud800', '\udc00b'])('a row named %j is refused with its line and field', async (customId) => {
    const { batch } = await open();
    const { status, body } = await batch({ ...FOX, custom_id: 'fine \u{1f98a}' }, { ...FOX, custom_id: customId });
    expect([status, body.error?.code, body.error?.problems?.[0]]).toMatchObject([400, 'invalid_batch', { line: 2, field: 'custom_id' }]);
  });

  it.each(['a \u0000 fox', 'a \ud800 fox', '\udc00'])('the prompt %j is kept as it was sent', async (prompt) => {
    const { ask, batch, jobs, batches } = await open();
    const handedIn = await ask('POST', '/v1/images/jobs', { ...FOX, prompt }, { 'idempotency-key': 'one' });
    expect(handedIn.status).toBe(202);
    expect((await jobs.find('loopback', handedIn.body.id))?.request.prompt).toBe(prompt);
    expect((await ask('POST', '/v1/images/jobs', { ...FOX, prompt }, { 'idempotency-key': 'one' })).body.id).toBe(handedIn.body.id);
    expect((await ask('GET', `/v1/images/jobs/${handedIn.body.id}`)).status).toBe(200);
    const rows = await batch({ ...FOX, prompt });
    expect(rows.status).toBe(202);
    expect((await batches.rows(rows.body.id, 0, 1))[0]?.request.prompt).toBe(prompt);
  });

  it('a user is told from every other, or refused', async () => {
    const { ask, batch, jobs } = await open();
    for (const field of ['user', 'safety_identifier']) {
      const first = await ask('POST', '/v1/images/jobs', { ...FOX, [field]: 'a\u0000' });
      const second = await ask('POST', '/v1/images/jobs', { ...FOX, [field]: 'a' });
      const [one, other] = await Promise.all([first, second].map(({ body }) => jobs.find('loopback', body.id)));
      expect(one?.request.tenant).not.toBe(other?.request.tenant);
      const half = await ask('POST', '/v1/images/jobs', { ...FOX, [field]: 'a\ud800' });
      expect([half.status, half.body.error?.param]).toEqual([400, field]);
      expect((await batch({ ...FOX, [field]: '\ud800' })).body.error?.problems?.[0]).toMatchObject({ line: 1, field });
    }
  });

  it.each(['\u0000', '\ud800'])('no name of anything holds %j', async (character) => {
    const { ask, batch } = await open();
    for (const field of ['model', 'policy', 'size', 'quality', 'metadata', `x${character}`]) {
      const status = field === 'model' ? 404 : 400;
      expect([field, (await ask('POST', '/v1/images/jobs', { ...FOX, [field]: `a${character}` })).status]).toEqual([field, status]);
      expect([field, (await batch({ ...FOX, [field]: `a${character}` })).status]).toEqual([field, 400]);
    }
  });

  it.each(['\u0000', '\ud800', '\n'])('a webhook is at no URL with %j in it', async (character) => {
    const { ask } = await open();
    for (const url of [`https://receiver.example/${character}hook`, `https://receiver.example/hook${character}`]) {
      const added = await ask('POST', '/v1/webhooks', { url });
      expect([added.status, added.body.error?.param]).toEqual([400, 'url']);
    }
    const { body } = await ask('POST', '/v1/webhooks', { url: 'https://receiver.example/hook' });
    expect((await ask('POST', `/v1/webhooks/${body.id}`, { url: `https://receiver.example/${character}` })).status).toBe(400);
  });
}

describe('text that cannot be kept everywhere, over SQLite', () => {
  laws(async () => {
    const dataDir = await dataFolder();
    return gatewayOver(dataDir, openSqliteStores({ dataDir, clock, owner: 'one' }));
  });
});

describePostgres('text that cannot be kept everywhere, over PostgreSQL', () => {
  laws(async () => {
    const url = await freshDatabase();
    return gatewayOver(await dataFolder(), await openPostgresStores({ url, clock, owner: 'one', silentMs: 0, connections: 4 }));
  });
});
