// Why somebody is turned away, in words that say which limit it was, what it is, and when there is room again.
import { formatUsd, type MicroUsd } from '../../domain/money.ts';
import type { Denial, Principal } from '../ports.ts';
import type { LimitName, Reserved } from '../store/store.ts';

export const NO_KEY: Denial = {
  status: 401,
  code: 'invalid_api_key',
  message: 'No API key was given, or it is not valid. Send it as "Authorization: Bearer ir_...".',
  param: undefined,
  retryAfterMs: undefined,
};

export const STORE_UNAVAILABLE: Denial = {
  status: 503,
  code: 'store_unavailable',
  message: 'The gateway cannot record spend right now (disk full or not writable), so nothing is begun.',
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

export function overLimit({ limit, most, used, freesAt }: Extract<Reserved, { kind: 'over-limit' }>, wallMs: number): Denial {
  const isMoney = limit === 'usdPerDay' || limit === 'usdPerMonth';
  const say = (amount: number): string => (isMoney ? formatUsd(amount as MicroUsd) : String(amount));
  const retryAfterMs = freesAt === undefined ? undefined : Math.max(0, freesAt - wallMs);
  const when = retryAfterMs === undefined ? 'when one of them ends' : `in ${Math.ceil(retryAfterMs / 1_000)} s`;
  return {
    status: 429,
    code: isMoney ? 'budget_exceeded' : 'rate_limit_exceeded',
    message: `This key's limit of ${say(most)} for ${LIMIT_WORDS[limit]} has no room for this request: ${say(used)} is in use. Room again ${when}.`,
    param: undefined,
    retryAfterMs,
  };
}
