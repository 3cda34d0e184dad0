// Every way a stream of OpenAI's can go, on a real socket through the real SDK.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/domain/failure.ts';
import { createOpenAIProvider } from '../../src/providers/openai.ts';
import type { PartialImage, Provider, ProviderReply } from '../../src/providers/provider.ts';
import { type CallChanges, callOf, endpointAt, PROMPT, testClock } from './support/calls.ts';
import { limitsAt } from './support/patience.ts';
import { encodedPicture, picture } from './support/pictures.ts';
import { event, html, json, type Script, type ScriptedServer, startScriptedServer } from './support/scripted-server.ts';

const ROUTE = 'gpt-image-2-high';
const USAGE = { input_tokens: 50, output_tokens: 7224 };
const clock = testClock();
let tookMs = 0;
let server: ScriptedServer;
let draft: string;
let final: string;
beforeAll(async () => {
  server = await startScriptedServer(() => clock.advance(tookMs));
  draft = await encodedPicture(512, 512, 'jpeg');
  final = await encodedPicture(1024, 1024, 'png');
});
afterAll(() => server.close());

const partial = (index: number, b64_json = draft): string =>
  event({ type: 'image_generation.partial_image', b64_json, partial_image_index: index });
const completed = (b64_json: unknown = final, usage: unknown = USAGE): string =>
  event({ type: 'image_generation.completed', b64_json, size: '1024x1024', usage });
const stream = (events: readonly string[], end: 'finish' | 'reset' | 'hang' = 'finish'): Script => ({ kind: 'stream', events, end });

const open = (): Provider => createOpenAIProvider({ endpoints: [endpointAt(server.url, 'openai')], clock });

type Outcome = { readonly reply: ProviderReply; readonly partials: readonly PartialImage[] };

async function ask(script: Script, changes: CallChanges = {}): Promise<Outcome> {
  server.play(script);
  const partials: PartialImage[] = [];
  const call = callOf(ROUTE, { onPartial: (image) => partials.push(image), ...changes });
  return { reply: await open().generate(call, new AbortController().signal), partials };
}

describe('a streamed OpenAI call', () => {
  it('asks for a stream with two interim pictures, and otherwise for the same', async () => {
    await ask(stream([completed()]));
    expect(JSON.parse(server.heard.at(-1)?.body ?? '')).toEqual({
      model: 'gpt-image-2',
      prompt: PROMPT,
      n: 1,
      size: '1024x1024',
      quality: 'high',
      background: 'auto',
      output_format: 'png',
      stream: true,
      partial_images: 2,
    });
  });

  it('passes interim pictures on as they came and delivers the last one checked', async () => {
    const { reply, partials } = await ask({
      ...stream([partial(0), partial(1), completed()]),
      headers: { 'x-request-id': 'req_s' },
    } as Script);
    const bytes = await picture(512, 512, 'jpeg');
    expect(partials).toEqual([
      { bytes, format: 'jpeg', index: 0 },
      { bytes, format: 'jpeg', index: 1 },
    ]);
    expect(reply).toEqual({
      kind: 'delivered',
      images: [{ bytes: await picture(1024, 1024, 'png'), format: 'png', mediaType: 'image/png', width: 1024, height: 1024 }],
      adjustments: [],
      usage: { textInTokens: 50, imageInTokens: 0, imageOutTokens: 7224, textOutTokens: 0 },
      requestId: 'req_s',
    });
  });

  it('ends with its picture although the provider leaves the stream open, and closes the socket', async () => {
    const arrival = server.nextRequest();
    const { reply } = await ask(stream([completed()], 'hang'));
    expect(reply.kind).toBe('delivered');
    await (await arrival).connectionClosed;
  });

  it.each([
    ['without event names', () => [partial(0), completed()].map((text) => text.replace(/^event: .*\n/, ''))],
    ['with [DONE] at its end', () => [partial(0), completed(), 'data: [DONE]\n\n']],
    [
      'with comments and unknown events between',
      () => [': keep-alive\n\n', event({ type: 'image_generation.queued' }), partial(0), completed()],
    ],
    ['with carriage returns', () => [partial(0), completed()].map((text) => text.replaceAll('\n', '\r\n'))],
  ])('is understood %s', async (_name, events) => {
    const { reply, partials } = await ask(stream(events()));
    expect(reply.kind).toBe('delivered');
    expect(partials.map(({ index }) => index)).toEqual([0]);
  });

  it('skips a broken interim picture', async () => {
    const broken = [
      partial(0, 'not base64!'),
      partial(1, Buffer.from('no picture').toString('base64')),
      event({ type: 'image_generation.partial_image' }),
    ];
    const { reply, partials } = await ask(stream([...broken, partial(2), completed()]));
    expect(reply.kind).toBe('delivered');
    expect(partials.map(({ index }) => index)).toEqual([2]);
  });

  it('survives a listener that throws', async () => {
    const onPartial = (): never => {
      throw new Error('the listener’s own trouble');
    };
    expect((await ask(stream([partial(0), completed()]), { onPartial })).reply.kind).toBe('delivered');
  });

  it('accepts the plain JSON of a relay that does not stream', async () => {
    const { reply, partials } = await ask(json(200, { data: [{ b64_json: final }], usage: USAGE }));
    expect(reply).toMatchObject({ kind: 'delivered', usage: { imageOutTokens: 7224 } });
    expect(partials).toEqual([]);
  });

  it('waits longer than 300 s between events', async () => {
    server.play(stream([partial(0)], 'hang'));
    const provider = open();
    const shown = Promise.withResolvers<PartialImage>();
    const send = (): unknown => provider.generate(callOf(ROUTE, { onPartial: shown.resolve }), new AbortController().signal);
    expect(await limitsAt(Number(new URL(server.url).port), send, shown.promise)).toEqual([0]);
    await provider.close();
  });
});

