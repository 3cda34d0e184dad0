// OpenAI's image API through its official SDK, and nothing else of that SDK: its retries, timeout, log and environment
// variables are all switched off, because retrying, deadlines and configuration are the router's own.
import type OpenAI from 'openai';
import type { APIError } from 'openai';
import type { Endpoint } from '../domain/endpoint.ts';
import { PARTIAL_IMAGES } from '../domain/image.ts';
import { type AdapterOptions, createAdapter, type Moment, type Session } from './adapter.ts';
import { deliver } from './delivery.ts';
import { type OpenAIError, openaiFailure } from './openai-failures.ts';
import { MODERATION_MODEL, readModeration } from './openai-moderation.ts';
import { openPost, type Post, type Posted } from './openai-post.ts';
import { readOpenAIReply } from './openai-reply.ts';
import { editOf, generationOf, type ToFile } from './openai-request.ts';
import { BROKEN_OFF, isStreamed, readStream } from './openai-stream.ts';
import type { Moderation, Provider, ProviderCall, ProviderReply } from './provider.ts';
import type { HeaderSource } from './retry-after.ts';
import { CONNECTION_LOST, empty, failureOf, unreadable } from './verdicts.ts';
import { isOwnHeader, openWire } from './wire.ts';
import type { Circumstances } from './wire-error.ts';
import { isEventStream, wholeOf } from './wire-response.ts';

/** The longest delay a timer takes (24 days): in effect none. Zero would mean an instant timeout. */
const NO_TIMEOUT_MS = 2_147_483_647;

export function createOpenAIProvider(options: AdapterOptions): Provider {
  return createAdapter({ kind: 'openai', open: openSession, moderate }, options);
}

/** An open client, and the parts of its SDK that are loaded with it. */
type Opened = Session & { readonly client: OpenAI };
type Sdk = {
  readonly client: OpenAI;
  readonly post: Post;
  readonly isAnswer: (error: unknown) => error is APIError;
  readonly toFile: ToFile;
};

async function openSession(endpoint: Endpoint): Promise<Opened> {
  const [{ default: OpenAI, APIError, toFile }, wire] = await Promise.all([
    import('openai'),
    openWire({ proxyUrl: endpoint.proxyUrl, mayLeave: isOwnHeader }),
  ]);
  const client = new OpenAI({
    apiKey: endpoint.apiKey,
    baseURL: endpoint.baseUrl,
    // Each of these would otherwise be read from an OPENAI_* variable.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    // OPENAI_CUSTOM_HEADERS could replace the key; named here, it cannot. `isOwnHeader` keeps the others in.
    defaultHeaders: { authorization: `Bearer ${endpoint.apiKey}` },
    fetch: wire.fetch,
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
  });
  const post = await openPost(client, wire, APIError.generate);
  const sdk: Sdk = { client, post, isAnswer: (error) => error instanceof APIError, toFile };
  return { client, generate: (call, moment) => generate(sdk, endpoint, call, moment), close: wire.close };
}

async function generate(sdk: Sdk, endpoint: Endpoint, call: ProviderCall, moment: Moment): Promise<ProviderReply> {
  const circumstances = (): Circumstances => ({
    secrets: { apiKey: endpoint.apiKey, prompt: call.prompt },
    elapsedMs: moment.elapsedMs(),
    wallMs: moment.wallMs(),
  });
  try {
    const ask = isStreamed(call) ? stream : isEdit(call) ? edit : make;
    const { data, ...answer } = await ask(sdk, endpoint, call, moment.signal);
    const success = { ...answer, requestId: requestIdIn(answer.headers) };
    return data === BROKEN_OFF ? brokenOff(success) : await readSuccess(call, data, success, circumstances());
  } catch (error) {
    const told = sdk.isAnswer(error) ? answerIn(error) : undefined;
    if (told === undefined) throw error;
    return { kind: 'failed', failure: openaiFailure(told, circumstances()), requestId: requestIdIn(told.headers) };
  }
}

async function moderate({ client }: Opened, prompt: string, signal: AbortSignal): Promise<Moderation> {
  return readModeration(await client.moderations.create({ model: MODERATION_MODEL, input: prompt }, { signal }));
}

