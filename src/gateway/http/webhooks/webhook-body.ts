// The small bodies of requests about webhooks.
import { z } from 'zod';
import { WEBHOOK_EVENTS } from '../../../jobs/webhook-store.ts';
import { readReceiverUrl } from '../../../jobs/webhooks/receiver-url.ts';
import { Refusal } from '../refusal.ts';

/** A parser drops some of them and encodes others, and not every store can hold them: what is shown would not be what is sent to. */
const UNSEEN = /[\p{Cc}\p{Cs}]/u;

const url = z
  .string('must be text')
  .refine((text) => !UNSEEN.test(text), 'must hold no control characters and no half of a surrogate pair')
  .describe('Where to POST: https, port 443 or 8443, at a public address.');
const events = z
  .array(z.enum(WEBHOOK_EVENTS))
  .min(1)
  .transform((some) => [...new Set(some)])
  .describe('What to tell of. A job that expired is told of as one that failed.');

export const WebhookBodySchema = z.strictObject({ url, events: events.optional() });
export const WebhookChangeSchema = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  enabled: z.boolean('must be true or false').optional().describe('false: nothing is sent there, and what waits is given up.'),
});

/** Throws Refusal. Whether the host has a public address is asked when it is connected to, every time. */
export function requireReceiverUrl(text: string, allowInsecureLoopback: boolean): void {
  const receiver = readReceiverUrl(text, allowInsecureLoopback);
  if (receiver.kind !== 'unusable') return;
  throw new Refusal({
    status: 400,
    code: 'invalid_value',
    message: `The URL ${receiver.reason}.`,
    param: 'url',
    remedy:
      'give an https URL such as https://example.com/webhooks/images; for http on this machine set gateway.webhooks.allowInsecureLoopback',
  });
}
