// Webhook endpoints of principals, and what they are to be told. A delivery is queued by `JobStore.finish`, `previewReady`,
// `cancel` and `expire` in the transaction of the change it tells of (see webhooks/delivery.ts), so none is lost and none
// tells of what did not happen. Times are world milliseconds since 1970. Rejects with StoreError when nothing can be recorded.
import type { JobEventKind } from '../domain/job.ts';

export const WEBHOOK_EVENTS = [
  'job.preview_ready',
  'job.completed',
  'job.failed',
  'job.cancelled',
] as const satisfies readonly JobEventKind[];
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** `secrets`: `whsec_...`, the newest first; two while one is being rotated, each signs. */
export type WebhookEndpoint = {
  readonly id: string;
  readonly principal: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly secrets: readonly { readonly secret: string; readonly validUntil: number | undefined }[];
  readonly createdAt: number;
  /** Why nothing is sent there any more: it answered 410, or its owner said so. */
  readonly disabled: { readonly at: number; readonly reason: string } | undefined;
};

/** `id` is `webhook-id` of every try of it. `body` is what is signed and sent, as text. */
export type Delivery = {
  readonly id: string;
  readonly endpoint: string;
  readonly principal: string;
  /** Undefined for `webhook.test`. */
  readonly job: string | undefined;
  readonly event: WebhookEvent | 'webhook.test';
  readonly body: string;
  readonly createdAt: number;
  /** The latest `MOST_TRIES_KEPT` of them. */
  readonly tries: readonly DeliveryTry[];
  readonly state: 'waiting' | 'delivered' | 'given-up';
  readonly nextTryAt: number | undefined;
};

/** Asking for a delivery again and again must not grow its record without end; more than the schedule has. */
export const MOST_TRIES_KEPT = 32;

export type DeliveryTry = {
  readonly at: number;
  readonly status: number | undefined;
  readonly failure: string | undefined;
  readonly tookMs: number;
};

/** What a sender asks for. */
export type DueQuery = {
  readonly most: number;
  /** What all senders together may hold of one endpoint, so that a slow one starves nobody. */
  readonly perEndpoint: number;
  /**
   * What of this sender one principal may take, and what each holds already: an endpoint that was removed while it was called
   * is in no store any more, and still holds its place. Default: any.
   */
  readonly share?: { readonly most: number; readonly held: ReadonlyMap<string, number> };
  readonly at: number;
  readonly leaseMs: number;
};

export interface WebhookStore {
  /** False: its principal has `most` of them already. */
  addEndpoint(endpoint: WebhookEndpoint, most: number): Promise<boolean>;
  endpoint(principal: string, id: string): Promise<WebhookEndpoint | undefined>;
  /** In the order they were made. */
  endpoints(principal: string): Promise<readonly WebhookEndpoint[]>;
  /**
   * Puts `change(endpoint as it is)` in its place, in one transaction: two who change it at once both have their way. What waits
   * for an endpoint that becomes disabled is given up. Undefined: there is none.
   */
  changeEndpoint(
    principal: string,
    id: string,
    change: (endpoint: WebhookEndpoint) => Pick<WebhookEndpoint, 'url' | 'events' | 'secrets' | 'disabled'>,
  ): Promise<WebhookEndpoint | undefined>;
  /** With its deliveries. */
  removeEndpoint(principal: string, id: string): Promise<boolean>;

  /** A delivery that tells of no job. One that is there already stays as it is. */
  addDelivery(delivery: Delivery): Promise<void>;
  /**
   * Takes deliveries that are due, the longest due first, for `leaseMs`: another sender does not get them meanwhile, and gets
   * them afterwards if this one died. With each its endpoint as it is now.
   */
  due(sender: string, query: DueQuery): Promise<readonly { readonly delivery: Delivery; readonly endpoint: WebhookEndpoint }[]>;
  /** How a try went. Nothing happens when the lease is no longer this sender's: whoever has it now will say. */
  tried(
    sender: string,
    delivery: string,
    attempt: DeliveryTry,
    outcome: 'delivered' | 'given-up' | { readonly nextTryAt: number },
  ): Promise<void>;
  /** Newest first; `after`: the last one of the page before. */
  deliveries(principal: string, endpoint: string, after: string | undefined, limit: number): Promise<readonly Delivery[]>;
  /**
   * Sends it again now, with the same id, whatever became of it before; when it is being sent, once more after that try: its
   * receiver may hang, and must not gain a place by it. Undefined: no such delivery.
   */
  redeliver(principal: string, delivery: string, at: number): Promise<'queued' | 'endpoint-disabled' | undefined>;
  /** Forgets deliveries that wait no longer and were made before `before`. Their number. */
  sweepDeliveries(before: number, most: number): Promise<number>;
  /** Everything of a principal. */
  forget(principal: string): Promise<void>;
}