/** What came under a status of success, whatever it is. `resolve` finds the bytes of a picture that was cut out of it. */
type Received = {
  readonly data: unknown;
  readonly status: number;
  readonly headers: HeaderSource;
  readonly resolve: (text: string) => string | Uint8Array;
};

const isEdit = (call: ProviderCall): boolean => call.attachments.references.length > 0;

/** Without a frame of its own: thousands of these wait for minutes. */
function make({ post }: Sdk, endpoint: Endpoint, call: ProviderCall, signal: AbortSignal): Promise<Received> {
  return post(generationOf(endpoint, call), signal).then(receivedOf);
}

function receivedOf({ json, ...posted }: Posted): Received {
  return { ...posted, resolve: json.resolve };
}

async function edit({ client, toFile }: Sdk, endpoint: Endpoint, call: ProviderCall, signal: AbortSignal): Promise<Received> {
  const { data, response } = await client.images.edit(await editOf(endpoint, call, toFile), { signal }).withResponse();
  return { data, ...toldBy(response) };
}

async function stream({ client, toFile }: Sdk, endpoint: Endpoint, call: ProviderCall, signal: AbortSignal): Promise<Received> {
  const streaming = { stream: true, partial_images: PARTIAL_IMAGES } as const;
  const request = isEdit(call)
    ? client.images.edit({ ...(await editOf(endpoint, call, toFile)), ...streaming }, { signal })
    : client.images.generate({ ...generationOf(endpoint, call), ...streaming }, { signal });
  const { data: events, response } = await request.withResponse();
  if (!isEventStream(response.headers)) return { data: await response.text(), ...toldBy(response) };
  return { data: await readStream(events, call.onPartial, signal), ...toldBy(response) };
}

/** Once its body has been read, where it is no stream. */
function toldBy(response: Response): Omit<Received, 'data'> {
  return { status: response.status, headers: response.headers, resolve: wholeOf(response)?.resolve ?? asItIs };
}

type Success = Omit<Received, 'data'> & { readonly requestId: string | undefined };

const asItIs = (text: string): string => text;

async function readSuccess(call: ProviderCall, body: unknown, success: Success, circumstances: Circumstances): Promise<ProviderReply> {
  const { status, headers, requestId, resolve } = success;
  const failed = (failure: ReturnType<typeof failureOf>): ProviderReply => ({ kind: 'failed', failure, requestId });
  const reply = readOpenAIReply(body);
  switch (reply.kind) {
    case 'images':
      return deliver(call, { pictures: reply.pictures.map(resolve), usage: reply.usage, requestId, status, isCompressed: true });
    case 'error':
      return failed(openaiFailure({ status, headers, error: reply.error, fallbackMessage: 'an error came as a success' }, circumstances));
    case 'empty':
      return failed(
        failureOf(empty(reply.usage && reply.usage.imageOutTokens > 0 ? 'yes' : 'possibly'), { message: reply.reason, status }),
      );
    case 'unreadable':
      return failed(failureOf(unreadable('possibly'), { message: reply.reason, status }));
  }
}

function brokenOff({ status, requestId }: Success): ProviderReply {
  return { kind: 'failed', failure: failureOf(CONNECTION_LOST, { message: 'the stream ended without its picture', status }), requestId };
}

/** An error event of a stream came after the status, so the SDK gives it none; it is an error under status 200. */
const STREAM_STATUS = 200;

/** What the server answered, when the exception is about an answer; undefined when the connection broke. */
function answerIn(error: APIError): OpenAIError | undefined {
  if (error.headers === undefined) return undefined;
  return {
    status: error.status ?? STREAM_STATUS,
    headers: error.headers,
    error: error.error,
    fallbackMessage: error.message.replace(/^\d{3} /, ''),
  };
}

/** Resellers built on new-api name theirs `x-oneapi-request-id`. */
function requestIdIn(headers: { get(name: string): string | null }): string | undefined {
  return headers.get('x-request-id') ?? headers.get('x-oneapi-request-id') ?? undefined;
}
