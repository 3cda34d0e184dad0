// One image request from the socket to its admission: read, check, take from the allowance. What happens to it from there
// on is follow.ts. A request that never becomes a call is answered here, at the door.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, type Arrival, type Face, type ImageCall, invalid, type Reading } from './call.ts';
import { decideCourse } from './decide.ts';
import * as aggregator from './faces/aggregator.ts';
import type { Destination } from './faces/destination.ts';
import * as googleErrors from './faces/google-errors.ts';
import { readGoogleCall } from './faces/google-request.ts';
import { faceHeaders } from './faces/headers.ts';
import { readForm } from './faces/multipart.ts';
import * as openaiErrors from './faces/openai-errors.ts';
import { parametersInForm, picturesInBody, picturesInForm } from './faces/openai-inputs.ts';
import { type OpenaiRequest, readOpenaiCall } from './faces/openai-request.ts';
import { follow } from './follow.ts';
import type { Taking } from './model/bucket.ts';
import type { Transport } from './model/course.ts';
import { hex, streamFor, uniform } from './model/draws.ts';
import { send } from './send.ts';
import { drawKeyOf, elapsedMs, takeAllowance, type World } from './world.ts';

export type GenerateDestination = Extract<Destination, { kind: 'generate' }>;

export type Exchange = {
  readonly world: World;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly face: Face;
  readonly google: boolean;
  readonly requestId: string;
  readonly arrivedMs: number;
  /** Whether its connection had carried a request before. */
  readonly onUsedConnection: boolean;
};

/** Answers at the door come back in 50 to 300 ms of world time. */
const DOOR_MS = [50, 300] as const;
const WHOLE: Transport = { kind: 'whole' };

export async function serveGenerate(exchange: Exchange, destination: GenerateDestination, body: Buffer): Promise<void> {
  const { world } = exchange;
  const reading = await read(exchange, destination, body);
  if (reading.kind === 'invalid') {
    answerAtDoor(exchange, reading.answer);
    return;
  }
  const { call } = reading;
  const taking = takeAllowance(world, call);
  if (taking !== undefined && !taking.granted) {
    answerAtDoor(exchange, limited(world, call, taking), taking);
    return;
  }
  const key = drawKeyOf(world, call);
  const course = decideCourse(world, call, key, exchange.requestId);
  follow({
    ...exchange,
    call,
    key,
    course,
    headers: () => headersOf(exchange, taking),
    reply: (answer) => reply(exchange, answer, course.transport, taking),
  });
}

async function read(exchange: Exchange, destination: GenerateDestination, bytes: Buffer): Promise<Reading> {
  const { world, face, onUsedConnection } = exchange;
  const arrival: Arrival = { face, onUsedConnection };
  if (destination.protocol === 'openai') {
    const request = await openaiRequest(exchange, destination.operation, bytes);
    if ('status' in request) return invalid(request);
    return missingChannel(exchange, 'openai', modelIn(request.value)) ?? readOpenaiCall(request, arrival, world.catalogue);
  }
  const { model, version, streamed } = destination;
  const body = parsedJson(bytes);
  if (body === undefined) return invalid(googleErrors.invalidArgument('Invalid JSON payload received. Unexpected end of string.'));
  const header = exchange.request.headers['x-server-timeout'];
  const serverTimeout = typeof header === 'string' ? header : undefined;
  const request = { body: body.value, arrival, model, version, serverTimeout, streamed };
  return missingChannel(exchange, 'google', model) ?? readGoogleCall(request, world.catalogue);
}

async function openaiRequest(exchange: Exchange, operation: 'generate' | 'edit', bytes: Buffer): Promise<OpenaiRequest | Answer> {
  const contentType = exchange.request.headers['content-type'] ?? '';
  if (operation === 'edit' && !contentType.startsWith('application/json')) {
    const form = contentType.startsWith('multipart/form-data') ? await readForm(contentType, bytes) : undefined;
    return form === undefined
      ? openaiErrors.unsupportedContentType(contentType)
      : { value: parametersInForm(form), pictures: picturesInForm(form) };
  }
  const body = parsedJson(bytes);
  if (body === undefined) return openaiErrors.unreadableBody();
  return { value: body.value, pictures: operation === 'edit' ? picturesInBody(body.value) : undefined };
}

/** What the aggregator says about a model nobody behind it has. */
function missingChannel({ world, face }: Exchange, protocol: 'openai' | 'google', model: string): Reading | undefined {
  if (face !== 'aggregator' || world.catalogue.routesOf(protocol, model).length > 0) return undefined;
  const known = protocol === 'openai' && world.catalogue.routesOf('google', model).length > 0;
  return invalid(known ? aggregator.wrongProtocol() : aggregator.noChannel(model));
}

function parsedJson(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return undefined;
  }
}

function modelIn(body: unknown): string {
  return typeof body === 'object' && body !== null && 'model' in body ? String(body.model) : '';
}

function limited(world: World, call: ImageCall, taking: Taking): Answer {
  const limit = world.settings.imagesPerMinute[call.face];
  const retrySeconds = taking.waitMs / 1_000;
  if (call.protocol === 'google') return googleErrors.exhausted({ model: call.model, per: 'Minute', limit, retrySeconds });
  const headers = Number.isFinite(retrySeconds)
    ? { 'retry-after': String(Math.ceil(retrySeconds)), 'retry-after-ms': String(Math.ceil(taking.waitMs)) }
    : {};
  return openaiErrors.rateLimited({ model: call.model, limit, requested: call.n, retrySeconds }, headers);
}

/** Answers a request that never becomes a call. */
export function answerAtDoor(exchange: Exchange, answer: Answer, taking?: Taking): void {
  const { world, requestId } = exchange;
  const random = streamFor({ seed: world.settings.seed, question: requestId, occurrence: 0 }, 'door');
  const delayMs = world.settings.latency === 'none' ? 0 : uniform(random, ...DOOR_MS);
  world.timers.after(delayMs, () => reply(exchange, answer, WHOLE, taking));
}

function reply(exchange: Exchange, answer: Answer, transport: Transport, taking: Taking | undefined): number {
  const { world, face, requestId, google, response } = exchange;
  const outer = face === 'aggregator' ? aggregator.relayed(answer, requestId) : answer;
  return send(world, response, outer, headersOf(exchange, taking), transport, google);
}

function headersOf(exchange: Exchange, taking: Taking | undefined): Readonly<Record<string, string>> {
  const { world, face, requestId, arrivedMs } = exchange;
  const limit = world.settings.imagesPerMinute[face];
  return faceHeaders({ face, requestId, elapsedMs: elapsedMs(world) - arrivedMs, limit, taking });
}

/** Ids look like the face's own and are the same in every run with the same seed and order. */
export function requestIdFor(world: World, face: Face): string {
  world.requests += 1;
  const random = streamFor({ seed: world.settings.seed, question: face, occurrence: world.requests }, 'request-id');
  if (face === 'openai') return `req_${hex(random, 32)}`;
  if (face === 'google') return hex(random, 22);
  return `${world.clock.wall().toISOString().replaceAll(/\D/g, '').slice(0, 14)}${hex(random, 14)}`;
}
