// What faults do: functions from course to course, most of them made from an answer and a habit of timing and billing. The
// table (table.ts) says which fault is which; the timing follows field reports.
import type { Usage } from '../../domain/price.ts';
import type { Random } from '../../system/random.ts';
import { type Answer, type ImageCall, jsonAnswer } from '../call.ts';
import { emptyBody, unfinishedBody } from '../faces/google-bodies.ts';
import * as google from '../faces/google-errors.ts';
import * as openai from '../faces/openai-errors.ts';
import { referenceTokens } from '../model/billing.ts';
import { type Alteration, answeredAtDoor, answeredByModel, type Course, type Transport } from '../model/course.ts';
import { uniform } from '../model/draws.ts';
import type { FaultParameter, FaultRule } from './rule.ts';

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
  /** Which calls can meet it at all; undefined: all. */
  readonly only?: (call: ImageCall) => boolean;
  readonly openai?: FaultEffect;
  readonly google?: FaultEffect;
};

type Range = readonly [lowMs: number, highMs: number];
type AnswerFor = (context: FaultContext) => Answer;

/** 401, 403, 404 and 429 come back at once. */
const AT_THE_DOOR: Range = [50, 300];
export const OVERLOADED: Range = [300, 3_000];

export function after(context: FaultContext, range: Range): number {
  return context.rule.afterMs ?? uniform(context.random, ...range);
}

/** An answer instead of the model's work. */
export function refuseAtDoor(answer: AnswerFor, range: Range = AT_THE_DOOR): FaultEffect {
  return (course, context) => answeredAtDoor(course, answer(context), after(context, range));
}

/** An answer after the model's work. `billed` is the provider's habit, which the rule may overrule. */
export function answerAfterWork(answer: AnswerFor, billed: boolean, outcome: 'refused' | 'failed' | 'lost'): FaultEffect {
  return (course, context) =>
    answeredByModel(course, answer(context), {
      delayMs: context.rule.afterMs ?? course.delayMs,
      billed: context.rule.billed ?? billed,
      outcome,
    });
}

export function altered(alteration: Alteration): FaultEffect {
  return (course) =>
    course.ending.kind === 'pictures'
      ? { ...course, ending: { kind: 'pictures', alterations: [...course.ending.alterations, alteration] } }
      : course;
}

/** The pictures are made and billed; the bytes do not all arrive. */
export function carried(transport: (rule: FaultRule) => Transport, outcome: Course['outcome']): FaultEffect {
  return (course, { rule }) => ({ ...course, transport: transport(rule), outcome, billed: rule.billed ?? course.billed });
}

export function both(effect: FaultEffect): Pick<FaultEntry, 'openai' | 'google'> {
  return { openai: effect, google: effect };
}

/** The socket ends or stays silent without a byte. Free by default; with `billed` the model works on for nobody. */
export function unanswered(kind: 'cut' | 'silence', range: Range = AT_THE_DOOR): FaultEffect {
  return (course, context) => {
    const billed = context.rule.billed ?? false;
    const delayMs = kind === 'cut' ? after(context, range) : course.delayMs;
    const transport = { kind: 'whole' } as const;
    return { ...course, delayMs, ending: { kind }, transport, stream: undefined, reachesModel: billed, billed, outcome: 'lost' };
  };
}

/** A proxy counts from the last byte: a stream that speaks in time is spared, one that falls silent is cut without a word. */
export const idleCut: FaultEffect = (course, context) => {
  const patienceMs = context.rule.afterMs ?? 100_000;
  const billed = context.rule.billed ?? true;
  const { stream, delayMs } = course;
  if (stream === undefined) {
    if (delayMs <= patienceMs) return course;
    const page = openai.gatewayPage(context.rule.status ?? 524);
    return answeredByModel(course, page, { delayMs: patienceMs, billed, outcome: 'lost' });
  }
  const moments = [stream.opensAtMs, ...stream.partialsAtMs.filter((atMs) => atMs < delayMs), delayMs];
  const last = moments.find((atMs, index) => (moments[index + 1] ?? atMs) - atMs > patienceMs);
  return last === undefined
    ? course
    : { ...course, delayMs: last + patienceMs, ending: { kind: 'cut' }, reachesModel: true, billed, outcome: 'lost' };
};

export const internalError =
  (answer: AnswerFor): FaultEffect =>
  (course, context) => {
    const whole = context.rule.afterGeneration ?? false;
    const delayMs = context.rule.afterMs ?? course.delayMs * (whole ? 1 : uniform(context.random, 0, 1));
    return answeredByModel(course, answer(context), { delayMs, billed: context.rule.billed ?? false, outcome: 'failed' });
  };

export const openaiRateLimit: AnswerFor = ({ call, rule, httpDateIn }) => {
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

export const googleRateLimit: AnswerFor = ({ call, rule }) =>
  rule.retryAfterAs === 'none'
    ? google.exhaustedBare()
    : google.exhausted({ model: call.model, per: 'Minute', limit: 20, retrySeconds: rule.retryAfterSeconds ?? 12 });

/** A 200 without an image. Google does not charge; a relay that bills every 200 does. */
export const googleNoImage: FaultEffect = (course, context) => {
  const { call, rule, requestId } = context;
  const usage = usageOfThoughts(call);
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

export const openaiNoImage = answerAfterWork(
  ({ rule }) => jsonAnswer(200, rule.form === 'emptyObject' ? {} : { created: 0, data: [] }),
  true,
  'failed',
);

/** Google's first half of an answer: thoughts, billed, and a token for the rest. */
export const unfinished: FaultEffect = (course, { call, requestId, rule }) => {
  const usage = { ...usageOfThoughts(call), textOutTokens: UNFINISHED_THOUGHT_TOKENS };
  const body = unfinishedBody({ model: call.model, responseId: requestId, usage });
  const answered = answeredByModel(course, jsonAnswer(200, body), {
    delayMs: course.delayMs * UNFINISHED_AT,
    billed: rule.billed ?? true,
    outcome: 'failed',
  });
  return { ...answered, usage };
};

/** Thoughts come before the picture, in less than half of the time. */
const UNFINISHED_AT = 0.4;
const UNFINISHED_THOUGHT_TOKENS = 300;

function usageOfThoughts(call: ImageCall): Usage {
  const imageInTokens = call.references.reduce((sum, { size }) => sum + referenceTokens(call.route.price, size), 0);
  return { textInTokens: Math.ceil(call.prompt.length / 4), imageInTokens, imageOutTokens: 0, textOutTokens: 0 };
}

export const isStream = (call: ImageCall): boolean => call.stream !== undefined;

export const brokenStream =
  (answer: AnswerFor): FaultEffect =>
  (course, context) =>
    answeredByModel(course, answer(context), {
      delayMs: context.rule.afterMs ?? course.delayMs * uniform(context.random, 0.5, 1),
      billed: context.rule.billed ?? false,
      outcome: 'failed',
    });

/** Relays that pass a refusal on as a fault of their own (relay notes 2026-05-13, 2026-07-06; sub2api#2399). */
export const dressedRefusal =
  (answer: AnswerFor): FaultEffect =>
  (course, context) =>
    answeredByModel(course, answer(context), {
      delayMs: after(context, [1_000, 3_000]),
      billed: context.rule.billed ?? false,
      outcome: 'refused',
    });

export const HTML_200 = '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>';
