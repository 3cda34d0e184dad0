// What there is to say of each endpoint beyond the endpoint itself: what it takes, what it answers, which errors it can have,
// and a line that works as it stands. A test holds that every endpoint served is here, and no other.
import type { AnswerName } from './answer-schemas.ts';
import type { ErrorPlace } from './error-list.ts';

export type OperationNotes = {
  /** Sentences, after the endpoint's summary. */
  readonly about: string;
  /** Content type -> schema of the body. */
  readonly body?: Readonly<Record<string, string>>;
  /** Content type -> schema of the answer; undefined: text. */
  readonly answer: Readonly<Record<string, AnswerName | undefined>>;
  readonly errors: readonly ErrorPlace[];
  /** Takes the headers that stand for body fields. */
  readonly takesHeaders?: boolean;
  /** Makes images: takes an Idempotency-Key, answers with headers of its own. */
  readonly makesImages?: boolean;
  /** What follows `curl -s URL`, beginning with the path. */
  readonly example: string;
};

const JSON_TYPE = 'application/json';
const EVENTS = 'text/event-stream';
const json = (body: object): string => `-H "content-type: application/json" -d '${JSON.stringify(body)}'`;

/** By method and path, as the endpoints have them. */
export const OPERATIONS: Readonly<Record<string, OperationNotes>> = {
  'POST /v1/images/generations': {
    about:
      'With stream: true the answer is server-sent events: partial images, then one completed event for each image, with a comment as a sign of life in between. With preview: true as well, the first partial image is a quick preview, whichever provider makes it.',
    body: { [JSON_TYPE]: 'GenerationBody' },
    answer: { [JSON_TYPE]: 'Images', [EVENTS]: 'GenerationEvent' },
    errors: ['any', 'keyed', 'body', 'images', 'models'],
    takesHeaders: true,
    makesImages: true,
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
