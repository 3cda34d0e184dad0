// OpenAI's image API through its official SDK, and nothing else of that SDK: its retries, timeout, log and environment
// variables are all switched off, because retrying, deadlines and configuration are the router's own.
import type OpenAI from 'openai';
import type { APIError } from 'openai';
import type { Endpoint } from '../domain/endpoint.ts';
import { formatSize } from '../domain/size.ts';
import { type AdapterOptions, createAdapter, type Moment, type Session } from './adapter.ts';
import { deliver } from './delivery.ts';
import { type OpenAIError, openaiFailure } from './openai-failures.ts';
import { readOpenAIReply } from './openai-reply.ts';
import type { Provider, ProviderCall, ProviderReply } from './provider.ts';
import { empty, failureOf, unreadable } from './verdicts.ts';
import { ownHeadersOnly, patientFetch } from './wire.ts';
import type { Circumstances } from './wire-error.ts';

/** The longest delay a timer takes (24 days): in effect none. Zero would mean an instant timeout. */
const NO_TIMEOUT_MS = 2_147_483_647;

export function createOpenAIProvider(options: AdapterOptions): Provider {
  return createAdapter('openai', options, openSession);
}

/** An open client, and the class by which its SDK tells answers from broken connections. */
type Sdk = { readonly client: OpenAI; readonly isAnswer: (error: unknown) => error is APIError };

async function openSession(endpoint: Endpoint): Promise<Session> {
  const { default: OpenAI, APIError } = await import('openai');
  const client = new OpenAI({
    apiKey: endpoint.apiKey,
    baseURL: endpoint.baseUrl,
    // Each of these would otherwise be read from an OPENAI_* variable.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    // OPENAI_CUSTOM_HEADERS could replace the key; named here, it cannot. `ownHeadersOnly` drops the others.
    defaultHeaders: { authorization: `Bearer ${endpoint.apiKey}` },
    fetch: (url, init) => patientFetch(url, ownHeadersOnly(init)),
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
  });
  const sdk: Sdk = { client, isAnswer: (error) => error instanceof APIError };
  return { generate: (call, moment) => generate(sdk, endpoint, call, moment) };
}

async function generate(sdk: Sdk, endpoint: Endpoint, call: ProviderCall, moment: Moment): Promise<ProviderReply> {
  const request = sdk.client.images.generate(bodyOf(endpoint, call), { signal: moment.signal });
  const circumstances = (): Circumstances => ({
    secrets: { apiKey: endpoint.apiKey, prompt: call.prompt },
    elapsedMs: moment.elapsedMs(),
    wallMs: moment.wallMs(),
  });
  try {
    const { data, response } = await request.withResponse();
    const success = { status: response.status, headers: response.headers, requestId: requestIdIn(response.headers) };
    return await readSuccess(call, data, success, circumstances());
  } catch (error) {
    const told = sdk.isAnswer(error) ? answerIn(error) : undefined;
    if (told === undefined) throw error;
    return { kind: 'failed', failure: openaiFailure(told, circumstances()), requestId: requestIdIn(told.headers) };
  }
}

function bodyOf(endpoint: Endpoint, call: ProviderCall): OpenAI.Images.ImageGenerateParamsNonStreaming {
  const { quality } = call.route.settings;
  const isCompressible = call.format !== 'png';
  return {
    model: endpoint.models?.[call.route.id] ?? call.route.model,
    prompt: call.prompt,
    n: call.n,
    size: formatSize(call.size.size),
    ...(quality === undefined ? {} : { quality }),
    background: call.background,
    output_format: call.format,
    ...(isCompressible && call.compression !== undefined ? { output_compression: call.compression } : {}),
    ...(call.endUser === undefined ? {} : { safety_identifier: call.endUser }),
  };
}

type Success = { readonly status: number; readonly headers: Headers; readonly requestId: string | undefined };

async function readSuccess(call: ProviderCall, body: unknown, success: Success, circumstances: Circumstances): Promise<ProviderReply> {
  const { status, headers, requestId } = success;
  const failed = (failure: ReturnType<typeof failureOf>): ProviderReply => ({ kind: 'failed', failure, requestId });
  const reply = readOpenAIReply(body);
  switch (reply.kind) {
    case 'images':
      return deliver(call, { pictures: reply.pictures, usage: reply.usage, requestId, status, isCompressed: true });
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

/** What the server answered, when the exception is about an answer; undefined when the connection broke. */
function answerIn(error: APIError): OpenAIError | undefined {
  if (error.status === undefined || error.headers === undefined) return undefined;
  return { status: error.status, headers: error.headers, error: error.error, fallbackMessage: error.message.replace(/^\d{3} /, '') };
}

/** Resellers built on new-api name theirs `x-oneapi-request-id`. */
function requestIdIn(headers: { get(name: string): string | null }): string | undefined {
  return headers.get('x-request-id') ?? headers.get('x-oneapi-request-id') ?? undefined;
}
