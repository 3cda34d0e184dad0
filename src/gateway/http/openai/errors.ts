// Everything that can go wrong, as OpenAI's clients expect to be told: {"error":{message,type,param,code}} with the true
// status, so that each client class sees its own. What the router knows beside that (every problem, what would have worked,
// what it cost, where the trace is) rides along in the same object. Bugs say nothing of themselves but the request's id.

import { ERROR_CODES, type ErrorCode, type ImageRouterError, isImageRouterError, type Problem } from '../../../domain/error.ts';
import { dollars } from '../../../domain/money.ts';
import type { Offer } from '../../../domain/plan.ts';
import { costInTrace } from '../../../domain/result.ts';
import { StoreError } from '../../../domain/store-error.ts';
import { STORE_UNAVAILABLE } from '../../limits/denials.ts';
import type { Denial } from '../../ports.ts';
import { realSeconds } from '../../real-seconds.ts';
import { type Answer, JSON_TYPE, utf8 } from '../answer.ts';
import type { Gateway } from '../gateway.ts';
import { type ErrorType, Refusal, type RefusalDetails, typeFor } from '../refusal.ts';
import { WIRE_NAMES } from './order.ts';

/** OpenAI's libraries obey a Retry-After up to a minute; beyond it they ignore it and repeat at once, up to twice. */
const LONGEST_OBEYED_S = 60;
const OVERLOADED_RETRY_S = 1;

/** Any failure as a refusal. What is none of the known kinds is a bug: status 500. */
export function toRefusal(error: unknown, gateway: Gateway): Refusal {
  if (error instanceof Refusal) return error;
  if (isImageRouterError(error)) return fromRouter(error, gateway);
  if (error instanceof StoreError) return fromDenial(STORE_UNAVAILABLE, gateway);
  return new Refusal({ status: 500, code: 'internal_error', message: 'The gateway has a defect; its log says more.', mayRepeat: false });
}

export function fromDenial(denial: Denial, gateway: Gateway): Refusal {
  const { status, code, message, param, retryAfterMs, mayRepeat } = denial;
  const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  const retryAfterS = retryAfterMs === undefined ? undefined : realSeconds(retryAfterMs, gateway.clock.speed);
  return new Refusal({ status, code, message, param, retryAfterS, mayRepeat, headers });
}

export function overloaded(message: string): Refusal {
  return new Refusal({ status: 503, code: 'overloaded', message, retryAfterS: OVERLOADED_RETRY_S });
}

export function shuttingDown(): Refusal {
  const message = 'The gateway is shutting down and takes no new work.';
  return new Refusal({ status: 503, code: 'shutting_down', message, retryAfterS: OVERLOADED_RETRY_S, headers: { connection: 'close' } });
}

/** The body's `error` object. */
export function errorObject({ details }: Refusal): Readonly<Record<string, unknown>> {
  const { status, message, type, param, code, remedy, extras } = details;
  return {
    message,
    type: type ?? typeFor(status),
    param: param ?? null,
    code,
    ...(remedy === undefined ? {} : { remedy }),
    ...extras,
  };
}

export function errorAnswer(refusal: Refusal, about: Pick<Answer, 'facts' | 'spentMicroUsd'> = { facts: {}, spentMicroUsd: 0 }): Answer {
  const { status, code } = refusal.details;
  const body = utf8(JSON.stringify({ error: errorObject(refusal) }));
  return { status, headers: errorHeaders(refusal.details), body: [body], ...about, facts: { ...about.facts, code } };
}

function errorHeaders({ status, retryAfterS, mayRepeat, headers }: RefusalDetails): Readonly<Record<string, string>> {
  const isTooLong = retryAfterS !== undefined && retryAfterS > LONGEST_OBEYED_S;
  const shouldRepeat = isTooLong || status === 409 ? false : mayRepeat;
  return {
    ...JSON_TYPE,
    ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
    ...(shouldRepeat === undefined ? {} : { 'x-should-retry': String(shouldRepeat) }),
    ...headers,
  };
}

const ROUTER_TYPES: Partial<Record<ErrorCode, ErrorType>> = {
  refused: 'image_generation_user_error',
  deadline_exceeded: 'timeout_error',
};

function fromRouter(error: ImageRouterError, gateway: Gateway): Refusal {
  if (error.code === 'cancelled' && gateway.isDraining()) return shuttingDown();
  if (error.code === 'closed') return overloaded('The router is being replaced; try again.');
  const { problems, offers, trace } = error;
  const [problem] = problems;
  const cost = costInTrace(trace?.events ?? []);
  const retry = offers.find((offer) => offer.change === 'retryAfterMs');
  return new Refusal({
    status: ERROR_CODES[error.code].http,
    type: ROUTER_TYPES[error.code],
    code: problem === undefined ? wireCode(error.code) : problemCode(problem),
    message: problem === undefined ? wireText(error.message) : describe(problems),
    param: problem === undefined ? undefined : wireField(problem.field),
    remedy: error.remedy === undefined ? undefined : wireText(error.remedy),
    retryAfterS: retry?.change === 'retryAfterMs' ? realSeconds(retry.to, gateway.clock.speed) : undefined,
    // The router has tried what there was to try inside the request's limits: the same again would only pay again.
    mayRepeat: ERROR_CODES[error.code].http >= 500 ? false : undefined,
    extras: {
      ...(problems.length === 0 ? {} : { problems: problems.map(wireProblem) }),
      ...(offers.length === 0 ? {} : { offers: offers.map(wireOffer) }),
      ...(trace === undefined
        ? {}
        : {
            trace_id: trace.requestId,
            cost_usd: { billed: dollars(cost.billed), possibly_billed: dollars(cost.possiblyBilled) },
          }),
    },
  });
}

/** Also of a job's own codes, which are the same here. */
export function wireCode(code: string): string {
  return code === 'refused' ? 'moderation_blocked' : code;
}

function problemCode({ rule }: Problem): string {
  if (rule === 'is required') return 'missing_required_parameter';
  return rule === 'is not a known field' ? 'unknown_parameter' : 'invalid_value';
}

function describe(problems: readonly Problem[]): string {
  return problems
    .map(({ field, rule, value }) => `${wireField(field)} ${wireText(rule)}${value === undefined ? '' : `, got ${value}`}`)
    .join('; ');
}

export function wireProblem({ field, rule, value, remedy }: Problem): Problem {
  return { field: wireField(field), rule: wireText(rule), value, remedy: remedy === undefined ? undefined : wireText(remedy) };
}

export function wireOffer(offer: Offer): Readonly<Record<string, unknown>> {
  return { ...offer, change: WIRE_NAMES[offer.change] ?? offer.change };
}

/** `referenceImages.2` is the third image of the form. */
function wireField(field: string): string {
  const [first = '', ...rest] = field.split('.');
  const index = first === 'referenceImages' ? rest.map((part) => `[${part}]`).join('') : '';
  return `${Object.hasOwn(WIRE_NAMES, first) ? WIRE_NAMES[first] : first}${index}`;
}

/** `format` and `tier` are words of their own, too: here they are the fields. */
const OUR_NAMES =
  /\b(aspectRatio|referenceImages|latencyBudgetMs|textAccuracy|maxCostUsd|onLate|format(?= (?:png|jpeg|webp)\b)|tier(?= or quality\b))\b/g;

export function wireText(text: string): string {
  return text.replace(OUR_NAMES, (name) => WIRE_NAMES[name] ?? name);
}
