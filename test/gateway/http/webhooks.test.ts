import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { ANSWER_SCHEMAS } from '../../../src/gateway/docs/answer-schemas.ts';
import { webhookEndpoints } from '../../../src/gateway/http/endpoints/webhooks.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { openSqliteFile, type SqliteFile } from '../../../src/gateway/store/sqlite-file.ts';
import { SqliteWebhooks } from '../../../src/gateway/store/sqlite-webhooks.ts';
import type { WebhookStore } from '../../../src/jobs/webhook-store.ts';
import { ROTATION_MS } from '../../../src/jobs/webhooks/secret.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { HttpWorld } from '../support/http-world.ts';
import { dataFolder } from '../support/state-world.ts';

const URL_ = 'https://receiver.example/hook';
const MINE = { authorization: 'Bearer mine' };
const THEIRS = { authorization: 'Bearer theirs' };

let world: HttpWorld;
let store: WebhookStore;
let woken: number;
let file: SqliteFile;
let isClosed: boolean;
beforeEach(async () => {
  file = openSqliteFile({ dataDir: await dataFolder(), clock: systemClock(1), owner: 'one' });
  isClosed = false;
  store = new SqliteWebhooks(file);
  woken = 0;
  const settings = () => ({ allowInsecureLoopback: false, endpointsPerKey: 2 });
  const wake = (): void => {
    woken += 1;
  };
  const parts = { webhooks: store, settings, secrets: systemSecrets(), wake };
  world = await HttpWorld.open({ endpoints: webhookEndpoints(parts) });
  for (const id of ['mine', 'theirs']) world.gatekeeper.keys.set(id, { id, scopes: ['images'], limits: NO_LIMITS });
  world.gatekeeper.keys.set('reader', { id: 'reader', scopes: ['read'], limits: NO_LIMITS });
});
afterEach(async () => {
  await world.close();
  if (!isClosed) file.close();
});

/** What a good answer says, held to the schema that is published of it. */
async function read<Schema extends z.ZodType>(schema: Schema, response: Promise<Response>): Promise<z.output<Schema>> {
  const answer = await response;
  expect(answer.status, await answer.clone().text()).toBe(200);
  return schema.parse(await answer.json());
}

async function refused(response: Promise<Response>) {
  const answer = await response;
  const { error } = ANSWER_SCHEMAS.Error.parse(await answer.json());
  return { status: answer.status, code: error.code, param: error.param, message: error.message };
}

const add = (body: object = { url: URL_ }, headers: Record<string, string> = MINE) =>
  read(ANSWER_SCHEMAS.Webhook, world.post('/v1/webhooks', body, headers));
const remove = (id: string, headers: Record<string, string>) => fetch(`${world.url}/v1/webhooks/${id}`, { method: 'DELETE', headers });

