// The secrets of webhook endpoints, and what is signed with them. Each endpoint has its own, so that one receiver cannot speak
// in our name to another. While one is being changed the old one signs beside the new.
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../system/clock.ts';
import type { Secrets } from '../../system/secrets.ts';
import type { Delivery, WebhookEndpoint } from '../webhook-store.ts';

/** The specification asks for 24 to 64. */
const SECRET_BYTES = 32;
/** Real milliseconds the old secret signs beside the new: a day to bring the new one to every receiver. */
export const ROTATION_MS = 86_400_000;

export function newSecret(secrets: Secrets): string {
  return `whsec_${Buffer.from(secrets.bytes(SECRET_BYTES)).toString('base64')}`;
}

/** The endpoint's secrets with a new one first. Older ones than the last are dropped: they were replaced twice. */
export function rotated(endpoint: WebhookEndpoint, secret: string, validUntil: number): WebhookEndpoint['secrets'] {
  return [{ secret, validUntil: undefined }, ...endpoint.secrets.slice(0, 1).map((old) => ({ secret: old.secret, validUntil }))];
}

/**
 * The headers of one try. `webhook-id` is the same on every try, so that a receiver can tell a repeat; `webhook-timestamp` is
 * the try's own and signed, so that what was overheard is of no use five minutes later. `at`: the world's now.
 */
export function signedHeaders(
  delivery: Delivery,
  endpoint: WebhookEndpoint,
  at: number,
  receiversClock: Pick<Clock, 'wall'>,
): Readonly<Record<string, string>> {
  const now = receiversClock.wall();
  const signing = endpoint.secrets.filter(({ validUntil }) => validUntil === undefined || validUntil > at);
  return {
    'webhook-id': delivery.id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': signing.map(({ secret }) => new Webhook(secret).sign(delivery.id, now, delivery.body)).join(' '),
  };
}
