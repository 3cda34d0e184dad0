// An error as it was told on the wire, before anyone judged it, and the judging of what both providers share: HTTP
// status codes, gateways in front, resellers, and connections that broke. Tables are read top to bottom, first match wins.
// Class names of SDK errors are never consulted: they follow the status alone, and providers send refusals as 500,
// account faults as 400, and errors as 200.
import type { Secrets } from './public-message.ts';
import {
  ACCESS_DENIED,
  BAD_KEY,
  BILLING,
  CONNECTION_LOST,
  CONNECTION_REFUSED,
  ERROR_IN_SUCCESS,
  GATEWAY_LOST,
  GATEWAY_TIMEOUT,
  GATEWAY_UNREACHED,
  INVALID,
  MODEL_MISSING,
  OVERLOADED,
  QUOTA,
  RATE_LIMITED,
  refused,
  SERVER_ERROR,
  UNEXPLAINED,
  unreadable,
  type Verdict,
} from './verdicts.ts';

export type WireError = {
  readonly status: number;
  /** OpenAI's and resellers' `error.code`; Google's ErrorInfo reason. Empty when there is none. */
  readonly code: string;
  /** OpenAI's `error.type`; Google's `error.status`. Empty when there is none. */
  readonly type: string;
  /** As it came: may hold keys and the prompt. */
  readonly message: string;
  /** Whether the provider's protocol was spoken: false for HTML pages and plain text of gateways. */
  readonly isStructured: boolean;
  /** World milliseconds from sending to the answer. */
  readonly elapsedMs: number;
};

/** What judging an answer needs beside the answer. `elapsedMs` counts from sending, `wallMs` from 1970, both world time. */
export type Circumstances = { readonly secrets: Secrets; readonly elapsedMs: number; readonly wallMs: number };

export type Row<Told extends WireError = WireError> = {
  readonly when: (error: Told) => boolean;
  readonly verdict: Verdict | ((error: Told) => Verdict);
};

/** The verdict of the first row that matches. */
export function firstMatch<Told extends WireError>(rows: readonly Row<Told>[], error: Told): Verdict | undefined {
  const row = rows.find((candidate) => candidate.when(error));
  return typeof row?.verdict === 'function' ? row.verdict(error) : row?.verdict;
}

/** A resource or an account is shut although the text speaks of policy: an outage for every prompt (pollinations#12446). */
const ACCOUNT_BLOCKED =
  /resource has been (?:temporarily )?blocked|(?:account|organization|project|consumer)\b.{0,60}\b(?:deactivated|suspended|disabled|blocked)/i;
const REFUSAL_CODES =
  /^(?:moderation_blocked|(?:image_)?content_policy_violation|content_?filter|sensitive_words_detected|prompt_blocked)$/i;
const REFUSAL_TEXT =
  /safety system|safety_violations|moderation_blocked|content[ _](?:management )?policy|content[ _]filter|flagged by (?:our )?moderation|\b(?:PROHIBITED_CONTENT|IMAGE_SAFETY)\b|blocked (?:by|due to|for) (?:\w+ )?safety/i;

const isAccountBlocked = (error: WireError): boolean => error.isStructured && ACCOUNT_BLOCKED.test(error.message);
const isRefusal = (error: WireError): boolean =>
  REFUSAL_CODES.test(error.code) || error.status === 451 || (error.isStructured && REFUSAL_TEXT.test(error.message));

/** Resellers answer in their own shape on both protocols (new-api: type `new_api_error`), whatever the status. */
export const SHARED_ROWS: readonly Row[] = [
  { when: isAccountBlocked, verdict: ACCESS_DENIED },
  { when: isRefusal, verdict: (error) => refused(error.elapsedMs) },
  { when: ({ code }) => /^(?:billing_hard_limit_reached|project_spend_limit_exceeded|billing_not_active)$/.test(code), verdict: BILLING },
  { when: ({ message }) => /billing hard limit|prepa\w+ credits are depleted/i.test(message), verdict: BILLING },
  { when: ({ code, type }) => code === 'insufficient_quota' || type === 'insufficient_quota', verdict: QUOTA },
  { when: ({ code }) => /^(?:insufficient_user_quota|pre_consume_token_quota_failed)$/.test(code), verdict: QUOTA },
  { when: ({ code }) => /^(?:model_not_found|get_channel_failed|convert_request_failed)$/.test(code), verdict: MODEL_MISSING },
  { when: ({ message }) => /no available channel/i.test(message), verdict: MODEL_MISSING },
  // The reseller lost an answer it had already asked for.
  {
    when: ({ code }) => /^(?:do_request_failed|read_response_body_failed|bad_response|bad_response_body)$/.test(code),
    verdict: GATEWAY_LOST,
  },
];

