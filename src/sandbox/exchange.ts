// One image request from arrival to its end: read, admit, decide the course, let it happen, keep the books. A caller who
// leaves changes nothing for the model: it goes on, and the work is billed and written down as orphaned.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ZERO_USD } from '../domain/money.ts';
import type { Usage } from '../domain/price.ts';
import type { Size } from '../domain/size.ts';
import type { Answer, Face, ImageCall, Reading } from './call.ts';
import { jsonAnswer } from './call.ts';
import { decideCourse } from './decide.ts';
import * as aggregator from './faces/aggregator.ts';
import type { Destination } from './faces/destination.ts';
import type { EncodedPicture } from './faces/google-bodies.ts';
import * as googleErrors from './faces/google-errors.ts';
import { readGoogleCall } from './faces/google-request.ts';
import { faceHeaders } from './faces/headers.ts';
import * as openaiErrors from './faces/openai-errors.ts';
import { readOpenaiCall } from './faces/openai-request.ts';
import { successBody } from './faces/success.ts';
import type { Ledger } from './ledger.ts';
import { billOf, usageOf } from './model/billing.ts';
import type { Taking } from './model/bucket.ts';
import type { Course, Transport } from './model/course.ts';
import { type DrawKey, hex, streamFor, uniform } from './model/draws.ts';
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
};

/** Answers at the door come back in 50 to 300 ms of world time. */
const DOOR_MS = [50, 300] as const;
const WHOLE: Transport = { kind: 'whole' };

export function serveGenerate(exchange: Exchange, destination: GenerateDestination, body: Buffer): void {
  const { world } = exchange;
  const reading = read(exchange, destination, body);
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
  follow(exchange, call, key, decideCourse(world, call, key, exchange.requestId), taking);
}

function read(exchange: Exchange, destination: GenerateDestination, bytes: Buffer): Reading {
  const { world, face } = exchange;
  const body = parsedJson(bytes);
  if (body === undefined) {
    const answer =
      destination.protocol === 'openai'
        ? openaiErrors.unreadableBody()
        : googleErrors.invalidArgument('Invalid JSON payload received. Unexpected end of string.');
    return { kind: 'invalid', answer };
  }
  const model = destination.protocol === 'google' ? destination.model : modelIn(body.value);
  if (face === 'aggregator' && world.catalogue.routesOf(destination.protocol, model).length === 0) {
    const known = destination.protocol === 'openai' && world.catalogue.routesOf('google', model).length > 0;
    return { kind: 'invalid', answer: known ? aggregator.wrongProtocol() : aggregator.noChannel(model) };
  }
  if (destination.protocol === 'openai') return readOpenaiCall(body.value, face, world.catalogue);
  const header = exchange.request.headers['x-server-timeout'];
  const serverTimeout = typeof header === 'string' ? header : undefined;
  return readGoogleCall({ body: body.value, face, model, version: destination.version, serverTimeout }, world.catalogue);
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
  const random = streamFor({ seed: exchange.world.settings.seed, question: exchange.requestId, occurrence: 0 }, 'door');
  exchange.world.timers.after(uniform(random, ...DOOR_MS), () => reply(exchange, answer, WHOLE, taking));
}

/** Lets the course happen. */
function follow(exchange: Exchange, call: ImageCall, key: DrawKey, course: Course, taking: Taking | undefined): void {
  const { world, response, requestId } = exchange;
  const { ledger } = world.memory;
  const usage = usageOf(call, key);
  const pictures = course.ending.kind === 'pictures' ? paint(world, call, course) : undefined;
  if (course.reachesModel) ledger.open(openRow(exchange, call, course));
  let goneAtMs: number | undefined;
  let ended = false;
  response.once('close', () => {
    // A socket this server destroyed is not a caller who left.
    const cutHere = ended && (course.ending.kind === 'cut' || course.transport.kind === 'reset');
    if (response.writableFinished || cutHere) return;
    goneAtMs = elapsedMs(world);
    ledger.update(requestId, { clientGoneAtMs: goneAtMs });
  });
  world.timers.after(course.delayMs, () => {
    const finish = (drawn: readonly EncodedPicture[]): void => {
      if (course.reachesModel) ledger.update(requestId, settlement(world, call, course, usage, goneAtMs !== undefined));
      ended = true;
      const bytesOut = end(exchange, call, course, usage, drawn, taking);
      ledger.update(requestId, { bytesOut });
    };
    if (pictures === undefined) finish([]);
    else pictures.then(finish, () => unpainted(exchange, ledger));
  });
}

