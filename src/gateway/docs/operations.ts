// What there is to say of each endpoint. A test holds that every endpoint served is here, and no other.
import { BATCH_OPERATIONS } from './batch-operations.ts';
import { JOB_OPERATIONS } from './job-operations.ts';
import { EVENTS, JSON_TYPE, json, type OperationNotes } from './operation-notes.ts';
import { WEBHOOK_OPERATIONS } from './webhook-operations.ts';

/** By method and path, as the endpoints have them. */
export const OPERATIONS: Readonly<Record<string, OperationNotes>> = {
  'POST /v1/images/generations': {
    about:
      'With stream: true the answer is server-sent events: partial images, then one completed event for each image, with a comment as a sign of life in between. With preview: true as well, the first partial image is a quick preview, whichever provider makes it. With Prefer: respond-async it becomes a job at once, with on_late: job when its budget runs out.',
    body: { [JSON_TYPE]: 'GenerationBody' },
    answer: { [JSON_TYPE]: 'Images', [EVENTS]: 'GenerationEvent' },
    errors: ['any', 'keyed', 'body', 'images', 'models'],
    takesHeaders: true,
    makesImages: true,
    isIdempotent: true,
    takesPrefer: true,
    accepted: 'Job',
    example: `/v1/images/generations ${json({ model: 'auto', prompt: 'a red fox asleep in fresh snow', latency_budget_ms: 60_000 })}`,
  },
  'POST /v1/images/edits': {
    about:
      'The fields of a generation beside the pictures. As JSON, pictures are data: URIs; https URLs are fetched only where the operator allows it.',
    body: { 'multipart/form-data': 'EditForm', [JSON_TYPE]: 'EditBody' },
    answer: { [JSON_TYPE]: 'Images', [EVENTS]: 'EditEvent' },
    errors: ['any', 'keyed', 'body', 'images', 'edits', 'models'],
    takesHeaders: true,
    makesImages: true,
    isIdempotent: true,
    takesPrefer: true,
    accepted: 'Job',
    example: '/v1/images/edits -F image=@fox.webp -F prompt="the same fox at night" -F latency_budget_ms=120000',
  },
  'POST /v1/images/explain': {
    about: 'Takes what a generation takes. Nothing is sent to a provider.',
    body: { [JSON_TYPE]: 'GenerationBody' },
    answer: { [JSON_TYPE]: 'Explanation' },
    errors: ['any', 'keyed', 'body', 'models'],
    takesHeaders: true,
    example: `/v1/images/explain ${json({ prompt: 'a poster that says JAZZ', latency_budget_ms: 60_000 })}`,
  },
  ...JOB_OPERATIONS,
  ...BATCH_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  'GET /v1/models': {
    about: 'Everything that model may be, in the order to try it.',
    answer: { [JSON_TYPE]: 'ModelList' },
    errors: ['any', 'keyed'],
    example: '/v1/models',
  },
  'GET /v1/models/:id': {
    about: 'In the shape of OpenAI.',
    answer: { [JSON_TYPE]: 'Model' },
    errors: ['any', 'keyed', 'models'],
    example: '/v1/models/auto',
  },
  'GET /v1/routes': {
    about: 'One entry for each route at each endpoint and each operation. Learned figures fade when a route is not used.',
    answer: { [JSON_TYPE]: 'RouteList' },
    errors: ['any', 'keyed'],
    example: '/v1/routes',
  },
  'GET /v1/traces/:id': {
    about: "The id is image_router.id of a reply, its header x-image-router-trace-id, or an error's trace_id. Kept for an hour by default.",
    answer: { [JSON_TYPE]: 'Trace' },
    errors: ['any', 'keyed', 'traces'],
    example: '/v1/traces/ID',
  },
  'GET /metrics': {
    about: 'Of all requests since the start. Where keys are required, this needs one with scope admin.',
    answer: { 'text/plain': undefined },
    errors: ['any', 'keyed'],
    example: '/metrics',
  },
  'GET /livez': {
    about: 'Restart the process when this fails.',
    answer: { [JSON_TYPE]: 'Liveness' },
    errors: ['any'],
    example: '/livez',
  },
  'GET /readyz': {
    about: 'Send no image requests here while this says 503, with the same body and the reasons in it.',
    answer: { [JSON_TYPE]: 'Readiness' },
    errors: ['any'],
    example: '/readyz',
  },
  'GET /openapi.json': {
    about: 'This page for machines: OpenAPI 3.1.',
    answer: { [JSON_TYPE]: undefined },
    errors: ['any'],
    example: '/openapi.json',
  },
  'GET /docs': {
    about: 'This page. It runs no script and loads nothing from elsewhere.',
    answer: { 'text/html': undefined },
    errors: ['any'],
    example: '/docs',
  },
};
