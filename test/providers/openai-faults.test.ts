// Every way OpenAI's protocol is known to fail, played on a real socket through the real SDK: one row each, with the
// exact meaning it must have. Bodies are verbatim where a source has them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/domain/failure.ts';
import { createOpenAIProvider } from '../../src/providers/openai.ts';
import { callOf, endpointAt, testClock } from './support/calls.ts';
import { encodedPicture, picture, pngClaiming } from './support/pictures.ts';
import { closedAddress, html, json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

const clock = testClock();
let tookMs = 0;
let server: ScriptedServer;
beforeAll(async () => {
  server = await startScriptedServer(() => clock.advance(tookMs));
});
afterAll(() => server.close());

type Expected = Partial<Failure>;
type Case = {
  readonly name: string;
  readonly script: Script | Promise<Script>;
  readonly n?: number;
  readonly pixels?: { readonly width: number; readonly height: number };
  /** World time from request to answer. */
  readonly tookMs?: number;
  readonly expected: Expected;
};

async function fail(scenario: Omit<Case, 'name' | 'expected'>, url = server.url): Promise<Failure> {
  server.play(await scenario.script);
  tookMs = scenario.tookMs ?? 100;
  const provider = createOpenAIProvider({ endpoints: [endpointAt(url, 'openai')], clock });
  const call = callOf('gpt-image-2-low', { n: scenario.n ?? 1, ...(scenario.pixels ? { pixels: scenario.pixels } : {}) });
  const reply = await provider.generate(call, new AbortController().signal);
  await provider.close();
  if (reply.kind !== 'failed') throw new Error('expected a failure');
  return reply.failure;
}

function error(status: number, body: Record<string, unknown>, headers: Record<string, string> = {}): Script {
  return json(status, { error: { message: 'told', type: 'invalid_request_error', param: null, code: null, ...body } }, headers);
}

const SAFETY =
  'Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and include the request ID req_1. safety_violations=[violence].';

const REFUSED: Expected = { kind: 'refused', fault: 'moderation', retry: 'other', evidence: 'ignored', scope: 'route', billed: 'no' };
const account = (fault: Failure['fault'], scope: Failure['scope']): Expected => ({
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
const unknown = (fault: Failure['fault']): Expected => ({
  kind: 'unknown',
  fault,
  retry: 'same',
  evidence: 'against',
  scope: 'route',
  billed: 'possibly',
});
const useless = (kind: 'empty' | 'garbled', fault: Failure['fault'], billed: Failure['billed'] = 'possibly'): Expected => ({
  kind,
  fault,
  retry: 'same',
  evidence: 'against',
  scope: 'route',
  billed,
});
const INVALID: Expected = { kind: 'invalid', fault: 'bad-parameter', retry: 'never', evidence: 'ignored', billed: 'no' };

const refusals: readonly Case[] = [
  {
    name: 'moderation_blocked',
    script: error(400, { type: 'image_generation_user_error', code: 'moderation_blocked', message: SAFETY }),
    expected: { ...REFUSED, status: 400, message: SAFETY },
  },
  {
    name: 'moderation_blocked after the picture was made',
    script: error(400, { type: 'image_generation_user_error', code: 'moderation_blocked', message: SAFETY }),
    tookMs: 64_000,
    expected: { ...REFUSED, billed: 'possibly' },
  },
  {
    name: 'content_policy_violation of older models',
    script: error(400, { code: 'content_policy_violation', message: 'Your request was rejected as a result of our safety system.' }),
    expected: REFUSED,
  },
  {
    name: 'a refusal dressed as 500',
    script: error(500, { type: 'server_error', message: SAFETY }),
    expected: { ...REFUSED, status: 500 },
  },
  { name: 'a refusal dressed as 502', script: error(502, { type: 'upstream_error', message: SAFETY }), expected: REFUSED },
  { name: 'a refusal dressed as 429', script: error(429, { type: 'requests', message: SAFETY }), expected: REFUSED },
  { name: 'a refusal dressed as 451', script: error(451, { message: 'Unavailable' }), expected: { ...REFUSED, status: 451 } },
  { name: 'a refusal inside a success', script: error(200, { code: 'moderation_blocked', message: SAFETY }), expected: REFUSED },
  { name: 'a reseller’s word filter', script: error(400, { type: 'new_api_error', code: 'sensitive_words_detected' }), expected: REFUSED },
];

const accounts: readonly Case[] = [
  {
    name: 'a billing limit, though a 400',
    script: error(400, { code: 'billing_hard_limit_reached', message: 'Billing hard limit has been reached' }),
    expected: { ...account('billing', 'endpoint'), status: 400 },
  },
  {
    name: 'a wrong key',
    script: error(401, { code: 'invalid_api_key', message: 'Incorrect API key provided: sk-ab***yz. You can find your API key at x.' }),
    expected: {
      ...account('bad-key', 'endpoint'),
      status: 401,
      message: 'Incorrect API key provided: [key] You can find your API key at x.',
    },
  },
  { name: 'a 401 without a word', script: json(401, {}), expected: account('bad-key', 'endpoint') },
  {
    name: 'an unverified organisation',
    script: error(403, { message: 'Your organization must be verified to use the model `gpt-image-2`. Please go to: https://x' }),
    expected: account('access-denied', 'route'),
  },
  {
    name: 'a resource blocked by Azure, though its text speaks of content policy',
    script: error(403, {
      message: 'Your resource has been temporarily blocked because we detected behavior that may violate our content policy.',
    }),
    expected: account('access-denied', 'endpoint'),
  },
  {
    name: 'a deactivated account',
    script: error(403, { message: 'The account associated with this key has been deactivated.' }),
    expected: account('access-denied', 'endpoint'),
  },
  {
    name: 'an unsupported country',
    script: error(403, { code: 'unsupported_country_region_territory', message: 'Country, region, or territory not supported' }),
    expected: account('access-denied', 'endpoint'),
  },
  { name: 'a firewall page', script: html(403), expected: account('access-denied', 'endpoint') },
  {
    name: 'a missing model',
    script: error(404, { code: 'model_not_found', message: 'The model `x` does not exist or you do not have access to it.' }),
    expected: { ...account('model-missing', 'route'), status: 404 },
  },
  {
    name: 'a reseller without a channel for the model',
    script: error(503, { type: 'new_api_error', code: 'model_not_found', message: 'No available channel for model x under group default' }),
    expected: account('model-missing', 'route'),
  },
  {
    name: 'a spent quota',
    script: error(429, { type: 'insufficient_quota', code: 'insufficient_quota', message: 'You exceeded your current quota' }),
    expected: { ...account('quota', 'endpoint'), status: 429 },
  },
  {
    name: 'a reseller’s spent balance',
    script: error(403, { type: 'new_api_error', code: 'insufficient_user_quota' }),
    expected: account('quota', 'endpoint'),
  },
  {
    name: 'a project’s spend limit',
    script: error(429, { code: 'project_spend_limit_exceeded' }),
    expected: account('billing', 'endpoint'),
  },
  { name: 'a payment due', script: json(402, {}), expected: account('billing', 'endpoint') },
];

const RATE_TEXT =
  'Rate limit reached for gpt-image-2 (for limit gpt-image) in organization org-X on input-images per min: Limit 5, Used 5, Requested 1. Please try again in 51.84s.';
const busy: readonly Case[] = [
  {
    name: 'a rate limit with its wish in the text',
    script: error(429, { type: 'input-images', code: 'rate_limit_exceeded', message: RATE_TEXT }),
    expected: { ...free('rate-limited', 'endpoint'), retryAfterMs: 51_840, status: 429 },
  },
  {
    name: 'a rate limit with its wish in milliseconds',
    script: error(429, { code: 'rate_limit_exceeded' }, { 'retry-after-ms': '1234', 'retry-after': '2' }),
    expected: { ...free('rate-limited', 'endpoint'), retryAfterMs: 1_234 },
  },
  {
    name: 'a rate limit of an hour in seconds',
    script: json(429, {}, { 'retry-after': '3600' }),
    expected: { ...free('rate-limited', 'endpoint'), retryAfterMs: 3_600_000 },
  },
  {
    name: 'a rate limit without a wish',
    script: error(429, { code: 'rate_limit_exceeded' }),
    expected: { ...free('rate-limited', 'endpoint'), retryAfterMs: undefined },
  },
  { name: 'an overload under 429', script: error(429, { message: 'The engine is currently overloaded' }), expected: free('overloaded') },
  {
    name: 'an overload',
    script: error(
      503,
      { type: 'server_error', message: 'The engine is currently overloaded, please try again later' },
      { 'retry-after': '7' },
    ),
    expected: { ...free('overloaded'), retryAfterMs: 7_000, status: 503 },
  },
  { name: 'an overload told by a proxy', script: html(503), expected: free('overloaded') },
  {
    name: 'a server error',
    script: error(500, { type: 'server_error', message: 'The server had an error while processing your request. Sorry about that!' }),
    expected: { ...free('server-error'), status: 500 },
  },
  { name: 'a server error the SDK is told to retry', script: error(500, {}, { 'x-should-retry': 'true' }), expected: free('server-error') },
  { name: 'a lock conflict', script: error(409, {}), expected: free('server-error') },
  { name: 'an origin that is down', script: html(521), expected: free('gateway-error', 'endpoint') },
  {
    name: 'a redirect, which would carry the key elsewhere',
    script: { kind: 'answer', status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: '' },
    expected: free('gateway-error', 'endpoint'),
  },
];

const unsettled: readonly Case[] = [
  ...[502, 520].map((status) => ({
    name: `a gateway’s ${status} page`,
    script: html(status),
    expected: { ...unknown('gateway-error'), status, message: '502 Bad Gateway error code: 502' },
  })),
  ...[504, 524].map((status) => ({
    name: `a gateway’s ${status} page`,
    script: html(status),
    expected: { ...unknown('timeout'), status },
  })),
  {
    name: 'Azure’s timeout at 60 s',
    script: json(408, { error: { code: 'Timeout', message: 'The operation was timeout.' } }),
    expected: unknown('timeout'),
  },
  { name: 'a 500 page of a proxy', script: html(500), expected: unknown('gateway-error') },
  {
    name: 'a reseller that lost the answer',
    script: error(500, { type: 'new_api_error', code: 'read_response_body_failed' }),
    expected: unknown('gateway-error'),
  },
  { name: 'a reset before the headers', script: { kind: 'reset-early' }, expected: { ...unknown('connection-lost'), status: undefined } },
  {
    name: 'a reset in the middle of the body',
    script: encodedPicture(1024, 1024, 'png').then((data) => ({
      kind: 'reset-midway',
      body: JSON.stringify({ data: [{ b64_json: data }] }),
    })),
    expected: unknown('connection-lost'),
  },
];

const invalid: readonly Case[] = [
  {
    name: 'a size off the grid',
    script: error(400, {
      type: 'image_generation_user_error',
      code: 'invalid_value',
      param: 'size',
      message: "Invalid size '1792x936'. Width and height must both be divisible by 16.",
    }),
    expected: { ...INVALID, status: 400, retryAfterMs: undefined },
  },
  { name: 'an unknown parameter', script: error(400, { code: 'unknown_parameter' }), expected: INVALID },
  { name: 'an invalid size relayed as 500', script: error(500, { code: 'invalid_value' }), expected: { ...INVALID, status: 500 } },
  { name: 'too large a body', script: html(413), expected: INVALID },
  { name: 'an unprocessable body', script: error(422, {}), expected: INVALID },
];

const USAGE = { input_tokens: 5, output_tokens: 196 };
const image = (bytes: string, usage?: unknown): Script => json(200, { data: [{ b64_json: bytes }], usage });

const fakeSuccesses: readonly Case[] = [
  { name: 'an HTML page', script: html(200), expected: { ...useless('garbled', 'unreadable'), status: 200 } },
  {
    name: 'JSON that breaks off',
    script: { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '{"data":[{"b64_json":"iVBOR' },
    expected: useless('garbled', 'unreadable'),
  },
  { name: 'an unexplained error', script: error(200, { message: 'upstream went away' }), expected: useless('garbled', 'server-error') },
  {
    name: 'an error as text',
    script: json(200, { error: 'upstream went away' }),
    expected: { ...useless('garbled', 'server-error'), message: 'upstream went away' },
  },
  { name: 'an error with its status as code', script: error(200, { code: 503 }), expected: { ...free('overloaded'), status: 200 } },
  { name: 'an empty list', script: json(200, { created: 1, data: [] }), expected: useless('empty', 'no-image') },
  { name: 'an empty list that was billed', script: json(200, { data: [], usage: USAGE }), expected: useless('empty', 'no-image', 'yes') },
  { name: 'an empty object', script: json(200, {}), expected: useless('empty', 'no-image') },
  {
    name: 'no body',
    script: { kind: 'answer', status: 200, headers: { 'content-type': 'application/json' }, body: '' },
    expected: useless('empty', 'no-image'),
  },
  { name: 'a link', script: json(200, { data: [{ url: 'https://x/y.png' }] }), expected: useless('empty', 'no-image') },
  {
    name: 'bad base64',
    script: image('iVBOR w0KG!'),
    expected: { ...useless('garbled', 'unreadable'), message: 'the image is not valid base64' },
  },
  {
    name: 'bytes of no image',
    script: image(Buffer.from('not an image').toString('base64'), USAGE),
    expected: useless('garbled', 'unreadable', 'yes'),
  },
  {
    name: 'half a picture',
    script: picture(1024, 1024, 'png').then((bytes) => image(bytes.subarray(0, bytes.length / 2).toString('base64'))),
    expected: useless('garbled', 'unreadable'),
  },
  {
    name: 'a picture whole to its last checksum that turns out empty when it has to be scaled',
    script: image(pngClaiming(1040, 1024).toString('base64'), USAGE),
    expected: useless('garbled', 'unreadable', 'yes'),
  },
  {
    name: 'another shape',
    script: encodedPicture(1536, 1024, 'png').then((bytes) => image(bytes, USAGE)),
    expected: { ...useless('garbled', 'wrong-geometry', 'yes'), message: '1536x1024 came, of another shape than 1024x1024' },
  },
  {
    name: 'far too few pixels',
    script: encodedPicture(512, 512, 'png').then((bytes) => image(bytes)),
    expected: { ...useless('garbled', 'wrong-geometry'), message: '512x512 came, too small for 1024x1024' },
  },
];

const groups = { refusals, accounts, busy, unsettled, invalid, 'false successes': fakeSuccesses };

describe.each(Object.entries(groups))('OpenAI %s', (_group, cases) => {
  it.each(cases)('$name', async ({ expected, ...scenario }) => {
    const before = server.heard.length;
    const failure = await fail(scenario);
    expect(failure).toMatchObject(expected);
    expect(server.heard.length - before, 'requests sent').toBe(1);
  });
});

describe('an OpenAI failure', () => {
  it('is free when nothing listens or the name is unknown', async () => {
    const script: Script = { kind: 'hang' };
    expect(await fail({ script }, await closedAddress())).toMatchObject({ ...free('connection-refused', 'endpoint'), status: undefined });
    expect(await fail({ script }, 'http://no-such-host.invalid')).toMatchObject(free('connection-refused', 'endpoint'));
  });

  it('reads a date to come back at against the world’s clock', async () => {
    const comeBackAt = new Date(clock.wall().getTime() + 90_000 + 100);
    const { retryAfterMs = 0 } = await fail({ script: json(429, {}, { 'retry-after': comeBackAt.toUTCString() }) });
    expect(retryAfterMs).toBeGreaterThan(88_900);
    expect(retryAfterMs).toBeLessThanOrEqual(90_000);
  });

  it('keeps the request id for the provider’s support', async () => {
    server.play(json(500, {}, { 'x-request-id': 'req_9' }));
    const provider = createOpenAIProvider({ endpoints: [endpointAt(server.url, 'openai')], clock });
    expect(await provider.generate(callOf('gpt-image-2-low'), new AbortController().signal)).toMatchObject({ requestId: 'req_9' });
  });
});
