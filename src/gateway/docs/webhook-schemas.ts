// What the endpoints of webhooks answer, as schemas.
import { z } from 'zod';
import { WEBHOOK_EVENTS } from '../../jobs/webhook-store.ts';
import { count } from './answer-parts.ts';

const seconds = z.int();
const later = seconds.nullable();

export const WebhookAnswer = z.strictObject({
  id: z.string(),
  object: z.literal('webhook'),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  created_at: seconds.describe('Seconds since 1970, as all times here.'),
  disabled: z.strictObject({ at: seconds, reason: z.string() }).nullable().describe('Null, or since when and why nothing is sent there.'),
  old_secret_valid_until: later.describe('Until when the secret before signs beside the present one.'),
  secret: z.string().optional().describe('whsec_...: shown when it is made, and never again.'),
});

export const WebhookList = z.strictObject({ object: z.literal('list'), data: z.array(WebhookAnswer) });

export const WebhookRemoved = z.strictObject({ id: z.string(), object: z.literal('webhook'), deleted: z.literal(true) });

const WebhookDelivery = z.strictObject({
  id: z.string().describe('webhook-id of every try.'),
  object: z.literal('webhook.delivery'),
  webhook: z.string(),
  job_id: z.string().nullable().describe('Null for a test.'),
  event: z.enum([...WEBHOOK_EVENTS, 'webhook.test']),
  status: z.enum(['waiting', 'delivered', 'given_up']),
  created_at: seconds,
  next_try_at: later,
  tries: z
    .array(
      z.strictObject({
        at: seconds,
        status: z.int().nullable().describe('What the receiver answered; null: nothing.'),
        failure: z.string().nullable(),
        took_ms: count,
      }),
    )
    .describe('The latest 32.'),
  payload: z
    .looseObject({ type: z.string(), timestamp: z.string(), data: z.looseObject({}) })
    .describe('What is sent. Links in it are paths of this gateway, and want a key.'),
});

export const WebhookDeliveryList = z.strictObject({
  object: z.literal('list'),
  data: z.array(WebhookDelivery),
  has_more: z.boolean(),
  next: z.string().nullable().describe('For after.'),
});

export const WebhookQueued = z
  .strictObject({ id: z.string(), object: z.literal('webhook.delivery'), status: z.literal('waiting') })
  .describe('It is on its way; the list of deliveries says how it went.');
