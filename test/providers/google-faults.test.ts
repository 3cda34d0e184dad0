// Every way Gemini's protocol is known to fail, played on a real socket through the real SDK: one row each, with the
// exact meaning it must have. Bodies are verbatim where a source has them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/domain/failure.ts';
import { createGoogleProvider } from '../../src/providers/google.ts';
import { callOf, endpointAt, PROMPT, testClock } from './support/calls.ts';
import { encodedPicture } from './support/pictures.ts';
import { closedAddress, html, json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

let tookMs = 0;
let clock = testClock();
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer(() => clock.advance(tookMs));
});
afterAll(() => server.close());

type Expected = Partial<Failure>;
type Case = { readonly name: string; readonly script: Script | Promise<Script>; readonly tookMs?: number; readonly expected: Expected };

async function fail(scenario: Omit<Case, 'name' | 'expected'>, url = server.url): Promise<Failure> {
  server.play(await scenario.script);
  clock = testClock();
  tookMs = scenario.tookMs ?? 0;
  const provider = createGoogleProvider({ endpoints: [endpointAt(url, 'google')], clock });
  const reply = await provider.generate(callOf('nano-banana-pro'), new AbortController().signal);
  await provider.close();
  if (reply.kind !== 'failed') throw new Error('expected a failure');
  return reply.failure;
}

function error(
  code: number,
  status: string,
  message: string,
  details: readonly unknown[] = [],
  headers: Record<string, string> = {},
): Script {
  return json(code, { error: { code, message, status, details } }, { 'content-type': 'application/json; charset=UTF-8', ...headers });
}

const errorInfo = (reason: string): unknown => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' });
const quotaFailure = (quotaId: string, quotaValue = '250'): unknown => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [
    { quotaMetric: 'generate_content', quotaId, quotaDimensions: { location: 'global', model: 'gemini-3-pro-image' }, quotaValue },
  ],
});
const retryInfo = (retryDelay: string): unknown => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay });

const account = (fault: Failure['fault'], scope: Failure['scope'] = 'endpoint'): Expected => ({
  kind: 'account',
  fault,
  retry: 'other',
  evidence: 'against',
  scope,
  billed: 'no',
});
const free = (fault: Failure['fault'], scope: Failure['scope'] = 'route'): Expected => ({
  kind: 'not-accepted',
  fault,
  retry: 'same',
  evidence: 'against',
  scope,
  billed: 'no',
});
const unknown = (fault: Failure['fault']): Expected => ({ kind: 'unknown', fault, retry: 'same', evidence: 'against', billed: 'possibly' });
const INVALID: Expected = { kind: 'invalid', fault: 'bad-parameter', retry: 'never', evidence: 'ignored', billed: 'no' };
const REFUSED: Expected = { kind: 'refused', fault: 'moderation', retry: 'other', evidence: 'ignored', scope: 'route', billed: 'no' };
const EMPTY: Expected = { kind: 'empty', fault: 'no-image', retry: 'same', evidence: 'against', scope: 'route', billed: 'possibly' };
const UNREADABLE: Expected = { kind: 'garbled', fault: 'unreadable', retry: 'same', evidence: 'against', billed: 'possibly' };

const QUOTA_TEXT =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.';
const HALF_A_DAY_MS = 12 * 3_600_000;

