// Why a request is answered with an error, in OpenAI's shape: what every endpoint throws, and what everything else that can
// go wrong is turned into. Says status, code, field and remedy; never repeats what was sent.

export const ERROR_TYPES = [
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'rate_limit_error',
  'image_generation_user_error',
  'api_error',
  'timeout_error',
] as const;
export type ErrorType = (typeof ERROR_TYPES)[number];

export type RefusalDetails = {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Default: what usually goes with the status. */
  readonly type?: ErrorType | undefined;
  readonly param?: string | undefined;
  readonly remedy?: string | undefined;
  /** Real seconds until trying again makes sense. */
  readonly retryAfterS?: number | undefined;
  /** Whether a client library that repeats requests by itself should: false where that would pay twice or cannot help. */
  readonly mayRepeat?: boolean | undefined;
  /** Fields of `error` beyond OpenAI's. */
  readonly extras?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly details: RefusalDetails;

  constructor(details: RefusalDetails) {
    super(details.message);
    this.details = details;
  }
}

/** For `extras`: the one broken rule, as those of a body's fields are told. */
export function oneProblem(field: string, rule: string, remedy?: string): Readonly<Record<string, unknown>> {
  return { problems: [{ field, rule, remedy }] };
}

export function typeFor(status: number): ErrorType {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  if (status === 408 || status === 504) return 'timeout_error';
  return status >= 500 ? 'api_error' : 'invalid_request_error';
}