describe('an OpenAI call is not streamed', () => {
  it.each([
    ['nobody listens', { onPartial: undefined }, 1],
    ['several pictures could not be told apart', { n: 2 }, 2],
  ] as const)('when %s', async (_name, changes, count) => {
    const { reply } = await ask(json(200, { data: Array.from({ length: count }, () => ({ b64_json: final })) }), changes);
    expect(reply.kind).toBe('delivered');
    expect(JSON.parse(server.heard.at(-1)?.body ?? '')).not.toHaveProperty('stream');
  });

  it('when its route cannot', async () => {
    server.play(json(200, { data: [{ b64_json: final }] }));
    const call = callOf(ROUTE, { onPartial: () => undefined });
    const route = { ...call.route, capabilities: { ...call.route.capabilities, streaming: false } };
    expect((await open().generate({ ...call, route }, new AbortController().signal)).kind).toBe('delivered');
    expect(JSON.parse(server.heard.at(-1)?.body ?? '')).not.toHaveProperty('stream');
  });
});

const LOST = { kind: 'unknown', fault: 'connection-lost', retry: 'same', evidence: 'against', billed: 'possibly' } as const;
const SAFETY = 'Your request was rejected by the safety system. safety_violations=[violence].';
const errorEvent = (error: Record<string, unknown>): string => event({ type: 'error', error: { message: 'told', param: null, ...error } });

type Case = {
  readonly name: string;
  readonly script: () => Script | Promise<Script>;
  readonly tookMs?: number;
  readonly expected: Partial<Failure>;
};

