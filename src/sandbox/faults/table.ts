// Every fault the sandbox can play, one entry each: what it is, which parameters it takes, and how it bends the course of
// a call, per protocol. An entry without a protocol does not exist there, and a rule that asks for it is refused.
import { htmlAnswer, jsonAnswer } from '../call.ts';
import * as google from '../faces/google-errors.ts';
import * as openai from '../faces/openai-errors.ts';
import { answeredByModel, stretched } from '../model/course.ts';
import {
  after,
  altered,
  answerAfterWork,
  both,
  brokenStream,
  carried,
  dressedRefusal,
  type FaultEntry,
  googleNoImage,
  googleRateLimit,
  HTML_200,
  idleCut,
  internalError,
  isStream,
  OVERLOADED,
  openaiNoImage,
  openaiRateLimit,
  refuseAtDoor,
  unanswered,
  unfinished,
} from './effects.ts';
import type { FaultId } from './rule.ts';

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
  refused: {
    summary: 'no connection: the socket is reset the moment a request arrives (for a true ECONNREFUSED see Sandbox.unplug)',
    parameters: [],
    ...both(unanswered('cut', [0, 0])),
  },
  'stale-keep-alive': {
    summary: 'a connection that has carried a request before is reset when the next one arrives on it',
    parameters: [],
    only: (call) => call.onUsedConnection,
    ...both(unanswered('cut', [0, 0])),
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
    ...both((course, { rule }) => stretched(course, rule.factor ?? 3)),
  },
  'slow-body': {
    summary: 'headers on time, then bytesPerSecond (default 1024)',
    parameters: ['bytesPerSecond'],
    ...both((course, { rule }) => ({ ...course, transport: { kind: 'slow', fraction: 0, bytesPerSecond: rule.bytesPerSecond ?? 1_024 } })),
  },
  'stalled-body': {
    summary: 'part of the body on time (fraction, default 0.5), the rest at bytesPerSecond (default 1)',
    parameters: ['fraction', 'bytesPerSecond', 'billed'],
    ...both(carried((rule) => ({ kind: 'slow', fraction: rule.fraction ?? 0.5, bytesPerSecond: rule.bytesPerSecond ?? 1 }), 'delivered')),
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
  'dressed-refusal': {
    summary: 'a refusal of the prompt dressed as 500 (or 429, 502): only the words in the body tell',
    parameters: ['status', 'afterMs', 'billed'],
    openai: dressedRefusal(({ rule, requestId }) => openai.dressedRefusal(rule.status ?? 500, requestId)),
    google: dressedRefusal(({ rule }) => google.dressedRefusal(rule.status ?? 500)),
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
  'zero-bytes': { summary: 'the image is an empty text', parameters: [], ...both(altered('zero-bytes')) },
  'half-picture': { summary: 'the file ends half-way: right header, missing pixels', parameters: [], ...both(altered('half-picture')) },
  'wrong-format': { summary: 'a sound image of another format than it says', parameters: [], ...both(altered('wrong-format')) },
  'huge-image': { summary: 'the header claims 40000 x 40000 pixels', parameters: [], ...both(altered('huge-image')) },
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
  continuation: {
    summary: 'a 200 with finishReason CONTINUATION and a token: the SDK asks again by itself, and both calls are billed',
    parameters: ['billed'],
    only: (call) => !call.continues,
    google: unfinished,
  },
  'sse-error': {
    summary: 'a stream that is open ends with an error event (google: an error chunk)',
    parameters: ['afterMs', 'billed'],
    only: isStream,
    openai: brokenStream(({ requestId }) => openai.serverError(requestId)),
    google: brokenStream(() => google.overloaded(503)),
  },
  'sse-truncated': {
    summary: 'a stream ends inside its last event (fraction of it, default 0.5)',
    parameters: ['fraction', 'billed'],
    only: isStream,
    ...both(carried((rule) => ({ kind: 'truncated', fraction: rule.fraction ?? 0.5 }), 'lost')),
  },
  'sse-hang': {
    summary: 'a stream stays open and says nothing more before its last event',
    parameters: ['billed'],
    only: isStream,
    ...both(carried(() => ({ kind: 'slow', fraction: 0, bytesPerSecond: 0 }), 'lost')),
  },
  'sse-no-completed': {
    summary: 'a stream ends properly without its last event',
    parameters: ['billed'],
    only: isStream,
    ...both(carried(() => ({ kind: 'truncated', fraction: 0 }), 'lost')),
  },
};
