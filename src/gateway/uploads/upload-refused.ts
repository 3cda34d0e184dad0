// Why an upload is turned away, as OpenAI's clients are told. Thrown while bytes are still arriving, so everything that
// reads a body stops at the first of them. Never carries anything of what was sent, except the plain names of fields.
import { oneProblem, Refusal } from '../http/refusal.ts';

const STATUS = {
  file_id_not_supported: 400,
  image_url_not_allowed: 400,
  image_url_unusable: 400,
  invalid_image_file: 400,
  invalid_json: 400,
  invalid_multipart: 400,
  invalid_value: 400,
  missing_required_parameter: 400,
  overloaded: 503,
  request_cut_short: 400,
  request_timeout: 408,
  request_too_large: 413,
  unknown_parameter: 400,
  unsupported_media_type: 415,
} as const satisfies Record<string, number>;
/** Renders end every second on a busy gateway, and each frees what it held. */
const OVERLOADED_RETRY_S = 1;
export type UploadRefusalCode = keyof typeof STATUS;

/** `rule`: what `param`, or the body, breaks; for `problems`. */
export function uploadRefused(
  code: UploadRefusalCode,
  message: string,
  { param, remedy, rule }: { readonly param?: string; readonly remedy?: string; readonly rule?: string } = {},
): Refusal {
  const retryAfterS = code === 'overloaded' ? OVERLOADED_RETRY_S : undefined;
  const extras = rule === undefined ? undefined : oneProblem(param ?? 'body', rule, remedy);
  return new Refusal({ status: STATUS[code], code, message, param, remedy, retryAfterS, extras });
}
