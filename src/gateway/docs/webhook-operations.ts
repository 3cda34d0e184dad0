// What there is to say of the endpoints of webhooks.
import { JSON_TYPE, json, type OperationNotes } from './operation-notes.ts';

const ERRORS = ['any', 'keyed', 'webhooks'] as const;

export const WEBHOOK_OPERATIONS: Readonly<Record<string, OperationNotes>> = {
  'POST /v1/webhooks': {
    about:
      'Signed by Standard Webhooks: verify webhook-signature with the secret of the answer, which is shown once, and refuse a webhook-timestamp more than five minutes old. At least once, not in order: webhook-id is the same on every try. Tried at once, then after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, 20 s each; a redirect is a failure; 410 switches the webhook off.',
    body: { [JSON_TYPE]: 'WebhookBody' },
    answer: { [JSON_TYPE]: 'Webhook' },
    errors: [...ERRORS, 'body'],
    example: `/v1/webhooks ${json({ url: 'https://example.com/webhooks/images', events: ['job.completed', 'job.failed'] })}`,
  },
  'GET /v1/webhooks': {
    about: 'In the order they were made.',
    answer: { [JSON_TYPE]: 'WebhookList' },
    errors: ERRORS,
    example: '/v1/webhooks',
  },
  'GET /v1/webhooks/:id': {
    about: 'Without its secret.',
    answer: { [JSON_TYPE]: 'Webhook' },
    errors: ERRORS,
    example: '/v1/webhooks/WEBHOOK',
  },
  'POST /v1/webhooks/:id': {
    about: 'What is left out stays as it is. enabled: true also after a receiver had answered 410.',
    body: { [JSON_TYPE]: 'WebhookChange' },
    answer: { [JSON_TYPE]: 'Webhook' },
    errors: [...ERRORS, 'body'],
    example: `/v1/webhooks/WEBHOOK ${json({ events: ['job.completed'], enabled: true })}`,
  },
  'POST /v1/webhooks/:id/rotate': {
    about: 'The old secret signs beside the new one for 24 hours. The new one is shown once.',
    answer: { [JSON_TYPE]: 'Webhook' },
    errors: ERRORS,
    example: '/v1/webhooks/WEBHOOK/rotate -X POST',
  },
  'POST /v1/webhooks/:id/test': {
    about: 'An event webhook.test, whatever events it listens to. Tests within ten seconds are one.',
    answer: { [JSON_TYPE]: 'WebhookQueued' },
    errors: ERRORS,
    example: '/v1/webhooks/WEBHOOK/test -X POST',
  },
  'GET /v1/webhooks/:id/deliveries': {
    about: 'Newest first. Kept for as long as jobs are.',
    query: { limit: 'Deliveries a page, 1 to 100. Default 20.', after: 'next of the page before.' },
    answer: { [JSON_TYPE]: 'WebhookDeliveryList' },
    errors: [...ERRORS, 'body'],
    example: '/v1/webhooks/WEBHOOK/deliveries',
  },
  'POST /v1/webhooks/deliveries/:id/redeliver': {
    about: 'Under the same webhook-id, whatever became of it before. The schedule goes on from where it is.',
    answer: { [JSON_TYPE]: 'WebhookQueued' },
    errors: ERRORS,
    example: '/v1/webhooks/deliveries/DELIVERY/redeliver -X POST',
  },
  'DELETE /v1/webhooks/:id': {
    about: 'What waits to be sent is forgotten.',
    answer: { [JSON_TYPE]: 'WebhookRemoved' },
    errors: ERRORS,
    example: '/v1/webhooks/WEBHOOK -X DELETE',
  },
};
