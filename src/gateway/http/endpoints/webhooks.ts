// /v1/webhooks: where a key's owner is told of jobs, by Standard Webhooks. Another key's webhook is as unknown as one that
// never was.
import { WEBHOOK_EVENTS, type WebhookEndpoint } from '../../../jobs/webhook-store.ts';
import { testDelivery } from '../../../jobs/webhooks/delivery.ts';
import { newSecret, ROTATION_MS, rotated } from '../../../jobs/webhooks/secret.ts';
import type { Call } from '../call.ts';
import type { Endpoint } from '../endpoint.ts';
import { readSmallBody } from '../jobs/continue-body.ts';
import { pageObject, readCursor, readLimit, readQuery } from '../list-query.ts';
import { Refusal } from '../refusal.ts';
import { sendJson } from '../send.ts';
import { requireReceiverUrl, WebhookBodySchema, WebhookChangeSchema } from '../webhooks/webhook-body.ts';
import { deliveryObject, webhookObject } from '../webhooks/webhook-object.ts';
import type { WebhookParts } from '../webhooks/webhook-parts.ts';

const PATH = '/v1/webhooks';

export function webhookEndpoints(parts: WebhookParts): readonly Endpoint[] {
  const one = { method: 'GET', scope: 'images' } as const;
  const change = { method: 'POST', scope: 'images' } as const;
  return [
    { ...change, path: PATH, summary: 'Be told of jobs at a URL', handle: (call) => add(call, parts) },
    {
      ...one,
      path: PATH,
      summary: 'List your webhooks',
      handle: async (call) => {
        const endpoints = await parts.webhooks.endpoints(call.principal.id);
        return sendJson(call, 200, { object: 'list', data: endpoints.map((endpoint) => webhookObject(endpoint)) });
      },
    },
    {
      ...one,
      path: `${PATH}/:id`,
      summary: 'Look at a webhook',
      handle: async (call) => sendJson(call, 200, webhookObject(await endpointOf(call, parts))),
    },
    { ...change, path: `${PATH}/:id`, summary: 'Change a webhook, or switch it off and on', handle: (call) => alter(call, parts) },
    {
      method: 'DELETE',
      scope: 'images',
      path: `${PATH}/:id`,
      summary: 'Remove a webhook with its deliveries',
      handle: async (call) => {
        const id = call.keptId;
        if (!(await parts.webhooks.removeEndpoint(call.principal.id, id))) throw unknownWebhook();
        return sendJson(call, 200, { id, object: 'webhook', deleted: true });
      },
    },
    { ...change, path: `${PATH}/:id/rotate`, summary: 'Give a webhook a new secret', handle: (call) => rotate(call, parts) },
    { ...change, path: `${PATH}/:id/test`, summary: 'Send a webhook something to try it', handle: (call) => test(call, parts) },
    {
      ...one,
      path: `${PATH}/:id/deliveries`,
      summary: 'See what a webhook was sent, and how that went',
      handle: (call) => listDeliveries(call, parts),
    },
    { ...change, path: `${PATH}/deliveries/:id/redeliver`, summary: 'Send a delivery again', handle: (call) => redeliver(call, parts) },
  ];
}

async function add(call: Call, { webhooks, settings, secrets }: WebhookParts): Promise<Response> {
  const { url, events } = await readSmallBody(call, WebhookBodySchema);
  const { allowInsecureLoopback, endpointsPerKey } = settings();
  requireReceiverUrl(url, allowInsecureLoopback);
  const secret = newSecret(secrets);
  const endpoint: WebhookEndpoint = {
    id: call.gateway.ids.next('wh'),
    principal: call.principal.id,
    url,
    events: events ?? WEBHOOK_EVENTS,
    secrets: [{ secret, validUntil: undefined }],
    createdAt: now(call),
    disabled: undefined,
  };
  if (await webhooks.addEndpoint(endpoint, endpointsPerKey)) return sendJson(call, 200, webhookObject(endpoint, secret));
  throw new Refusal({
    status: 409,
    code: 'too_many_webhooks',
    message: `A key may have ${endpointsPerKey} webhooks.`,
    remedy: `remove one with DELETE ${PATH}/{id}, or change one with POST ${PATH}/{id}`,
  });
}