describe('a webhook', () => {
  it('is made with a secret that is shown once, and tells of everything unless told otherwise', async () => {
    const made = await add();
    expect(made).toMatchObject({ url: URL_, disabled: null, old_secret_valid_until: null });
    expect(made.events).toEqual(['job.preview_ready', 'job.completed', 'job.failed', 'job.cancelled']);
    expect(made.id).toMatch(/^wh_[0-9a-f]{32}$/);
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret: _, ...rest } = made;
    expect(await read(ANSWER_SCHEMAS.Webhook, world.get(`/v1/webhooks/${made.id}`, MINE))).toEqual(rest);
    expect(await read(ANSWER_SCHEMAS.WebhookList, world.get('/v1/webhooks', MINE))).toEqual({ object: 'list', data: [rest] });
  });

  it.each([
    [{}, 'url', 'missing_required_parameter'],
    [{ url: 'http://receiver.example/' }, 'url', 'invalid_value'],
    [{ url: 'https://receiver.example:25/' }, 'url', 'invalid_value'],
    [{ url: 'http://127.0.0.1:9/' }, 'url', 'invalid_value'],
    [{ url: URL_, events: [] }, 'events', 'invalid_value'],
    [{ url: URL_, events: ['job.exploded'] }, 'events', 'invalid_value'],
    [{ url: URL_, event: ['job.failed'] }, 'event', 'unknown_parameter'],
  ])('is not made from %j', async (body, param, code) => {
    expect(await refused(world.post('/v1/webhooks', body, MINE))).toMatchObject({ status: 400, param, code });
    expect(await store.endpoints('mine')).toEqual([]);
  });

  it('made to tell of nothing is told how many events it needs', async () => {
    const { message } = await refused(world.post('/v1/webhooks', { url: URL_, events: [] }, MINE));
    expect(message).toBe('events must have at least 1 entry, got []');
  });

  it('is unknown to everybody but its owner, in the same words as one that never was', async () => {
    const { id } = await add();
    const asks = (headers: Record<string, string>, which: string): readonly Promise<Response>[] => [
      world.get(`/v1/webhooks/${which}`, headers),
      world.post(`/v1/webhooks/${which}`, { enabled: false }, headers),
      world.post(`/v1/webhooks/${which}/rotate`, {}, headers),
      world.post(`/v1/webhooks/${which}/test`, {}, headers),
      world.get(`/v1/webhooks/${which}/deliveries`, headers),
      remove(which, headers),
    ];
    const [theirs, never] = await Promise.all([
      Promise.all(asks(THEIRS, id).map(refused)),
      Promise.all(asks(MINE, 'wh_nothing').map(refused)),
    ]);
    expect(theirs).toEqual(never);
    for (const { status, code } of theirs) expect([status, code]).toEqual([404, 'webhook_not_found']);
    expect(await store.endpoint('mine', id)).toMatchObject({ disabled: undefined, secrets: [{ validUntil: undefined }] });
  });

  it('is not for keys that may only read', async () => {
    expect(await refused(world.post('/v1/webhooks', { url: URL_ }, { authorization: 'Bearer reader' }))).toMatchObject({ status: 403 });
    expect(await refused(world.get('/v1/webhooks', { authorization: 'Bearer reader' }))).toMatchObject({ status: 403 });
  });

  it('is one of so many of a key', async () => {
    await add();
    const { id } = await add();
    expect(await refused(world.post('/v1/webhooks', { url: URL_ }, MINE))).toMatchObject({ status: 409, code: 'too_many_webhooks' });
    await add({ url: URL_ }, THEIRS);
    expect(await read(ANSWER_SCHEMAS.WebhookRemoved, remove(id, MINE))).toEqual({ id, object: 'webhook', deleted: true });
    await add();
  });

  it('changes in what it is told to change, and in nothing else', async () => {
    const made = await add({ url: URL_, events: ['job.failed'] });
    const path = `/v1/webhooks/${made.id}`;
    const { secret: _, ...before } = made;
    expect(await read(ANSWER_SCHEMAS.Webhook, world.post(path, { events: ['job.completed', 'job.completed'] }, MINE))).toEqual({
      ...before,
      events: ['job.completed'],
    });
    expect(await read(ANSWER_SCHEMAS.Webhook, world.post(path, { url: `${URL_}/2` }, MINE))).toMatchObject({
      url: `${URL_}/2`,
      events: ['job.completed'],
    });
    expect(await refused(world.post(path, { url: 'ftp://x/' }, MINE))).toMatchObject({ status: 400, param: 'url' });
    const off = await read(ANSWER_SCHEMAS.Webhook, world.post(path, { enabled: false }, MINE));
    expect(off.disabled).toMatchObject({ reason: 'its owner switched it off' });
    expect(await read(ANSWER_SCHEMAS.Webhook, world.post(path, { enabled: false }, MINE))).toEqual(off);
    expect((await read(ANSWER_SCHEMAS.Webhook, world.post(path, { enabled: true }, MINE))).disabled).toBeNull();
  });

  it('gets a new secret, and keeps the old one for a day', async () => {
    const made = await add();
    const before = world.clock.wall().getTime();
    const changed = await read(ANSWER_SCHEMAS.Webhook, world.post(`/v1/webhooks/${made.id}/rotate`, {}, MINE));
    expect(changed.secret).not.toBe(made.secret);
    const dayMs = ROTATION_MS * world.clock.speed;
    expect(changed.old_secret_valid_until).toBeGreaterThanOrEqual(Math.floor((before + dayMs) / 1_000));
    const stored = await store.endpoint('mine', made.id);
    expect(stored?.secrets.map(({ secret }) => secret)).toEqual([changed.secret, made.secret]);
    const again = await read(ANSWER_SCHEMAS.Webhook, world.post(`/v1/webhooks/${made.id}/rotate`, {}, MINE));
    expect((await store.endpoint('mine', made.id))?.secrets.map(({ secret }) => secret)).toEqual([again.secret, changed.secret]);
  });
});

