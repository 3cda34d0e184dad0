// What Gemini means by its errors and by its successes without an image. Two tables: errors over (status, reason, quota,
// message), and finish reasons. Rules it must keep: a bad key is a 400, a 429 can be a minute, a day or Google's own
// lack of machines, and a relay answers these paths in OpenAI's shape.
import type { Failure } from '../domain/failure.ts';
import { type GoogleError, parseGoogleError } from './google-error.ts';
import { publicMessage } from './public-message.ts';
import {
  type HeaderSource,
  retryAfterFromDuration,
  retryAfterFromHeaders,
  retryAfterFromText,
  untilMidnightPacific,
} from './retry-after.ts';
import {
  ACCESS_DENIED,
  BAD_KEY,
  BILLING,
  empty,
  failureOf,
  INVALID,
  OVERLOADED,
  PROVIDER_TIMEOUT,
  QUOTA,
  ROUTE_QUOTA,
  ROUTE_RATE_LIMITED,
  refused,
} from './verdicts.ts';
import { type Circumstances, firstMatch, type Row, SHARED_ROWS, STATUS_ROWS } from './wire-error.ts';

const isDaily = (error: GoogleError): boolean => error.quotaIds.some((quotaId) => quotaId.includes('PerDay'));
const isDailyOfModel = (error: GoogleError): boolean => isDaily(error) && error.quotaIds.every((quotaId) => quotaId.includes('PerModel'));
/** A quota of zero is no queue: the account has no access to this model. */
const isZeroQuota = (error: GoogleError): boolean => error.quotaValues.includes('0') || /\blimit: 0\b/.test(error.message);
/** 429 without a quota is Google's shared capacity, not ours (pollinations#7550). */
const isBareExhaustion = (error: GoogleError): boolean =>
  error.status === 429 && error.quotaIds.length === 0 && /resource (?:has been )?exhausted/i.test(error.message);

const GOOGLE_ROWS: readonly Row<GoogleError>[] = [
  { when: ({ code }) => code === 'API_KEY_INVALID', verdict: BAD_KEY },
  {
    when: ({ message }) => /api key (?:not valid|not found|expired)|reported as leaked|unregistered callers/i.test(message),
    verdict: BAD_KEY,
  },
  { when: ({ message }) => /location is not supported/i.test(message), verdict: ACCESS_DENIED },
  { when: ({ code }) => code === 'BILLING_DISABLED', verdict: BILLING },
  { when: ({ code }) => /^(?:CONSUMER_SUSPENDED|SERVICE_DISABLED)$/.test(code), verdict: ACCESS_DENIED },
  ...SHARED_ROWS,
  {
    when: ({ code, message }) => code === 'MODEL_CAPACITY_EXHAUSTED' || /no capacity available|overloaded|high demand/i.test(message),
    verdict: OVERLOADED,
  },
  { when: isZeroQuota, verdict: ROUTE_QUOTA },
  { when: isDailyOfModel, verdict: ROUTE_QUOTA },
  { when: isDaily, verdict: QUOTA },
  { when: isBareExhaustion, verdict: OVERLOADED },
  { when: ({ status }) => status === 429, verdict: ROUTE_RATE_LIMITED },
  // Google says itself that it gave up, and bills no error. It says so as 503, too (python-genai#1808).
  {
    when: ({ type, message }) => type === 'DEADLINE_EXCEEDED' || (type === 'UNAVAILABLE' && /deadline expired/i.test(message)),
    verdict: PROVIDER_TIMEOUT,
  },
  ...STATUS_ROWS,
];

export type GoogleAnswer = { readonly status: number; readonly headers: HeaderSource; readonly text: string };

/** Judges an answer that is not a success, or a success whose body is an error. */
export function googleFailure(answer: GoogleAnswer, circumstances: Circumstances): Failure {
  const error = parseGoogleError(answer, circumstances.elapsedMs);
  return failureOf(firstMatch(GOOGLE_ROWS, error) ?? INVALID, {
    message: publicMessage(error.message, circumstances.secrets),
    status: answer.status,
    retryAfterMs: retryAfterOf(error, answer.headers, circumstances.wallMs),
  });
}

function retryAfterOf(error: GoogleError, headers: HeaderSource, wallMs: number): number | undefined {
  // A spent day outlasts the RetryInfo beside it, which is made for the minute.
  if (isZeroQuota(error)) return undefined;
  if (isDaily(error)) return untilMidnightPacific(wallMs);
  return retryAfterFromHeaders(headers, wallMs) ?? retryAfterFromDuration(error.retryDelay) ?? retryAfterFromText(error.message);
}

/** These stopped the picture for what it shows; every other reason (NO_IMAGE, IMAGE_OTHER, STOP with text) is a failure to draw. */
const REFUSING_REASONS: ReadonlySet<string> = new Set([
  'SAFETY',
  'IMAGE_SAFETY',
  'PROHIBITED_CONTENT',
  'IMAGE_PROHIBITED_CONTENT',
  'RECITATION',
  'IMAGE_RECITATION',
  'BLOCKLIST',
  'SPII',
]);

/** A success without an image. `undefined` fields were absent on the wire. */
export type Imageless = {
  readonly finishReason: string | undefined;
  readonly finishMessage: string | undefined;
  readonly blockReason: string | undefined;
  readonly parts: 'none' | 'text' | 'thoughts';
  readonly drawnTokens: number;
  /** A reseller passed it on: it bills every 200, whatever Google's message promises. */
  readonly isRelayed: boolean;
};

export function imagelessFailure(imageless: Imageless, status: number, circumstances: Circumstances): Failure {
  const { finishReason, finishMessage, blockReason } = imageless;
  const isFree = !imageless.isRelayed && finishMessage !== undefined && /not be charged/i.test(finishMessage);
  const isRefused = blockReason !== undefined || (finishReason !== undefined && REFUSING_REASONS.has(finishReason));
  const verdict = isRefused ? refused(circumstances.elapsedMs) : empty(imageless.drawnTokens > 0 ? 'yes' : 'possibly');
  // The model's own words stay out of the message: they retell the prompt.
  const billed = isFree ? 'no' : imageless.isRelayed && verdict.billed === 'no' ? 'possibly' : verdict.billed;
  return failureOf(
    { ...verdict, billed },
    {
      message: publicMessage(describe(imageless), circumstances.secrets),
      status,
    },
  );
}

function describe({ finishReason, finishMessage, blockReason, parts }: Imageless): string {
  if (blockReason !== undefined) return `the prompt was blocked: ${blockReason}`;
  const saying = finishMessage === undefined ? '' : ` (${finishMessage})`;
  const contents = { none: 'nothing', text: 'text only', thoughts: 'thoughts only' }[parts];
  return `no image but ${contents}, finish reason ${finishReason ?? 'missing'}${saying}`;
}
