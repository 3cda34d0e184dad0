// What OpenAI's image API means by its errors, as one table over (status, code, type, message), read top to bottom.
// Two rules it must keep: a blocked account speaks of content policy but is no refusal, and a refusal stays one even
// when a reseller dresses it as 429, 500 or 502.
import { z } from 'zod';
import type { Failure } from '../domain/failure.ts';
import { publicMessage } from './public-message.ts';
import { type HeaderSource, retryAfterFromHeaders, retryAfterFromText } from './retry-after.ts';
import { ACCESS_DENIED, BAD_KEY, failureOf, INVALID, MODEL_MISSING, OVERLOADED, RATE_LIMITED, ROUTE_ACCESS_DENIED } from './verdicts.ts';
import { type Circumstances, firstMatch, type Row, SHARED_ROWS, STATUS_ROWS, type WireError } from './wire-error.ts';

const PARAMETER_CODES = /^(?:invalid_value|unknown_parameter|invalid_input_fidelity_model|invalid_type|missing_required_parameter)$/;
/** What can be wrong with a reference image or a mask, as the API's own list of codes has it. */
const IMAGE_CODES =
  /^(?:invalid_(?:base64_)?image(?:_(?:file|format|mode|url))?|invalid_mask(?:_\w+)?|image_(?:file_)?too_(?:large|small)|image_parse_error|unsupported_image_media_type|empty_image_file|image_file_not_found|failed_to_download_image)$/;

const OPENAI_ROWS: readonly Row[] = [
  ...SHARED_ROWS,
  { when: ({ message }) => /must be verified to use/i.test(message), verdict: ROUTE_ACCESS_DENIED },
  { when: ({ code }) => /^(?:invalid_api_key|account_deactivated)$/.test(code), verdict: BAD_KEY },
  { when: ({ code }) => code === 'unsupported_country_region_territory', verdict: ACCESS_DENIED },
  { when: ({ message }) => /model .{0,80}does not exist/i.test(message), verdict: MODEL_MISSING },
  { when: ({ status, message }) => status >= 429 && /overloaded|at capacity|high demand|slow down/i.test(message), verdict: OVERLOADED },
  { when: ({ code }) => code === 'rate_limit_exceeded', verdict: RATE_LIMITED },
  // A parameter stays wrong when a reseller relays it as 500 (pollinations#6465).
  {
    when: ({ code, type }) => PARAMETER_CODES.test(code) || IMAGE_CODES.test(code) || type === 'image_generation_user_error',
    verdict: INVALID,
  },
  ...STATUS_ROWS,
];

/** `error` as OpenAI and resellers write it; a reseller's `code` may be an HTTP status as number or text. */
const ErrorBodySchema = z.object({
  message: z.unknown(),
  code: z.union([z.string(), z.number()]).nullish(),
  type: z.string().nullish(),
});

export type OpenAIError = {
  readonly status: number;
  readonly headers: HeaderSource;
  /** The inner `error` object; undefined when the body was not of OpenAI's shape. */
  readonly error: unknown;
  /** Used when `error` holds no message. */
  readonly fallbackMessage: string;
};

export function openaiFailure(told: OpenAIError, circumstances: Circumstances): Failure {
  const error = wireErrorOf(told, circumstances.elapsedMs);
  return failureOf(firstMatch(OPENAI_ROWS, error) ?? INVALID, {
    message: publicMessage(error.message, circumstances.secrets),
    status: told.status,
    retryAfterMs: retryAfterFromHeaders(told.headers, circumstances.wallMs) ?? retryAfterFromText(error.message),
  });
}

function wireErrorOf(told: OpenAIError, elapsedMs: number): WireError {
  const parsed = ErrorBodySchema.safeParse(told.error);
  const code = String((parsed.success && parsed.data.code) || '');
  const message = parsed.success && typeof parsed.data.message === 'string' ? parsed.data.message : told.fallbackMessage;
  return {
    // An error under status 200 may name the true status in its code.
    status: told.status < 300 && /^[45]\d\d$/.test(code) ? Number(code) : told.status,
    code,
    type: (parsed.success && parsed.data.type) || '',
    message,
    isStructured: parsed.success,
    elapsedMs,
  };
}