describe('deliveries', () => {
  it('of a test are queued, listed with what is sent, and sent again when asked for', async () => {
    const { id } = await add();
    const test = await read(ANSWER_SCHEMAS.WebhookQueued, world.post(`/v1/webhooks/${id}/test`, {}, MINE));
    expect(woken).toBe(1);
    const listed = await read(ANSWER_SCHEMAS.WebhookDeliveryList, world.get(`/v1/webhooks/${id}/deliveries`, MINE));
    expect(listed).toMatchObject({
      has_more: false,
      data: [
        { id: test.id, webhook: id, job_id: null, event: 'webhook.test', status: 'waiting', tries: [], payload: { data: { webhook: id } } },
      ],
    });
    const at = world.clock.wall().getTime();
    await store.due('s', { most: 1, perEndpoint: 1, at, leaseMs: 1_000 });
    await store.tried('s', test.id, { at, status: 500, failure: 'answered with status 500', tookMs: 3 }, 'given-up');
    const [ended] = (await read(ANSWER_SCHEMAS.WebhookDeliveryList, world.get(`/v1/webhooks/${id}/deliveries`, MINE))).data;
    expect(ended).toMatchObject({ status: 'given_up', next_try_at: null, tries: [{ status: 500, took_ms: 3 }] });
    const redeliver = `/v1/webhooks/deliveries/${test.id}/redeliver`;
    expect(await refused(world.post(redeliver, {}, THEIRS))).toMatchObject({ status: 404, code: 'delivery_not_found' });
    expect(await read(ANSWER_SCHEMAS.WebhookQueued, world.post(redeliver, {}, MINE))).toEqual(test);
    expect(woken).toBe(2);
  });

  it('come in pages that together are all of them', async () => {
    const { id } = await add();
    const endpoint = await store.endpoint('mine', id);
    if (endpoint === undefined) throw new Error('it was added');
    for (let turn = 0; turn < 5; turn += 1) {
      const delivery = { id: `msg_${turn}`, endpoint: id, principal: 'mine', job: undefined, event: 'webhook.test' as const };
      await store.addDelivery({
        ...delivery,
        body: '{"type":"t","timestamp":"","data":{}}',
        createdAt: turn,
        tries: [],
        state: 'waiting',
        nextTryAt: turn,
      });
    }
    const seen: string[] = [];
    let after = '';
    for (let pages = 0; pages < 3; pages += 1) {
      const page = await read(ANSWER_SCHEMAS.WebhookDeliveryList, world.get(`/v1/webhooks/${id}/deliveries?limit=2${after}`, MINE));
      seen.push(...page.data.map((delivery) => delivery.id));
      expect(page.has_more).toBe(pages < 2);
      after = `&after=${page.next}`;
    }
    expect(seen).toEqual(['msg_4', 'msg_3', 'msg_2', 'msg_1', 'msg_0']);
    expect(await refused(world.get(`/v1/webhooks/${id}/deliveries?limit=0`, MINE))).toMatchObject({ status: 400, param: 'limit' });
  });

  it('are not sent to a webhook that is switched off', async () => {
    const { id } = await add();
    const { id: delivery } = await read(ANSWER_SCHEMAS.WebhookQueued, world.post(`/v1/webhooks/${id}/test`, {}, MINE));
    await world.post(`/v1/webhooks/${id}`, { enabled: false }, MINE);
    for (const path of [`/v1/webhooks/${id}/test`, `/v1/webhooks/deliveries/${delivery}/redeliver`])
      expect(await refused(world.post(path, {}, MINE))).toMatchObject({ status: 409, code: 'webhook_disabled' });
  });

  it('cannot be asked for while the store is away', async () => {
    file.close();
    isClosed = true;
    expect(await refused(world.get('/v1/webhooks', MINE))).toMatchObject({ status: 503, code: 'store_unavailable' });
    expect(await refused(world.post('/v1/webhooks', { url: URL_ }, MINE))).toMatchObject({ status: 503 });
  });
});