const faults: readonly Case[] = [
  {
    name: 'ends without its picture',
    script: () => stream([partial(0)]),
    expected: { ...LOST, status: 200, message: 'the stream ended without its picture' },
  },
  { name: 'ends without a word', script: () => stream([]), expected: LOST },
  { name: 'ends with [DONE] alone', script: () => stream(['data: [DONE]\n\n']), expected: LOST },
  {
    name: 'ends in the middle of its last event',
    script: () => stream([completed().slice(0, -200)]),
    expected: { kind: 'garbled', fault: 'unreadable', billed: 'possibly' },
  },
  { name: 'is reset', script: () => stream([partial(0)], 'reset'), expected: { ...LOST, status: undefined } },
  { name: 'is reset before its headers', script: () => ({ kind: 'reset-early' }), expected: LOST },
  {
    name: 'holds an event that is not JSON',
    script: () => stream(['data: <html>\n\n']),
    expected: { kind: 'garbled', fault: 'unreadable', billed: 'possibly' },
  },
  { name: 'is an HTML page', script: () => html(200), expected: { kind: 'garbled', fault: 'unreadable' } },
  {
    name: 'completes without bytes',
    script: () => stream([completed('')]),
    expected: { kind: 'empty', fault: 'no-image', billed: 'yes' },
  },
  {
    name: 'completes with null',
    script: () => stream([completed(null, null)]),
    expected: { kind: 'empty', fault: 'no-image', billed: 'possibly' },
  },
  {
    name: 'completes with bad base64',
    script: () => stream([completed('iVBOR w0KG!')]),
    expected: { kind: 'garbled', fault: 'unreadable', billed: 'yes' },
  },
  {
    name: 'completes with half a picture',
    script: async () => stream([completed((await picture(1024, 1024, 'png')).subarray(0, 3_000).toString('base64'))]),
    expected: { kind: 'garbled', fault: 'unreadable', billed: 'yes', message: 'the png is cut short' },
  },
  {
    name: 'completes with another shape',
    script: async () => stream([completed(await encodedPicture(1536, 1024, 'png'))]),
    expected: { kind: 'garbled', fault: 'wrong-geometry', billed: 'yes' },
  },
  {
    name: 'is refused before drawing',
    script: () => stream([errorEvent({ type: 'image_generation_user_error', code: 'moderation_blocked', message: SAFETY })]),
    expected: { kind: 'refused', fault: 'moderation', retry: 'other', evidence: 'ignored', billed: 'no', status: 200, message: SAFETY },
  },
  {
    name: 'is refused after drawing',
    script: () => stream([partial(0), errorEvent({ type: 'image_generation_user_error', code: 'moderation_blocked', message: SAFETY })]),
    tookMs: 64_000,
    expected: { kind: 'refused', billed: 'possibly' },
  },
  {
    name: 'tells an error without naming the event',
    script: () => stream([`data: ${JSON.stringify({ error: { code: 'rate_limit_exceeded', message: 'Please try again in 12s.' } })}\n\n`]),
    expected: { kind: 'not-accepted', fault: 'rate-limited', retryAfterMs: 12_000 },
  },
  {
    name: 'tells an account fault',
    script: () => stream([errorEvent({ code: 'billing_hard_limit_reached' })]),
    expected: { kind: 'account', fault: 'billing', billed: 'no' },
  },
  {
    name: 'tells an invalid image',
    script: () => stream([errorEvent({ code: 'invalid_image_file' })]),
    expected: { kind: 'invalid', fault: 'bad-parameter' },
  },
  {
    name: 'tells a server error',
    script: () => stream([partial(0), errorEvent({ type: 'server_error', code: null })]),
    expected: { kind: 'garbled', fault: 'server-error', evidence: 'against', billed: 'possibly' },
  },
  {
    name: 'is not accepted at all',
    script: () => json(503, {}, { 'retry-after': '7' }),
    expected: { kind: 'not-accepted', fault: 'overloaded', retryAfterMs: 7_000 },
  },
  { name: 'is lost at a gateway', script: () => html(524), expected: { kind: 'unknown', fault: 'timeout', billed: 'possibly' } },
];

describe('an OpenAI stream fails as it should when it', () => {
  it.each(faults)('$name', async ({ script, expected, tookMs: took = 100 }) => {
    tookMs = took;
    const before = server.heard.length;
    const { reply } = await ask(await script());
    tookMs = 0;
    expect(reply).toMatchObject({ kind: 'failed', failure: expected });
    expect(server.heard.length - before, 'requests sent').toBe(1);
  });

  it('hangs: it waits for its signal, then settles at once, closes the socket and tells no more', async () => {
    server.play(stream([partial(0)], 'hang'));
    const abort = new AbortController();
    const arrival = server.nextRequest();
    const first = Promise.withResolvers<void>();
    const heard: number[] = [];
    const onPartial = ({ index }: PartialImage): void => {
      heard.push(index);
      first.resolve();
    };
    const reply = open().generate(callOf(ROUTE, { onPartial }), abort.signal);
    await first.promise;
    abort.abort();
    expect(await reply).toMatchObject({
      kind: 'failed',
      failure: { kind: 'unknown', fault: 'cancelled', billed: 'possibly', evidence: 'ignored' },
    });
    await (await arrival).connectionClosed;
    expect(heard).toEqual([0]);
  });

  it('is cancelled by its own listener: nothing further is told', async () => {
    server.play(stream([partial(0), partial(1), completed()]));
    const abort = new AbortController();
    const heard: number[] = [];
    const onPartial = ({ index }: PartialImage): void => {
      heard.push(index);
      abort.abort();
    };
    const reply = await open().generate(callOf(ROUTE, { onPartial }), abort.signal);
    expect(reply).toMatchObject({ failure: { fault: 'cancelled' } });
    expect(heard).toEqual([0]);
  });
});
