// Why somebody is turned away, in words that say which limit it was, what it is, and when there is room again.
import { exactUsd, microUsd } from '../../domain/money.ts';
import type { Denial, Principal } from '../ports.ts';
import { realSeconds } from '../real-seconds.ts';
import type { LimitName, Reserved } from '../store/store.ts';

export const NO_KEY: Denial = {
  status: 401,
  code: 'invalid_api_key',
  message: 'No API key was given. Send one as "Authorization: Bearer ir_...".',
  param: undefined,
  retryAfterMs: undefined,
};

/** Unknown, wrong or revoked: which of them is nobody's business. */
export const WRONG_KEY: Denial = { ...NO_KEY, message: 'This API key is not valid here: it is unknown, or it was revoked.' };

export const STORE_UNAVAILABLE: Denial = {
  status: 503,
  code: 'store_unavailable',
  message: "The gateway's records cannot be reached or written right now (database away, or disk full or not writable). Ask again later.",
  param: undefined,
  retryAfterMs: 5_000,
};

export function notAllowed(what: 'policy' | 'model', asked: string, allowed: readonly string[]): Denial {
  const message = `This key may not use ${what} "${asked}"; it may use: ${allowed.join(', ')}.`;
  return { status: 403, code: `${what}_not_allowed`, message, param: what, retryAfterMs: undefined };
}

export function missingScope({ scopes }: Principal): Denial {
  const message = `This key may not make images; its scopes: ${scopes.join(', ')}.`;
  return { status: 403, code: 'insufficient_scope', message, param: undefined, retryAfterMs: undefined };
}

const LIMIT_WORDS: Readonly<Record<LimitName, string>> = {
  requestsPerMinute: 'requests per minute',
  imagesPerMinute: 'images per minute',
  concurrent: 'requests at the same time',
  usdPerDay: 'spend per day',
  usdPerMonth: 'spend per month',
};

type Refusal = Extract<Reserved, { kind: 'over-limit' }>;

/** Figures of a denial are exact or rounded up: a limit must not look as if it had room. */
export function overLimit(refusal: Refusal, { wallMs, speed }: { readonly wallMs: number; readonly speed: number }): Denial {
  const { limit, most, asked, used, freesAt } = refusal;
  const isMoney = limit === 'usdPerDay' || limit === 'usdPerMonth';
  const waitMs = freesAt === undefined ? undefined : Math.max(0, freesAt - wallMs);
  const say = (amount: number): string => (isMoney ? exactUsd(microUsd(amount / 1_000_000)) : String(amount));
  return {
    status: 429,
    code: isMoney ? 'budget_exceeded' : 'rate_limit_exceeded',
    message: `This key's limit of ${say(most)} for ${LIMIT_WORDS[limit]} has no room for this request, which ${isMoney ? 'may cost' : 'asks for'} ${say(asked)}: ${say(used)} is in use. ${whenFree(refusal, waitMs, speed)}`,
    param: undefined,
    retryAfterMs: waitMs,
    ...(asked > most ? { mayRepeat: false } : {}),
  };
}

function whenFree({ most, asked }: Refusal, waitMs: number | undefined, speed: number): string {
  if (asked > most) return 'That never fits: ask for less, or for a wider limit.';
  if (waitMs === undefined) return 'Room again when a request that runs has ended.';
  return `Room again in ${realSeconds(waitMs, speed)} s.`;
}
