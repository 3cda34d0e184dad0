// Every fault the sandbox can play, one entry each: what it is, which parameters it takes, and how it bends the course of
// a call, per protocol. An entry without a protocol does not exist there, and a rule that asks for it is refused.
// Wire effects and timing follow providers.md 6.3 and 6.4.
import type { Random } from '../../system/random.ts';
import { type Answer, htmlAnswer, type ImageCall, jsonAnswer } from '../call.ts';
import { emptyBody } from '../faces/google-bodies.ts';
import * as google from '../faces/google-errors.ts';
import * as openai from '../faces/openai-errors.ts';
import { type Alteration, answeredAtDoor, answeredByModel, type Course, type Transport } from '../model/course.ts';
import { uniform } from '../model/draws.ts';
import type { FaultId, FaultParameter, FaultRule } from './rule.ts';

/** What an effect may look at. */
export type FaultContext = {
  readonly call: ImageCall;
  readonly rule: FaultRule;
  /** A stream of this call and this rule alone. */
  readonly random: Random;
  readonly requestId: string;
  /** The date, as HTTP writes it, so many world milliseconds from now. */
  readonly httpDateIn: (delayMs: number) => string;
};

export type FaultEffect = (course: Course, context: FaultContext) => Course;

export type FaultEntry = {
  readonly summary: string;
  readonly parameters: readonly FaultParameter[];
  readonly openai?: FaultEffect;
  readonly google?: FaultEffect;
};

type Range = readonly [lowMs: number, highMs: number];
type AnswerFor = (context: FaultContext) => Answer;

/** 401, 403, 404 and 429 come back at once. */
const AT_THE_DOOR: Range = [50, 300];
const OVERLOADED: Range = [300, 3_000];

function after(context: FaultContext, range: Range): number {
  return context.rule.afterMs ?? uniform(context.random, ...range);
}

/** An answer instead of the model's work. */
function refuseAtDoor(answer: AnswerFor, range: Range = AT_THE_DOOR): FaultEffect {
  return (course, context) => answeredAtDoor(course, answer(context), after(context, range));
}

/** An answer after the model's work. `billed` is the provider's habit, which the rule may overrule. */
function answerAfterWork(answer: AnswerFor, billed: boolean, outcome: 'refused' | 'failed' | 'lost'): FaultEffect {
  return (course, context) =>
    answeredByModel(course, answer(context), {
      delayMs: context.rule.afterMs ?? course.delayMs,
      billed: context.rule.billed ?? billed,
      outcome,
    });
}

function altered(alteration: Alteration): FaultEffect {
  return (course) =>
    course.ending.kind === 'pictures'
      ? { ...course, ending: { kind: 'pictures', alterations: [...course.ending.alterations, alteration] } }
      : course;
}

/** The pictures are made and billed; the bytes do not all arrive. */
function carried(transport: (rule: FaultRule) => Transport, outcome: Course['outcome']): FaultEffect {
  return (course, { rule }) => ({ ...course, transport: transport(rule), outcome, billed: rule.billed ?? course.billed });
}

function both(effect: FaultEffect): Pick<FaultEntry, 'openai' | 'google'> {
  return { openai: effect, google: effect };
}

/** The socket ends or stays silent without a byte. Free by default; with `billed` the model works on for nobody. */
function unanswered(kind: 'cut' | 'silence'): FaultEffect {
  return (course, context) => {
    const billed = context.rule.billed ?? false;
    const delayMs = kind === 'cut' ? after(context, AT_THE_DOOR) : course.delayMs;
    return { ...course, delayMs, ending: { kind }, transport: { kind: 'whole' }, reachesModel: billed, billed, outcome: 'lost' };
  };
}

const idleCut: FaultEffect = (course, context) => {
  const cutAtMs = context.rule.afterMs ?? 100_000;
  if (course.delayMs <= cutAtMs) return course;
  const page = openai.gatewayPage(context.rule.status ?? 524);
  return answeredByModel(course, page, { delayMs: cutAtMs, billed: context.rule.billed ?? true, outcome: 'lost' });
};

const internalError =
  (answer: AnswerFor): FaultEffect =>
  (course, context) => {
    const whole = context.rule.afterGeneration ?? false;
    const delayMs = context.rule.afterMs ?? course.delayMs * (whole ? 1 : uniform(context.random, 0, 1));
    return answeredByModel(course, answer(context), { delayMs, billed: context.rule.billed ?? false, outcome: 'failed' });
  };

