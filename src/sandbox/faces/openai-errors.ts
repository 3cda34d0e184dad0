// OpenAI's error answers, word for word where a true one was seen (field reports): a router must tell a refusal from an
// account fault by type, code and text, so a stand-in with friendlier errors would teach it the wrong thing.
import { type Answer, htmlAnswer, jsonAnswer } from '../call.ts';

function failure(
  status: number,
  type: string,
  code: string | null,
  message: string,
  parameter: string | null = null,
  headers = {},
): Answer {
  return jsonAnswer(status, { error: { message, type, param: parameter, code } }, headers);
}

/** A 400 about one parameter. */
export function badParameter(
  parameter: string,
  message: string,
  code: string | null = 'invalid_value',
  type = 'invalid_request_error',
): Answer {
  return failure(400, type, code, message, parameter);
}

export function unreadableBody(): Answer {
  return failure(
    400,
    'invalid_request_error',
    null,
    'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
  );
}

export function unsupportedContentType(contentType: string): Answer {
  return failure(
    400,
    'invalid_request_error',
    'unsupported_content_type',
    `Unsupported content type: '${contentType}'. This API method only accepts 'multipart/form-data' or 'application/json' requests, but you specified the header 'Content-Type: ${contentType}'. Please try again with a supported content type.`,
  );
}

/** `position` counts from 1, as the vendor does. */
export function badImageFile(position: number): Answer {
  return badParameter(
    'image',
    `Invalid image file or mode for image ${position}, please check your image file.`,
    'invalid_image_file',
    'image_generation_user_error',
  );
}

export function badMask(complaint: string): Answer {
  return badParameter('mask', `Invalid mask image format - ${complaint}`, 'invalid_image_format', 'image_generation_user_error');
}

export function bodyTooLarge(): Answer {
  return failure(413, 'invalid_request_error', null, 'Request body too large.');
}

export function unknownUrl(method: string, path: string): Answer {
  return failure(404, 'invalid_request_error', null, `Invalid URL (${method} ${path})`);
}

export function missingKey(): Answer {
  return failure(
    401,
    'invalid_request_error',
    'invalid_api_key',
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
  );
}

export function badKey(key: string): Answer {
  const shown = key.length > 8 ? `${key.slice(0, 5)}***${key.slice(-2)}` : '***';
  return failure(
    401,
    'invalid_request_error',
    'invalid_api_key',
    `Incorrect API key provided: ${shown}. You can find your API key at https://platform.openai.com/account/api-keys.`,
  );
}

export function modelMissing(model: string): Answer {
  return failure(404, 'invalid_request_error', 'model_not_found', `The model \`${model}\` does not exist or you do not have access to it.`);
}

export function organizationUnverified(model: string): Answer {
  return failure(
    403,
    'invalid_request_error',
    null,
    `Your organization must be verified to use the model \`${model}\`. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just verified, it can take up to 15 minutes for access to propagate.`,
  );
}

/** Azure's account block, whose text reads like a refusal and is not one (pollinations#12446). */
export function accountBlocked(): Answer {
  return failure(
    403,
    'invalid_request_error',
    null,
    'Your resource has been temporarily blocked because we detected behavior that may violate our content policy.',
  );
}

export function billingLimit(): Answer {
  return failure(400, 'invalid_request_error', 'billing_hard_limit_reached', 'Billing hard limit has been reached');
}

export function refused(requestId: string): Answer {
  return failure(
    400,
    'image_generation_user_error',
    'moderation_blocked',
    `Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and include the request ID ${requestId}. safety_violations=[violence].`,
  );
}

/** A refusal as a relay passes it on: status and type say fault, the words say refusal. */
export function dressedRefusal(status: number, requestId: string): Answer {
  return failure(
    status,
    status === 429 ? 'rate_limit_error' : 'server_error',
    null,
    `Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and include the request ID ${requestId}. safety_violations=[violence].`,
  );
}

export type RateLimit = { readonly model: string; readonly limit: number; readonly requested: number; readonly retrySeconds: number };

export function rateLimited(limit: RateLimit, headers: Readonly<Record<string, string>>): Answer {
  const wait = Number.isFinite(limit.retrySeconds) ? ` Please try again in ${round(limit.retrySeconds)}s.` : '';
  return failure(
    429,
    'input-images',
    'rate_limit_exceeded',
    `Rate limit reached for ${limit.model} (for limit gpt-image) in organization org-sandbox on input-images per min: Limit ${limit.limit}, Used ${limit.limit}, Requested ${limit.requested}.${wait} Visit https://platform.openai.com/account/rate-limits to learn more.`,
    null,
    headers,
  );
}

export function quotaExhausted(): Answer {
  return failure(
    429,
    'insufficient_quota',
    'insufficient_quota',
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
  );
}

export function overloaded(status: number): Answer {
  return failure(status, 'server_error', null, 'The engine is currently overloaded, please try again later');
}

export function serverError(requestId: string): Answer {
  return failure(
    500,
    'server_error',
    'server_error',
    `An error occurred while processing your request. You can retry your request, or contact us through our help center at help.openai.com if the error persists. Please include the request ID ${requestId} in your message.`,
  );
}

/** A page of the CDN in front, for both providers. */
export function gatewayPage(status: number): Answer {
  if (status === 524 || status === 520) return htmlAnswer(status, `<html><body>error code: ${status}</body></html>`);
  const title = status === 504 ? '504 Gateway Time-out' : `${status} Bad Gateway`;
  return htmlAnswer(
    status,
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n`,
  );
}

function round(seconds: number): string {
  return String(Math.round(seconds * 1_000) / 1_000);
}