async function alter(call: Call, { webhooks, settings }: WebhookParts): Promise<Response> {
  const { url, events, enabled } = await readSmallBody(call, WebhookChangeSchema);
  if (url !== undefined) requireReceiverUrl(url, settings().allowInsecureLoopback);
  const off = { at: now(call), reason: 'its owner switched it off' };
  const changed = await webhooks.changeEndpoint(call.principal.id, call.keptId, (endpoint) => ({
    url: url ?? endpoint.url,
    events: events ?? endpoint.events,
    secrets: endpoint.secrets,
    disabled: enabled === undefined ? endpoint.disabled : enabled ? undefined : (endpoint.disabled ?? off),
  }));
  if (changed === undefined) throw unknownWebhook();
  return sendJson(call, 200, webhookObject(changed));
}

async function rotate(call: Call, { webhooks, secrets }: WebhookParts): Promise<Response> {
  const secret = newSecret(secrets);
  const validUntil = now(call) + ROTATION_MS * call.gateway.clock.speed;
  const changed = await webhooks.changeEndpoint(call.principal.id, call.keptId, (endpoint) => ({
    ...endpoint,
    secrets: rotated(endpoint, secret, validUntil),
  }));
  if (changed === undefined) throw unknownWebhook();
  return sendJson(call, 200, webhookObject(changed, secret));
}

async function test(call: Call, parts: WebhookParts): Promise<Response> {
  const endpoint = await endpointOf(call, parts);
  if (endpoint.disabled !== undefined) throw disabledWebhook();
  const delivery = testDelivery(endpoint, now(call));
  await parts.webhooks.addDelivery(delivery);
  return queued(call, parts, delivery.id);
}

async function listDeliveries(call: Call, parts: WebhookParts): Promise<Response> {
  const asked = readQuery(call, ['limit', 'after']);
  const limit = readLimit(asked.limit);
  const after = readCursor(asked.after)?.id;
  const { principal, id } = await endpointOf(call, parts);
  return sendJson(call, 200, pageObject(await parts.webhooks.deliveries(principal, id, after, limit + 1), limit, deliveryObject));
}

async function redeliver(call: Call, parts: WebhookParts): Promise<Response> {
  const id = call.keptId;
  const outcome = await parts.webhooks.redeliver(call.principal.id, id, now(call));
  if (outcome === 'endpoint-disabled') throw disabledWebhook();
  if (outcome === 'queued') return queued(call, parts, id);
  throw new Refusal({
    status: 404,
    code: 'delivery_not_found',
    message: 'There is no such delivery, or no longer, or it belongs to another key.',
    param: 'id',
    remedy: `GET ${PATH}/{id}/deliveries lists those there are`,
  });
}

function queued(call: Call, { wake }: WebhookParts, id: string): Response {
  wake();
  return sendJson(call, 200, { id, object: 'webhook.delivery', status: 'waiting' });
}

/** Throws Refusal 404. */
async function endpointOf(call: Call, { webhooks }: WebhookParts): Promise<WebhookEndpoint> {
  const endpoint = await webhooks.endpoint(call.principal.id, call.keptId);
  if (endpoint === undefined) throw unknownWebhook();
  return endpoint;
}

function unknownWebhook(): Refusal {
  return new Refusal({
    status: 404,
    code: 'webhook_not_found',
    message: 'There is no such webhook, or it belongs to another key.',
    param: 'id',
    remedy: `GET ${PATH} lists those there are`,
  });
}

function disabledWebhook(): Refusal {
  return new Refusal({
    status: 409,
    code: 'webhook_disabled',
    message: 'The webhook is switched off: its receiver answered 410, or its owner said so.',
    remedy: `POST ${PATH}/{id} with {"enabled": true} first`,
  });
}

/** World milliseconds since 1970. */
function now(call: Call): number {
  return call.gateway.clock.wall().getTime();
}
