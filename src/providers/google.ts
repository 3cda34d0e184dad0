// Gemini's image models through Google's official SDK. What the SDK loses (status and headers of errors, finishMessage,
// the body behind a broken JSON) is watched on the wire; what it does unasked (second billed requests, server deadlines,
// reading the environment) is switched off.
import type { GenerateContentParameters, GoogleGenAI, Part } from '@google/genai';
import type { Endpoint } from '../domain/endpoint.ts';
import type { Image } from '../domain/image.ts';
import { type AdapterOptions, createAdapter, type Moment, type Session } from './adapter.ts';
import { deliver } from './delivery.ts';
import { isErrorBody, parseJson } from './google-error.ts';
import { googleFailure, imagelessFailure } from './google-failures.ts';
import { type GoogleReply, readGoogleReply } from './google-reply.ts';
import type { CutJson } from './payloads.ts';
import type { Provider, ProviderCall, ProviderReply } from './provider.ts';
import { failureOf, INVALID, unreadable } from './verdicts.ts';
import { openWire, type Wire } from './wire.ts';
import type { Circumstances } from './wire-error.ts';
import { wholeOf } from './wire-response.ts';

export function createGoogleProvider(options: AdapterOptions): Provider {
  return createAdapter({ kind: 'google', open: openSession, moderate: undefined }, options);
}

async function openSession(endpoint: Endpoint): Promise<Session> {
  const [{ GoogleGenAI }, wire] = await Promise.all([import('@google/genai'), openWire({ proxyUrl: endpoint.proxyUrl })]);
  const client = new GoogleGenAI({
    apiKey: endpoint.apiKey,
    // Each of these would otherwise be read from a GOOGLE_* variable. Without retryOptions nothing is retried, and
    // without a timeout no X-Server-Timeout is sent, which Google refuses below 10 s.
    vertexai: false,
    apiVersion: endpoint.apiVersion,
    httpOptions: { baseUrl: endpoint.baseUrl, apiVersion: endpoint.apiVersion },
  });
  return { generate: (call, moment) => generate(client, wire, endpoint, call, moment), close: wire.close };
}

async function generate(client: GoogleGenAI, wire: Wire, endpoint: Endpoint, call: ProviderCall, moment: Moment): Promise<ProviderReply> {
  const unfit = unfitFor(call);
  if (unfit !== undefined) return { kind: 'failed', failure: failureOf(INVALID, { message: unfit }), requestId: undefined };
  const circumstances = (): Circumstances => ({
    secrets: { apiKey: endpoint.apiKey, prompt: call.prompt },
    elapsedMs: moment.elapsedMs(),
    wallMs: moment.wallMs(),
  });
  let answer: Response | undefined;
  const fetch: Wire['fetch'] = async (url, init) => {
    answer = await wire.fetch(url, init);
    return answer;
  };
  // The SDK leaves its listener on the signal it was given: this one ends with the call.
  const own = AbortSignal.any([moment.signal]);
  try {
    const response = await client.models.generateContent(parametersOf(endpoint, call, own, fetch));
    return await readSuccess(call, readGoogleReply(response), toldIn(answer), circumstances());
  } catch (error) {
    if (toldIn(answer).whole === undefined) throw error;
    return readFailure(toldIn(answer), circumstances());
  }
}

/** Gemini draws one picture a call and knows no pixels and no mask. The planner knows this too; a custom route may not. */
function unfitFor(call: ProviderCall): string | undefined {
  if (call.n !== 1) return `n must be 1 for Gemini, got ${call.n}`;
  if (call.attachments.mask !== undefined) return 'Gemini takes no mask: say in the prompt which part to redraw';
  return call.size.kind === 'ratio' ? undefined : 'the size rule of a Gemini route must be of kind "ratios"';
}

function parametersOf(endpoint: Endpoint, call: ProviderCall, abortSignal: AbortSignal, fetch: Wire['fetch']): GenerateContentParameters {
  const imageConfig = call.size.kind === 'ratio' ? { aspectRatio: call.size.aspectRatio, imageSize: call.size.resolution } : {};
  return {
    model: endpoint.models?.[call.route.id] ?? call.route.model,
    contents: [{ role: 'user', parts: [{ text: call.prompt }, ...call.attachments.references.map(inlinePart)] }],
    config: {
      // Text stays allowed: it is the documented form, every relay takes it, and a refusal can then say why.
      responseModalities: ['TEXT', 'IMAGE'],
      imageConfig,
      automaticContinuation: false,
      abortSignal,
      httpOptions: { fetch },
    },
  };
}

/** References follow the prompt in the caller's order, which is how a prompt can speak of "the second picture". */
function inlinePart({ bytes, mediaType }: Image): Part {
  return { inlineData: { mimeType: mediaType, data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') } };
}

/** What the server answered, as far as it came: the SDK's errors lose the status, the headers and the body. */
type Told = { readonly status: number; readonly headers: Headers; readonly whole: CutJson | undefined };

function toldIn(answer: Response | undefined): Told {
  return { status: answer?.status ?? 200, headers: answer?.headers ?? new Headers(), whole: wholeOf(answer) };
}

async function readSuccess(
  call: ProviderCall,
  reply: GoogleReply | undefined,
  told: Told,
  circumstances: Circumstances,
): Promise<ProviderReply> {
  const requestId = reply?.responseId ?? requestIdIn(told.headers);
  if (reply?.picture !== undefined) {
    return deliver(call, {
      pictures: [resolvedIn(told, reply.picture)],
      usage: reply.usage,
      requestId,
      status: told.status,
      isCompressed: false,
    });
  }
  if (isErrorBody(textOf(told))) return readFailure(told, circumstances);
  const asSent = readGoogleReply(parseJson(textOf(told))) ?? reply;
  const failure = imagelessFailure(
    {
      finishReason: asSent?.finishReason,
      finishMessage: asSent?.finishMessage,
      blockReason: asSent?.blockReason,
      parts: asSent?.parts ?? 'none',
      drawnTokens: asSent?.drawnTokens ?? 0,
      isRelayed: told.headers.has('x-oneapi-request-id'),
    },
    told.status,
    circumstances,
  );
  return { kind: 'failed', failure, requestId };
}

function readFailure(told: Told, circumstances: Circumstances): ProviderReply {
  const isGarbled = told.status < 300 && !isErrorBody(textOf(told));
  const failure = isGarbled
    ? failureOf(unreadable('possibly'), { message: 'the answer is not the JSON it should be', status: told.status })
    : googleFailure({ ...told, text: textOf(told) }, circumstances);
  return { kind: 'failed', failure, requestId: requestIdIn(told.headers) };
}

const textOf = (told: Told): string => told.whole?.text ?? '';

/** A picture that was cut out of the answer is found again; one inside a text was not. */
function resolvedIn(told: Told, picture: string): string | Uint8Array {
  return told.whole?.resolve(picture) ?? picture;
}

function requestIdIn(headers: Headers): string | undefined {
  return headers.get('x-goog-request-id') ?? headers.get('x-request-id') ?? headers.get('x-oneapi-request-id') ?? undefined;
}
