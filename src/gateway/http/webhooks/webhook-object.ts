// Webhook endpoints and deliveries as their owners see them. A secret is shown when it is made, and never again.
import type { Delivery, DeliveryTry, WebhookEndpoint } from '../../../jobs/webhook-store.ts';

export function webhookObject({ id, url, events, secrets, createdAt, disabled }: WebhookEndpoint, secret?: string) {
  return {
    id,
    object: 'webhook',
    url,
    events,
    created_at: seconds(createdAt),
    disabled: disabled === undefined ? null : { at: seconds(disabled.at), reason: disabled.reason },
    old_secret_valid_until: seconds(secrets.find(({ validUntil }) => validUntil !== undefined)?.validUntil),
    ...(secret === undefined ? {} : { secret }),
  };
}

export function deliveryObject({ id, endpoint, job, event, body, createdAt, tries, state, nextTryAt }: Delivery) {
  return {
    id,
    object: 'webhook.delivery',
    webhook: endpoint,
    job_id: job ?? null,
    event,
    status: state === 'given-up' ? 'given_up' : state,
    created_at: seconds(createdAt),
    next_try_at: seconds(nextTryAt),
    tries: tries.map(tryObject),
    payload: JSON.parse(body) as unknown,
  };
}

function tryObject({ at, status, failure, tookMs }: DeliveryTry) {
  return { at: seconds(at), status: status ?? null, failure: failure ?? null, took_ms: tookMs };
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1_000);
}