const openaiRateLimit: AnswerFor = ({ call, rule, httpDateIn }) => {
  const retrySeconds = rule.retryAfterSeconds ?? 12;
  const headers: Record<string, string> = {};
  if (rule.retryAfterAs === 'date') headers['retry-after'] = httpDateIn(retrySeconds * 1_000);
  if ((rule.retryAfterAs ?? 'seconds') === 'seconds') {
    headers['retry-after'] = String(Math.ceil(retrySeconds));
    headers['retry-after-ms'] = String(Math.round(retrySeconds * 1_000));
  }
  const told = rule.retryAfterAs === 'none' ? Number.POSITIVE_INFINITY : retrySeconds;
  return openai.rateLimited({ model: call.model, limit: 5, requested: call.n, retrySeconds: told }, headers);
};

const googleRateLimit: AnswerFor = ({ call, rule }) =>
  rule.retryAfterAs === 'none'
    ? google.exhaustedBare()
    : google.exhausted({ model: call.model, per: 'Minute', limit: 20, retrySeconds: rule.retryAfterSeconds ?? 12 });

/** A 200 without an image. Google does not charge; a relay that bills every 200 does. */
const googleNoImage: FaultEffect = (course, context) => {
  const { call, rule, requestId } = context;
  const usage = { textInTokens: Math.ceil(call.prompt.length / 4), imageInTokens: 0, imageOutTokens: 0, textOutTokens: 0 };
  const form = rule.form ?? 'NO_IMAGE';
  const body = emptyBody({ model: call.model, responseId: requestId, usage }, form);
  const delayMs =
    rule.afterMs ??
    (form === 'promptBlock' ? uniform(context.random, 500, 2_000) : Math.min(course.delayMs, uniform(context.random, 3_000, 12_000)));
  const refusal = form.includes('SAFETY') || form.includes('PROHIBITED') || form === 'promptBlock';
  return answeredByModel(course, jsonAnswer(200, body), {
    delayMs,
    billed: rule.billed ?? call.face === 'aggregator',
    outcome: refusal ? 'refused' : 'failed',
  });
};

const openaiNoImage = answerAfterWork(
  ({ rule }) => jsonAnswer(200, rule.form === 'emptyObject' ? {} : { created: 0, data: [] }),
  true,
  'failed',
);

const HTML_200 = '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>';

