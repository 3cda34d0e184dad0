// Every code the gateway can answer with: its status, where it comes from and what to do. The sources are compared with this
// list by test, so that no caller meets a code that nobody explains.

/** Endpoints an error can come from. `any`: all; `keyed`: those that ask for a key; `body`: those that read one. */
export type ErrorPlace =
  | 'any'
  | 'keyed'
  | 'body'
  | 'images'
  | 'edits'
  | 'models'
  | 'traces'
  | 'jobs'
  | 'continuing'
  | 'pictures'
  | 'batches'
  | 'webhooks';

export type ErrorEntry = {
  readonly status: number;
  readonly code: string;
  readonly place: ErrorPlace;
  readonly meaning: string;
};

const entry = (status: number, code: string, place: ErrorPlace, meaning: string): ErrorEntry => ({ status, code, place, meaning });

/** By status. */
export const ERRORS: readonly ErrorEntry[] = [
  entry(400, 'malformed_request', 'any', 'It is not HTTP, or its target is no URL.'),
  entry(400, 'invalid_json', 'body', 'The body is no JSON object; the message says where.'),
  entry(400, 'request_cut_short', 'body', 'The body ended before it was complete.'),
  entry(400, 'invalid_request', 'body', 'The request cannot be used as it is; the message says why.'),
  entry(400, 'invalid_value', 'body', 'A field has a value it cannot have; `param` names it, `problems` all of them.'),
  entry(400, 'invalid_type', 'body', 'A field holds a list or an object instead of one value.'),
  entry(400, 'missing_required_parameter', 'body', 'A field is missing.'),
  entry(400, 'unknown_parameter', 'body', 'There is no such field; `remedy` guesses which was meant.'),
  entry(400, 'invalid_batch', 'batches', 'Rows of the file cannot be used; `problems` names the first twenty, each with its line.'),
  entry(400, 'moderation_blocked', 'images', 'The providers refuse this prompt or picture. Sending it again does not help.'),
  entry(400, 'invalid_multipart', 'edits', 'The form is broken, or has too many parts.'),
  entry(400, 'invalid_image_file', 'edits', 'A picture is no PNG, JPEG or WebP, is cut short, or is too large.'),
  entry(400, 'file_id_not_supported', 'edits', 'The gateway keeps no files: send the picture itself.'),
  entry(400, 'image_url_not_allowed', 'edits', 'Pictures are not fetched from URLs here: send the picture itself.'),
  entry(400, 'image_url_unusable', 'edits', 'The URL cannot be fetched, or must not be.'),
  entry(401, 'invalid_api_key', 'keyed', 'No key, or none that is let in here.'),
  entry(403, 'invalid_link', 'pictures', 'The signed link was changed, or is too old: ask for the job again.'),
  entry(403, 'foreign_origin', 'keyed', 'A page of another site may not use a gateway that asks for no key.'),
  entry(403, 'foreign_host', 'keyed', 'Without a key the gateway is called by a name of its machine only: 127.0.0.1 or localhost.'),
  entry(403, 'insufficient_scope', 'keyed', 'The key is not good for this endpoint.'),
  entry(403, 'policy_not_allowed', 'images', 'The key may use other policies only; the message lists them.'),
  entry(403, 'model_not_allowed', 'images', 'The key may ask for other models only; the message lists them.'),
  entry(404, 'not_found', 'any', 'There is no such path; the message lists what there is.'),
  entry(404, 'model_not_found', 'models', 'There is no such model; the message lists what there is.'),
  entry(404, 'trace_not_found', 'traces', 'No such trace, or no longer, or of another key.'),
  entry(404, 'batch_not_found', 'batches', 'No such batch, or no longer, or of another key.'),
  entry(404, 'job_not_found', 'jobs', 'No such job, or no longer, or of another key.'),
  entry(404, 'picture_not_found', 'pictures', 'The job has no such picture, or not yet.'),
  entry(404, 'webhook_not_found', 'webhooks', 'No such webhook, or of another key.'),
  entry(404, 'delivery_not_found', 'webhooks', 'No such delivery, or no longer, or of another key.'),
  entry(405, 'method_not_allowed', 'any', 'The path takes other methods; header allow lists them.'),
  entry(408, 'request_timeout', 'body', 'The request did not arrive in time.'),
  entry(409, 'idempotency_in_progress', 'images', 'The request with this Idempotency-Key still runs elsewhere: ask again later.'),
  entry(409, 'idempotency_interrupted', 'images', 'It was cut off by a crash and may have been billed: only a new key makes it again.'),
  entry(409, 'job_cancelled', 'images', 'The job its caller waited for was cancelled.'),
  entry(409, 'job_not_ended', 'continuing', 'Only a job that has ended can be continued.'),
  entry(409, 'job_already_premium', 'continuing', 'There is no better tier.'),
  entry(409, 'nothing_to_continue', 'continuing', 'The job made nothing that could be made final or better.'),
  entry(409, 'too_many_webhooks', 'webhooks', 'The key has as many webhooks as it may.'),
  entry(409, 'webhook_disabled', 'webhooks', 'Nothing is sent there: its receiver answered 410, or its owner switched it off.'),
  entry(410, 'pictures_gone', 'pictures', 'The pictures are not kept any more.'),
  entry(413, 'request_too_large', 'body', 'More bytes than are taken; the message says how many are.'),
  entry(
    415,
    'unsupported_media_type',
    'body',
    'The content-type is not one of those taken here, or the body is packed (content-encoding).',
  ),
  entry(416, 'range_not_satisfiable', 'pictures', 'The range lies outside the picture; content-range says how long it is.'),
  entry(422, 'infeasible', 'images', 'No route can do it inside the limits. Nothing was spent; `offers` say what would work.'),
  entry(
    422,
    'idempotency_mismatch',
    'images',
    'The Idempotency-Key was used with another request, or by another door; the message says which, and what to do.',
  ),
  entry(
    422,
    'price_cap_reached',
    'continuing',
    'What a job and those it continues may cost together is spent, or promised to one that runs.',
  ),
  entry(429, 'rate_limit_exceeded', 'images', "The key's requests, images or places are in use; retry-after says until when."),
  entry(429, 'budget_exceeded', 'images', "The key's dollars for the day or month are spent or reserved."),
  entry(431, 'headers_too_large', 'any', 'The headers have more bytes than are taken.'),
  entry(499, 'cancelled', 'images', 'The caller left; seen in logs and traces only.'),
  entry(500, 'internal_error', 'any', 'A defect of the gateway; its log says more under the x-request-id.'),
  entry(502, 'providers_failed', 'images', 'Every route that was tried failed; `cost_usd` says what that cost.'),
  entry(502, 'account', 'images', "The operator's account at the provider does not work: key, billing or verification."),
  entry(502, 'lost_too_often', 'images', 'The workers that made the job ended again and again.'),
  entry(503, 'overloaded', 'images', 'As much is running or held as may be: again in a moment.'),
  entry(503, 'shutting_down', 'body', 'The gateway takes no new work: again elsewhere, or in a moment.'),
  entry(503, 'store_unavailable', 'keyed', "The gateway's records cannot be reached or written right now, so nothing new is begun."),
  entry(504, 'deadline_exceeded', 'images', 'The budget ran out first; `cost_usd` says what that cost.'),
  entry(504, 'job_expired', 'images', 'The job was not made within the time it had.'),
];
