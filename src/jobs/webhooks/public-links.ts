// Links that receivers can follow as they are: where the operator says at which URL others reach the gateway, the paths in what
// is told become URLs of it. That is done when it is sent rather than when it is queued: whichever process queued it, with
// whichever settings, it goes out as the one that sends it is told now.
import type { WebhookStore } from '../webhook-store.ts';

/** What a sender takes of it names URLs; everything else is the store as it is. `publicUrl` undefined: paths stay paths. */
export function withPublicLinks(store: WebhookStore, publicUrl: () => string | undefined): WebhookStore {
  return {
    addEndpoint: (endpoint, most) => store.addEndpoint(endpoint, most),
    endpoint: (principal, id) => store.endpoint(principal, id),
    endpoints: (principal) => store.endpoints(principal),
    changeEndpoint: (principal, id, change) => store.changeEndpoint(principal, id, change),
    removeEndpoint: (principal, id) => store.removeEndpoint(principal, id),
    addDelivery: (delivery) => store.addDelivery(delivery),
    due: async (sender, query) => {
      const base = publicUrl();
      const found = await store.due(sender, query);
      if (base === undefined) return found;
      return found.map(({ delivery, endpoint }) => ({ endpoint, delivery: { ...delivery, body: linked(delivery.body, base) } }));
    },
    tried: (sender, delivery, attempt, outcome) => store.tried(sender, delivery, attempt, outcome),
    deliveries: (principal, endpoint, after, limit) => store.deliveries(principal, endpoint, after, limit),
    redeliver: (principal, delivery, at) => store.redeliver(principal, delivery, at),
    sweepDeliveries: (before, most) => store.sweepDeliveries(before, most),
    forget: (principal) => store.forget(principal),
  };
}

/** Bodies are written by deliveries alone: what is called `url` there and is a path is one of the gateway's. */
function linked(body: string, base: string): string {
  const told: unknown = JSON.parse(body, (name, value: unknown) =>
    name === 'url' && typeof value === 'string' && value.startsWith('/') ? new URL(value, base).href : value,
  );
  return JSON.stringify(told);
}
