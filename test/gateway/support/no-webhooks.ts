// What the endpoints of webhooks are made from where they are described and never called.
import type { WebhookParts } from '../../../src/gateway/http/webhooks/webhook-parts.ts';
import type { WebhookStore } from '../../../src/jobs/webhook-store.ts';
import { DEFAULT_WEBHOOKS } from '../../../src/jobs/webhooks/settings.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';

const nobody = (): never => {
  throw new Error('these endpoints are only described');
};

const NO_STORE: WebhookStore = {
  addEndpoint: nobody,
  endpoint: nobody,
  endpoints: nobody,
  changeEndpoint: nobody,
  removeEndpoint: nobody,
  addDelivery: nobody,
  due: nobody,
  tried: nobody,
  deliveries: nobody,
  redeliver: nobody,
  sweepDeliveries: nobody,
  forget: nobody,
};

export const NO_WEBHOOKS: WebhookParts = { webhooks: NO_STORE, settings: () => DEFAULT_WEBHOOKS, secrets: systemSecrets(), wake: nobody };
