// Why an upload was turned away, as OpenAI's clients are told: status, code, the field it is about, and what to do
// instead. Thrown while bytes are still arriving, so everything that reads a body stops at the first of them. Never
// carries anything of what was sent, except the names of fields.

export type RefusalCode =
  | 'image_url_not_allowed'
  | 'image_url_unusable'
  | 'file_id_not_supported'
  | 'invalid_image_file'
  | 'invalid_json'
  | 'invalid_multipart'
  | 'invalid_value'
  | 'missing_required_parameter'
  | 'overloaded'
  | 'request_cut_short'
  | 'request_timeout'
  | 'request_too_large'
  | 'unknown_parameter'
  | 'unsupported_media_type';

const STATUS = {
  image_url_not_allowed: 400,
  image_url_unusable: 400,
  file_id_not_supported: 400,
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
} as const satisfies Record<RefusalCode, number>;

export class UploadRefused extends Error {
  override readonly name = 'UploadRefused';
  readonly code: RefusalCode;
  readonly param: string | undefined;
  readonly remedy: string | undefined;

  constructor(
    code: RefusalCode,
    message: string,
    about: { readonly param?: string; readonly remedy?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: about.cause });
    this.code = code;
    this.param = about.param;
    this.remedy = about.remedy;
  }

  get status(): (typeof STATUS)[RefusalCode] {
    return STATUS[this.code];
  }
}