const accounts: readonly Case[] = [
  {
    name: 'a bad key, though a 400',
    script: error(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [errorInfo('API_KEY_INVALID')]),
    expected: { ...account('bad-key'), status: 400 },
  },
  {
    name: 'a missing key',
    script: error(403, 'PERMISSION_DENIED', "Method doesn't allow unregistered callers (callers without established identity)."),
    expected: account('bad-key'),
  },
  {
    name: 'a leaked key',
    script: error(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked. Please use another API key.'),
    expected: account('bad-key'),
  },
  {
    name: 'an API that is off',
    script: error(403, 'PERMISSION_DENIED', 'API is off', [errorInfo('SERVICE_DISABLED')]),
    expected: account('access-denied'),
  },
  {
    name: 'a location without service',
    script: error(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
    expected: account('access-denied'),
  },
  {
    name: 'a model that is gone',
    script: error(404, 'NOT_FOUND', 'models/x is not found for API version v1beta, or is not supported for generateContent.'),
    expected: { ...account('model-missing', 'route'), status: 404 },
  },
  {
    name: 'a spent day of one model, until midnight in California',
    script: error(429, 'RESOURCE_EXHAUSTED', QUOTA_TEXT, [quotaFailure('GenerateRequestsPerDayPerProjectPerModel'), retryInfo('31s')]),
    expected: { ...account('quota', 'route'), retryAfterMs: HALF_A_DAY_MS, status: 429 },
  },
  {
    name: 'a spent day of the whole project',
    script: error(429, 'RESOURCE_EXHAUSTED', QUOTA_TEXT, [quotaFailure('GenerateRequestsPerDayPerProject')]),
    expected: { ...account('quota'), retryAfterMs: HALF_A_DAY_MS },
  },
  {
    name: 'a quota of zero, for which no waiting helps',
    script: error(429, 'RESOURCE_EXHAUSTED', QUOTA_TEXT, [
      quotaFailure('GenerateRequestsPerMinutePerProjectPerModel-FreeTier', '0'),
      retryInfo('31s'),
    ]),
    expected: { ...account('quota', 'route'), retryAfterMs: undefined },
  },
  {
    name: 'spent credits',
    script: error(429, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted.'),
    expected: account('billing'),
  },
  {
    name: 'a reseller’s bad key in OpenAI’s shape',
    script: json(401, { error: { message: 'Invalid token (request id: 2026)', type: 'new_api_error', param: '', code: '' } }),
    expected: { ...account('bad-key'), message: 'Invalid token (request id: 2026)' },
  },
  {
    name: 'a reseller’s spent balance in OpenAI’s shape',
    script: json(403, {
      error: { message: 'balance (request id: 2026)', type: 'new_api_error', param: '', code: 'insufficient_user_quota' },
    }),
    expected: account('quota'),
  },
  {
    name: 'a reseller’s missing model in OpenAI’s shape',
    script: json(503, { error: { message: 'none (request id: 2026)', type: 'new_api_error', param: '', code: 'model_not_found' } }),
    expected: account('model-missing', 'route'),
  },
];

const busy: readonly Case[] = [
  {
    name: 'a spent minute',
    script: error(429, 'RESOURCE_EXHAUSTED', QUOTA_TEXT, [quotaFailure('GenerateRequestsPerMinutePerProjectPerModel'), retryInfo('31s')]),
    expected: { ...free('rate-limited'), retryAfterMs: 31_000, status: 429 },
  },
  {
    name: 'a spent quota whose details a relay dropped',
    script: error(429, 'RESOURCE_EXHAUSTED', `${QUOTA_TEXT} Please retry in 31.5s.`),
    expected: { ...free('rate-limited'), retryAfterMs: 31_500 },
  },
  {
    name: 'a reseller’s rate limit with a header',
    script: json(429, { error: { message: 'slow', type: 'new_api_error' } }, { 'retry-after': '9' }),
    expected: { ...free('rate-limited'), retryAfterMs: 9_000 },
  },
  {
    name: 'exhaustion without a quota: Google’s capacity',
    script: error(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'),
    expected: free('overloaded'),
  },
  {
    name: 'Vertex’s exhaustion',
    script: error(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted. Please try again later. Please refer to https://x for more details.'),
    expected: free('overloaded'),
  },
  ...[429, 503].map((status) => ({
    name: `no capacity under ${status}`,
    script: error(
      status,
      status === 429 ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE',
      'No capacity available for model gemini-3-pro-image on the server',
      [errorInfo('MODEL_CAPACITY_EXHAUSTED')],
    ),
    expected: { ...free('overloaded'), status },
  })),
  {
    name: 'an overloaded model',
    script: error(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
    expected: free('overloaded'),
  },
  {
    name: 'an overloaded model relayed as "500"',
    script: json(500, { error: { message: 'The model is overloaded.', code: '500' } }),
    expected: free('overloaded'),
  },
  {
    name: 'an error inside the message of an error',
    script: error(503, 'UNAVAILABLE', JSON.stringify({ error: { code: 503, message: 'high demand', status: 'UNAVAILABLE' } })),
    expected: { ...free('overloaded'), message: 'high demand' },
  },
  { name: 'an internal error', script: error(500, 'INTERNAL', 'An internal error has occurred.'), expected: free('server-error') },
  {
    name: 'a deadline Google itself reports',
    script: error(504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
    expected: { ...free('timeout'), retry: 'other' },
  },
  {
    name: 'the same as 503',
    script: error(503, 'UNAVAILABLE', 'Deadline expired before operation could complete.'),
    expected: { ...free('timeout'), retry: 'other' },
  },
];

const unsettled: readonly Case[] = [
  { name: 'a gateway’s 502 page', script: html(502), expected: { ...unknown('gateway-error'), status: 502 } },
  { name: 'a gateway’s 504 page', script: html(504), expected: { ...unknown('timeout'), status: 504 } },
  { name: 'a gateway’s 524 page', script: html(524), expected: unknown('timeout') },
  {
    name: 'an error page under a JSON content type, whose status the SDK loses',
    script: { kind: 'answer', status: 502, headers: { 'content-type': 'application/json' }, body: '<html>bad gateway</html>' },
    expected: { ...unknown('gateway-error'), status: 502 },
  },
  {
    name: 'a cancellation that was not ours',
    script: error(499, 'CANCELLED', 'The operation was cancelled.'),
    expected: unknown('connection-lost'),
  },
  { name: 'a reset before the headers', script: { kind: 'reset-early' }, expected: { ...unknown('connection-lost'), status: undefined } },
  {
    name: 'a reset in the middle of the body',
    script: { kind: 'reset-midway', body: JSON.stringify({ candidates: 'x'.repeat(1e5) }) },
    expected: unknown('connection-lost'),
  },
];

const invalid: readonly Case[] = [
  {
    name: 'an unknown field',
    script: error(400, 'INVALID_ARGUMENT', `Invalid JSON payload received. Unknown name "x" at 'generation_config': Cannot find field.`),
    expected: INVALID,
  },
  {
    name: 'a server deadline below the floor',
    script: error(400, 'INVALID_ARGUMENT', 'Manually set deadline 5s is too short. Minimum allowed deadline is 10s.'),
    expected: INVALID,
  },
];

const stopped = (finishReason: string | undefined, rest: Record<string, unknown> = {}, usage?: unknown): Script =>
  json(200, { candidates: [{ content: {}, finishReason, index: 0, ...rest }], usageMetadata: usage });
const FREE_TEXT =
  'Unable to show the generated image. The model could not generate the image based on the prompt provided. You will not be charged for this request.';

const refusals: readonly Case[] = [
  ...[
    'IMAGE_SAFETY',
    'SAFETY',
    'PROHIBITED_CONTENT',
    'IMAGE_PROHIBITED_CONTENT',
    'RECITATION',
    'IMAGE_RECITATION',
    'BLOCKLIST',
    'SPII',
  ].map((reason) => ({
    name: reason,
    script: stopped(reason),
    tookMs: 9_000,
    expected: { ...REFUSED, billed: 'possibly' as const, status: 200 },
  })),
  {
    name: 'IMAGE_SAFETY that promises not to charge',
    script: stopped('IMAGE_SAFETY', { finishMessage: FREE_TEXT }),
    tookMs: 9_000,
    expected: REFUSED,
  },
  ...['PROHIBITED_CONTENT', 'SAFETY', 'OTHER', 'BLOCKLIST'].map((blockReason) => ({
    name: `a prompt blocked for ${blockReason}`,
    script: json(200, { promptFeedback: { blockReason } }),
    expected: { ...REFUSED, message: `the prompt was blocked: ${blockReason}` },
  })),
  {
    name: 'a refusal in a relay’s own shape',
    script: json(400, { error: { message: 'blocked: PROHIBITED_CONTENT', type: 'new_api_error', code: 'x' } }),
    expected: { ...REFUSED, status: 400 },
  },
];

const imageless: readonly Case[] = [
  ...['NO_IMAGE', 'IMAGE_OTHER', 'OTHER', 'MAX_TOKENS', 'MALFORMED_RESPONSE', 'A_REASON_OF_TOMORROW'].map((reason) => ({
    name: reason,
    script: stopped(reason),
    expected: { ...EMPTY, status: 200, message: `no image but nothing, finish reason ${reason}` },
  })),
  {
    name: 'NO_IMAGE that promises not to charge',
    script: stopped('NO_IMAGE', { finishMessage: FREE_TEXT }),
    expected: { ...EMPTY, billed: 'no' },
  },
  {
    name: 'NO_IMAGE that counted a picture all the same',
    script: stopped('NO_IMAGE', {}, { candidatesTokenCount: 1120, candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }] }),
    expected: { ...EMPTY, billed: 'yes' },
  },
  {
    name: 'text only, which is not repeated',
    script: stopped('STOP', { content: { parts: [{ text: `You asked for ${PROMPT}.` }] } }),
    expected: { ...EMPTY, message: 'no image but text only, finish reason STOP' },
  },
  {
    name: 'thoughts only',
    script: encodedPicture(1024, 1024, 'jpeg').then((data) =>
      stopped('STOP', { content: { parts: [{ thought: true, inlineData: { data } }] } }),
    ),
    expected: { ...EMPTY, message: 'no image but thoughts only, finish reason STOP' },
  },
  { name: 'no candidates', script: json(200, {}), expected: { ...EMPTY, message: 'no image but nothing, finish reason missing' } },
  {
    name: 'an error inside a success',
    script: error(200, 'UNAVAILABLE', 'x'),
    expected: { kind: 'garbled', fault: 'server-error', billed: 'possibly' },
  },
  {
    name: 'an error with its true status inside a success',
    script: json(200, { error: { code: 503, message: 'x', status: 'UNAVAILABLE' } }),
    expected: { ...free('overloaded'), status: 200 },
  },
];

const inline = (data: string): Script => stopped('STOP', { content: { parts: [{ inlineData: { mimeType: 'image/png', data } }] } });
const garbled: readonly Case[] = [
  { name: 'an HTML page', script: html(200), expected: { ...UNREADABLE, status: 200 } },
  {
    name: 'JSON that breaks off',
    script: { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '{"candidates":[{"con' },
    expected: UNREADABLE,
  },
  { name: 'bad base64', script: inline('////-'), expected: UNREADABLE },
  { name: 'zero bytes', script: inline(''), expected: UNREADABLE },
  { name: 'bytes of no image', script: inline(Buffer.from('<svg/>').toString('base64')), expected: UNREADABLE },
  {
    name: '4K asked, 1408x768 got',
    script: encodedPicture(1408, 768, 'jpeg').then(inline),
    expected: { kind: 'garbled', fault: 'wrong-geometry', evidence: 'against', message: '1408x768 came, of another shape than 1024x1024' },
  },
];

const groups = { accounts, busy, unsettled, invalid, refusals, imageless, garbled };

describe.each(Object.entries(groups))('Gemini %s', (_group, cases) => {
  it.each(cases)('$name', async ({ expected, ...scenario }) => {
    const before = server.heard.length;
    const failure = await fail(scenario);
    expect(failure).toMatchObject(expected);
    expect(failure.message).not.toContain('lighthouse');
    expect(server.heard.length - before, 'requests sent').toBe(1);
  });
});

describe('a Gemini failure', () => {
  it('is free when nothing listens', async () => {
    expect(await fail({ script: { kind: 'hang' } }, await closedAddress())).toMatchObject({
      ...free('connection-refused', 'endpoint'),
      status: undefined,
    });
  });
});