/** Cloudflare's own codes for an origin it could not reach; the others (520, 522, 524) leave it open what the origin did. */
const ORIGIN_UNREACHED: ReadonlySet<number> = new Set([521, 523, 525, 526, 530]);
const TIMEOUTS: ReadonlySet<number> = new Set([408, 504, 524]);
const OPEN_GATEWAY_ERRORS: ReadonlySet<number> = new Set([502, 520, 522, 527]);

const isServerError = ({ status }: WireError): boolean => status >= 500;

/** What remains when nothing but the status speaks. The last row matches everything. */
export const STATUS_ROWS: readonly Row[] = [
  { when: ({ status }) => status < 300, verdict: ERROR_IN_SUCCESS },
  { when: ({ status }) => status < 400, verdict: GATEWAY_UNREACHED },
  { when: ({ status }) => status === 401, verdict: BAD_KEY },
  { when: ({ status }) => status === 402, verdict: BILLING },
  { when: ({ status }) => status === 403, verdict: ACCESS_DENIED },
  { when: ({ status }) => status === 404, verdict: MODEL_MISSING },
  { when: ({ status }) => status === 429, verdict: RATE_LIMITED },
  { when: ({ status }) => TIMEOUTS.has(status), verdict: GATEWAY_TIMEOUT },
  { when: ({ status }) => OPEN_GATEWAY_ERRORS.has(status), verdict: GATEWAY_LOST },
  { when: ({ status }) => ORIGIN_UNREACHED.has(status), verdict: GATEWAY_UNREACHED },
  { when: ({ status }) => status === 503 || status === 529, verdict: OVERLOADED },
  { when: ({ status }) => status === 499, verdict: CONNECTION_LOST },
  { when: ({ status }) => status === 409 || status === 425, verdict: SERVER_ERROR },
  { when: (error) => isServerError(error) && error.isStructured, verdict: SERVER_ERROR },
  { when: isServerError, verdict: GATEWAY_LOST },
  { when: () => true, verdict: INVALID },
];

/** The request never left: name resolution, connecting or the TLS handshake failed. */
const NEVER_CONNECTED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_NOT_CONNECTED|ERR_TLS_\w+|ERR_SSL_\w+|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/;
const TIMED_OUT = /^UND_ERR_(?:HEADERS|BODY)_TIMEOUT$/;
/** Deeper chains of causes do not occur; the bound keeps a cyclic one from hanging us. */
const DEEPEST_CAUSE = 6;

/** An exception instead of an answer: the connection broke, or what arrived was not JSON. */
export function judgeException(error: unknown): Verdict {
  const chain = causes(error);
  const codes = chain.map((cause) => textField(cause, 'code'));
  if (codes.some((code) => NEVER_CONNECTED.test(code)) || chain.some((cause) => textField(cause, 'syscall') === 'connect')) {
    return CONNECTION_REFUSED;
  }
  if (codes.some((code) => TIMED_OUT.test(code))) return GATEWAY_TIMEOUT;
  if (chain.some((cause) => cause instanceof SyntaxError)) return unreadable('possibly');
  const isBroken =
    codes.some((code) => code !== '') || chain.some((cause) => cause instanceof TypeError && /terminated|fetch failed/.test(cause.message));
  return isBroken ? CONNECTION_LOST : UNEXPLAINED;
}

/** "fetch failed: other side closed": the innermost cause is the one that explains. */
export function describeException(error: unknown): string {
  const messages = causes(error).map((cause) => cause.message);
  return [...new Set([messages[0], messages.at(-1)])].filter((message) => message !== undefined && message !== '').join(': ');
}

function causes(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let cause = error; cause instanceof Error && chain.length < DEEPEST_CAUSE; cause = cause.cause) chain.push(cause);
  return chain;
}

function textField(holder: unknown, name: string): string {
  if (typeof holder !== 'object' || holder === null) return '';
  const value: unknown = Reflect.get(holder, name);
  return typeof value === 'string' ? value : '';
}
