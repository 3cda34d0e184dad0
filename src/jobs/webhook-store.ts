// Webhook endpoints of principals, and what they are to be told. A delivery is queued by `JobStore.finish` and
// `JobStore.previewReady` in the transaction of the change it tells of, so none is lost and none tells of what did not happen.
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
  readonly job: string;
  readonly event: WebhookEvent;
  readonly body: string;
  readonly createdAt: number;
  readonly tries: readonly DeliveryTry[];
  readonly state: 'waiting' | 'delivered' | 'given-up';
  readonly nextTryAt: number | undefined;
};

export type DeliveryTry = {
  readonly at: number;
  readonly status: number | undefined;
  readonly failure: string | undefined;
  readonly tookMs: number;
};

export interface WebhookStore {
  addEndpoint(endpoint: WebhookEndpoint): Promise<void>;
  endpoint(principal: string, id: string): Promise<WebhookEndpoint | undefined>;
  endpoints(principal: string): Promise<readonly WebhookEndpoint[]>;
  changeEndpoint(endpoint: WebhookEndpoint): Promise<boolean>;
  removeEndpoint(principal: string, id: string): Promise<boolean>;

  /**
   * Takes deliveries that are due, for `leaseMs`: another sender does not get them meanwhile, and gets them afterwards if this
   * one died. With each its endpoint as it is now.
   */
  due(
    sender: string,
    most: number,
    at: number,
    leaseMs: number,
  ): Promise<readonly { readonly delivery: Delivery; readonly endpoint: WebhookEndpoint }[]>;
  /** How a try went. `nextTryAt` undefined: it was the last. */
  tried(
    sender: string,
    delivery: string,
    attempt: DeliveryTry,
    outcome: 'delivered' | 'given-up' | { readonly nextTryAt: number },
  ): Promise<void>;
  deliveries(principal: string, endpoint: string, after: string | undefined, limit: number): Promise<readonly Delivery[]>;
  /** Sends it again now, with the same id. False: no such delivery. */
  redeliver(principal: string, delivery: string, at: number): Promise<boolean>;
  sweepDeliveries(before: number, most: number): Promise<number>;
}
