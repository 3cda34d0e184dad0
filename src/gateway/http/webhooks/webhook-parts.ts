// What the endpoints of webhooks are built from, beside what every endpoint has.
import type { WebhookStore } from '../../../jobs/webhook-store.ts';
import type { WebhookSettings } from '../../../jobs/webhooks/settings.ts';
import type { Secrets } from '../../../system/secrets.ts';

export type WebhookParts = {
  readonly webhooks: WebhookStore;
  readonly settings: () => Pick<WebhookSettings, 'allowInsecureLoopback' | 'endpointsPerKey'>;
  readonly secrets: Secrets;
  /** Something was queued: whoever sends should look. */
  readonly wake: () => void;
};