/** The painter failed: to the caller the connection breaks, and the books say so. */
function unpainted({ world, response, requestId }: Exchange, ledger: Ledger): void {
  ledger.update(requestId, { finishedMs: elapsedMs(world), outcome: 'lost' });
  response.destroy();
}

function openRow(exchange: Exchange, call: ImageCall, course: Course) {
  return {
    id: exchange.requestId,
    face: call.face,
    model: call.model,
    quality: call.quality,
    size: call.size,
    n: call.n,
    arrivedMs: exchange.arrivedMs,
    finishedMs: undefined,
    generationMs: course.delayMs,
    bytesOut: 0,
    clientGoneAtMs: undefined,
    outcome: 'generating',
    fault: course.fault,
    billed: ZERO_USD,
    orphaned: false,
  } as const;
}

function settlement(world: World, call: ImageCall, course: Course, usage: Usage, gone: boolean) {
  const orphaned = gone && course.billed;
  return {
    finishedMs: elapsedMs(world),
    outcome: orphaned ? 'lost' : course.outcome,
    billed: course.billed ? billOf(call, usage) : ZERO_USD,
    orphaned,
  } as const;
}

/** Starts at arrival, so that drawing overlaps the latency. */
function paint(world: World, call: ImageCall, course: Course): Promise<readonly EncodedPicture[]> {
  const wrong = course.ending.kind === 'pictures' && course.ending.alterations.includes('wrong-size');
  const size = wrong ? otherSize(call.size) : call.size;
  const drawing = Promise.all(Array.from({ length: call.n }, (_, index) => world.pictures.picture(call, index, size)));
  // The failure is met when the course ends; until then it must not be called unhandled.
  drawing.catch(() => undefined);
  return drawing;
}

function otherSize(size: Size): Size {
  return { width: Math.max(16, Math.round(size.width / 32) * 16), height: Math.max(16, Math.round((size.height * 0.6) / 16) * 16) };
}

function end(
  exchange: Exchange,
  call: ImageCall,
  course: Course,
  usage: Usage,
  pictures: readonly EncodedPicture[],
  taking: Taking | undefined,
): number {
  const { world, response, requestId } = exchange;
  switch (course.ending.kind) {
    case 'silence':
      return 0;
    case 'cut':
      response.socket?.resetAndDestroy();
      return 0;
    case 'answer':
      return reply(exchange, course.ending.answer, course.transport, taking);
    case 'pictures': {
      const createdSeconds = Math.floor(world.clock.wall().getTime() / 1_000);
      const body = successBody({ call, requestId, createdSeconds, usage, pictures, alterations: course.ending.alterations });
      return reply(exchange, jsonAnswer(200, body), course.transport, taking);
    }
  }
}

function reply(exchange: Exchange, answer: Answer, transport: Transport, taking: Taking | undefined): number {
  const { world, face, requestId, google } = exchange;
  const limit = world.settings.imagesPerMinute[face];
  const headers = faceHeaders({ face, requestId, elapsedMs: elapsedMs(world) - exchange.arrivedMs, limit, taking });
  const outer = face === 'aggregator' ? aggregator.relayed(answer, requestId) : answer;
  return send({ clock: world.clock, timers: world.timers }, exchange.response, outer, headers, transport, google);
}

/** Ids look like the face's own and are the same in every run with the same seed and order. */
export function requestIdFor(world: World, face: Face): string {
  world.requests += 1;
  const random = streamFor({ seed: world.settings.seed, question: face, occurrence: world.requests }, 'request-id');
  if (face === 'openai') return `req_${hex(random, 32)}`;
  if (face === 'google') return hex(random, 22);
  return `${world.clock.wall().toISOString().replaceAll(/\D/g, '').slice(0, 14)}${hex(random, 14)}`;
}