export const FAULTS: Readonly<Record<FaultId, FaultEntry>> = {
  outage: {
    summary: 'the provider answers 503 in 0.3 to 3 s',
    parameters: ['status', 'afterMs'],
    openai: refuseAtDoor(({ rule }) => openai.overloaded(rule.status ?? 503), OVERLOADED),
    google: refuseAtDoor(({ rule }) => google.overloaded(rule.status ?? 503), OVERLOADED),
  },
  capacity: {
    summary: 'no capacity for this model: MODEL_CAPACITY_EXHAUSTED as 503 or 429',
    parameters: ['status', 'afterMs'],
    google: refuseAtDoor(({ rule, call }) => google.noCapacity(rule.status ?? 503, call.model), OVERLOADED),
  },
  err500: {
    summary: '500 at a random moment of the generation, or after the whole of it',
    parameters: ['afterMs', 'afterGeneration', 'billed'],
    openai: internalError(({ requestId }) => openai.serverError(requestId)),
    google: internalError(() => google.internal()),
  },
  html5xx: {
    summary: 'an HTML page of the CDN: 502, 504, 520 or 524',
    parameters: ['status', 'afterMs'],
    ...both(refuseAtDoor(({ rule }) => openai.gatewayPage(rule.status ?? 502), OVERLOADED)),
  },
  reset: { summary: 'the socket is destroyed before any header', parameters: ['afterMs', 'billed'], ...both(unanswered('cut')) },
  'reset-mid-body': {
    summary: 'the socket is destroyed when part of the body has been sent',
    parameters: ['fraction', 'billed'],
    ...both(carried((rule) => ({ kind: 'reset', fraction: rule.fraction ?? 0.5 }), 'lost')),
  },
  hang: { summary: 'the request is accepted and never answered', parameters: ['billed'], ...both(unanswered('silence')) },
  'idle-cut': {
    summary: 'a proxy answers 524 after afterMs (default 100 s) without a byte, while the model works on',
    parameters: ['afterMs', 'status', 'billed'],
    ...both(idleCut),
  },
  slow: {
    summary: 'the latency is multiplied by factor (default 3)',
    parameters: ['factor'],
    ...both((course, { rule }) => ({ ...course, delayMs: course.delayMs * (rule.factor ?? 3) })),
  },
  'slow-body': {
    summary: 'headers on time, then bytesPerSecond (default 1024)',
    parameters: ['bytesPerSecond'],
    ...both((course, { rule }) => ({ ...course, transport: { kind: 'slow', bytesPerSecond: rule.bytesPerSecond ?? 1_024 } })),
  },
  rate429: {
    summary: 'rate limited, with the wish to wait as seconds, as an HTTP date, or unsaid (google: RetryInfo in the body)',
    parameters: ['afterMs', 'retryAfterSeconds', 'retryAfterAs'],
    openai: refuseAtDoor(openaiRateLimit),
    google: refuseAtDoor(googleRateLimit),
  },
  quota429: {
    summary: 'the quota is used up: waiting a minute does not help',
    parameters: ['afterMs'],
    openai: refuseAtDoor(() => openai.quotaExhausted()),
    google: refuseAtDoor(({ call }) => google.exhausted({ model: call.model, per: 'Day', limit: 250, retrySeconds: 31 })),
  },
  auth401: {
    summary: 'a valid key is refused (a true incident, 2026-06-04)',
    parameters: ['afterMs'],
    openai: refuseAtDoor(() => openai.badKey('sk-sandbox-key')),
    google: refuseAtDoor(() => google.badKey()),
  },
  acct403: {
    summary: 'the account is blocked; the text reads like a refusal of the prompt and is not one',
    parameters: ['afterMs'],
    openai: refuseAtDoor(() => openai.accountBlocked()),
    google: refuseAtDoor(() => google.accountBlocked()),
  },
  org403: {
    summary: 'the organization is not verified for the model',
    parameters: ['afterMs'],
    openai: refuseAtDoor(({ call }) => openai.organizationUnverified(call.model)),
  },
  billing400: {
    summary: 'the billing limit is reached: a 400 that is an account fault (google: location unsupported)',
    parameters: ['afterMs'],
    openai: refuseAtDoor(() => openai.billingLimit()),
    google: refuseAtDoor(() => google.locationUnsupported()),
  },
  model404: {
    summary: 'a live model is said not to exist (a true incident, 2026-06-02)',
    parameters: ['afterMs'],
    openai: refuseAtDoor(({ call }) => openai.modelMissing(call.model)),
    google: refuseAtDoor(({ call }) => google.modelMissing(call.model, call.apiVersion)),
  },
  'moderation-input': {
    summary: 'a harmless prompt is refused before the model sees it',
    parameters: ['afterMs', 'billed'],
    openai: (course, context) =>
      answeredByModel(course, openai.refused(context.requestId), {
        delayMs: after(context, [1_000, 3_000]),
        billed: context.rule.billed ?? false,
        outcome: 'refused',
      }),
    google: (course, context) => googleNoImage(course, { ...context, rule: { ...context.rule, form: 'promptBlock' } }),
  },
  'moderation-output': {
    summary: 'the finished picture is refused',
    parameters: ['afterMs', 'billed'],
    openai: answerAfterWork(({ requestId }) => openai.refused(requestId), false, 'refused'),
    google: (course, context) => googleNoImage(course, { ...context, rule: { ...context.rule, form: 'IMAGE_SAFETY' } }),
  },
  'no-image': {
    summary: '200 without an image, in one of its forms',
    parameters: ['form', 'afterMs', 'billed'],
    openai: openaiNoImage,
    google: googleNoImage,
  },
  html200: {
    summary: 'an HTML page with status 200',
    parameters: ['afterMs', 'billed'],
    ...both(answerAfterWork(() => htmlAnswer(200, HTML_200), true, 'lost')),
  },
  err200: {
    summary: 'an error object with status 200',
    parameters: ['afterMs', 'billed'],
    ...both(
      answerAfterWork(
        () =>
          jsonAnswer(200, {
            error: { message: 'upstream error: do request failed', type: 'upstream_error', param: '', code: 'do_request_failed' },
          }),
        false,
        'failed',
      ),
    ),
  },
  'truncated-json': {
    summary: 'content-length is right for what is sent, but the JSON ends early',
    parameters: ['fraction', 'billed'],
    ...both(carried((rule) => ({ kind: 'truncated', fraction: rule.fraction ?? 0.5 }), 'lost')),
  },
  'bad-base64': { summary: 'the image is not base64', parameters: [], ...both(altered('bad-base64')) },
  'wrong-magic': { summary: 'the image decodes to bytes of no image format', parameters: [], ...both(altered('wrong-magic')) },
  'fewer-images': { summary: 'one image fewer than asked', parameters: [], openai: altered('fewer-images') },
  'wrong-size': { summary: 'other pixels than asked', parameters: [], ...both(altered('wrong-size')) },
  'thought-image': {
    summary: 'a draft image marked as thought comes before the final one',
    parameters: [],
    google: altered('thought-image'),
  },
  'data-uri-text': {
    summary: 'the image comes as a data URI in a text part, as some relays do',
    parameters: [],
    google: altered('data-uri-text'),
  },
};
