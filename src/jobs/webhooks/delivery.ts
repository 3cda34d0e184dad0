// What a webhook endpoint is told of a job, as a value: both stores put it into the transaction of the change itself. The body
// is small and stays the same over all tries: links and figures, never pictures, never the prompt. Links are paths of the
// gateway, made whole when they are sent (public-links.ts), and want the key of the job's owner: a link that signed itself would
// have expired long before the last try.
import { createHash } from 'node:crypto';
import type { Job, JobEvent, StoredImage } from '../../domain/job.ts';
import { isoTime } from '../../system/iso-time.ts';
import { type Delivery, WEBHOOK_EVENTS, type WebhookEndpoint, type WebhookEvent } from '../webhook-store.ts';

/** Standard Webhooks asks for less than 20 kB. These bounds keep a body below 17 kB, also when every character needs an escape of six. */
const MOST_PICTURES = 10;
const LONGEST_MESSAGE = 1_000;
const LONGEST_NAME = 200;

/**
 * Undefined: the endpoint is not to hear of it. An endpoint hears of a job that expired as of one that failed, so that the four
 * events speak of every end. The same event of the same job always makes the same delivery, however often it is asked for.
 */
export function deliveryFor(endpoint: WebhookEndpoint, job: Job, event: JobEvent): Delivery | undefined {
  const told = event.kind === 'job.expired' ? 'job.failed' : event.kind;
  if (!isWebhookEvent(told) || !endpoint.events.includes(told) || endpoint.disabled !== undefined) return undefined;
  return {
    id: deliveryId(endpoint.id, job.id, event.seq),
    endpoint: endpoint.id,
    principal: endpoint.principal,
    job: job.id,
    event: told,
    body: bodyOf(told, event.at, jobData(job)),
    createdAt: event.at,
    tries: [],
    state: 'waiting',
    nextTryAt: event.at,
  };
}

/** World milliseconds in which tests of an endpoint are one: whoever asks on and on fills no store and rings nobody's bell. */
const TEST_WINDOW_MS = 10_000;

/** For an owner who wants to see that an endpoint works. */
export function testDelivery(endpoint: WebhookEndpoint, at: number): Delivery {
  return {
    id: deliveryId(endpoint.id, 'test', Math.floor(at / TEST_WINDOW_MS)),
    endpoint: endpoint.id,
    principal: endpoint.principal,
    job: undefined,
    event: 'webhook.test',
    body: bodyOf('webhook.test', at, { webhook: endpoint.id }),
    createdAt: at,
    tries: [],
    state: 'waiting',
    nextTryAt: at,
  };
}

function isWebhookEvent(kind: string): kind is WebhookEvent {
  return WEBHOOK_EVENTS.some((event) => event === kind);
}

function deliveryId(endpoint: string, job: string, seq: number): string {
  return `msg_${createHash('sha256').update(`${endpoint} ${job} ${seq}`).digest('hex').slice(0, 32)}`;
}

function bodyOf(type: Delivery['event'], at: number, data: unknown): string {
  return JSON.stringify({ type, timestamp: isoTime(at), data });
}

function jobData(job: Job): unknown {
  const { id, lineage, state, model, degraded, error, cost, origin } = job;
  const path = `/v1/images/jobs/${id}`;
  return {
    object: 'image.job',
    id,
    url: path,
    status: state,
    lineage,
    model: short(model, LONGEST_NAME),
    ...(origin.kind === 'batch' ? { batch: origin.batch, row: origin.row } : {}),
    ...(origin.kind === 'finalize' || origin.kind === 'upgrade' ? { parent: origin.parent } : {}),
    created_at: seconds(job.createdAt),
    ended_at: job.endedAt === undefined ? null : seconds(job.endedAt),
    cost_usd: { billed: cost.billed / 1e6, possibly_billed: cost.possiblyBilled / 1e6 },
    degraded: degraded === undefined ? null : short(degraded, LONGEST_NAME),
    error: error === undefined ? null : { code: short(error.code, LONGEST_NAME), message: short(error.message, LONGEST_MESSAGE) },
    previews: job.previews.map((image, index) => pictureData(image, `${path}/preview/${index}`)).slice(-MOST_PICTURES),
    images: job.images.map((image, index) => pictureData(image, `${path}/content/${index}`)).slice(0, MOST_PICTURES),
  };
}

function pictureData({ format, width, height, bytes, sha256, route, tier }: StoredImage, url: string) {
  return { format, width, height, bytes, sha256, route, tier, url };
}

const seconds = (ms: number): number => Math.floor(ms / 1_000);
/** Well formed also where it is cut: half a surrogate pair would be escaped into twice its length. */
const short = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`);
