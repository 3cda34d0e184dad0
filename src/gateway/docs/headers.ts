// The headers requests may have and replies have, for the OpenAPI document.
import { HEADER_FIELDS } from '../http/openai/body.ts';
import type { Json } from './json-schema.ts';

/** Headers for clients that cannot add fields to a body; the body wins. */
export const FIELD_PARAMETERS: readonly Json[] = Object.entries(HEADER_FIELDS).map(([name, field]) => ({
  name,
  in: 'header',
  description: `The same as ${field} in the body, which wins.`,
  schema: { $ref: `#/components/schemas/GenerationBody/properties/${field}` },
}));

export const IDEMPOTENCY_PARAMETER: Json = {
  name: 'idempotency-key',
  in: 'header',
  description:
    'The same key and request get the same answer, without a second render. One key is one request, as an answer, a job or a batch. It belongs to the key that is used with it.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

export const PREFER_PARAMETER: Json = {
  name: 'prefer',
  in: 'header',
  description: 'respond-async: a job instead of an answer (202). wait=20 beside it: wait so many seconds for its end first.',
  schema: { type: 'string', examples: ['respond-async, wait=20'] },
};

const text = (description: string): Json => ({ description, schema: { type: 'string' } });
const number = (description: string): Json => ({ description, schema: { type: 'number' } });

/** On every reply. */
export const REPLY_HEADERS: Readonly<Record<string, Json>> = { 'x-request-id': text("The HTTP request's id, as the log has it.") };

/** On a job that was looked at, beside. */
export const LOOK_HEADERS: Readonly<Record<string, Json>> = {
  'retry-after': { description: 'Real seconds until looking at it makes sense; absent when it has ended.', schema: { type: 'integer' } },
};

/** On a job that was accepted, beside. */
export const JOB_HEADERS: Readonly<Record<string, Json>> = {
  location: text('Where the job is.'),
  ...LOOK_HEADERS,
  'preference-applied': text('What of the header Prefer was heard.'),
};

/** On images whose caller may have waited for a job, beside. */
export const WAITED_HEADERS: Readonly<Record<string, Json>> = {
  'content-location': text('The job that made them, where one did.'),
};

/** On a file, beside. */
export const FILE_HEADERS: Readonly<Record<string, Json>> = {
  etag: text('Changes with the file, which never does.'),
  'accept-ranges': text('bytes'),
  'content-range': text('Of a part: which of how many bytes.'),
  'content-disposition': text('A name to save it under.'),
};

/** On images beside; a stream's reply begins before they are known, so its completed events have them. */
export const IMAGE_HEADERS: Readonly<Record<string, Json>> = {
  'x-image-router-route': text('The route the images come from.'),
  'x-image-router-tier': text('preview, standard or premium.'),
  'x-image-router-degraded': text('In which way the images fall short; absent when they do not.'),
  'x-image-router-cost-usd': number('Dollars billed.'),
  'x-image-router-trace-id': text('For GET /v1/traces/{id}.'),
  'x-image-router-deadline-left-ms': number('What was left of the budget.'),
  'x-image-router-joined': text('true: the reply to a request that ran already, of which this was a hidden repeat.'),
  'idempotent-replayed': text('true: the stored answer to an earlier request with the same Idempotency-Key.'),
};

export const ERROR_HEADERS: Readonly<Record<string, Json>> = {
  'retry-after': { description: 'Real seconds until trying again makes sense, where that is known.', schema: { type: 'integer' } },
  'x-should-retry': text('false: repeating it by itself would pay twice or cannot help. Official clients obey.'),
};
