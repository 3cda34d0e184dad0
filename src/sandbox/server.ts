// The socket: one HTTP server on loopback for all faces. It reads bodies, routes, and knows nothing of images. Its own
// timeouts are off: when a call is cut is a provider's decision, made by a course, never by this server.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Answer } from './call.ts';
import { controlAnswer } from './control.ts';
import { answerAtDoor, type Exchange, requestIdFor, serveGenerate } from './exchange.ts';
import { type Destination, destinationOf } from './faces/destination.ts';
import * as googleErrors from './faces/google-errors.ts';
import { refuseKey } from './faces/keys.ts';
import { modelsAnswer } from './faces/models.ts';
import { moderationsAnswer } from './faces/moderations.ts';
import * as openaiErrors from './faces/openai-errors.ts';
import { send } from './send.ts';
import { elapsedMs, type World } from './world.ts';

/** Gemini's documented limit of an inline request; OpenAI's JSON bodies are far smaller. */
const MAX_BODY_BYTES = 20 * 1024 * 1024;
/** Sixteen references of 8 MB. The vendor's 16 x 50 MB would let one request take the sandbox's memory. */
const MAX_EDIT_BYTES = 128 * 1024 * 1024;
/** Only loopback: a stand-in without secrets must not be reachable from a network. */
const HOST = '127.0.0.1';

export function createSandboxServer(world: World): Server {
  const used = new WeakSet<Socket>();
  const server = createServer((request, response) => {
    const onUsedConnection = used.has(request.socket);
    used.add(request.socket);
    world.inFlight += 1;
    response.once('close', () => {
      world.inFlight -= 1;
    });
    response.on('error', () => undefined);
    handle(world, request, response, onUsedConnection).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  server.timeout = 0;
  server.headersTimeout = 60_000;
  server.keepAliveTimeout = 75_000;
  return server;
}

/** Resolves with the port once the server listens. */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Stops listening and destroys every connection. */
export function unlisten(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function handle(world: World, request: IncomingMessage, response: ServerResponse, onUsedConnection: boolean): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${HOST}`);
  const destination = destinationOf(request.method ?? 'GET', url.pathname);
  const edits = destination.kind === 'generate' && destination.protocol === 'openai' && destination.operation === 'edit';
  const body = await readBody(request, edits ? MAX_EDIT_BYTES : MAX_BODY_BYTES);
  if (body === 'gone') return;
  if (destination.kind === 'control') {
    const bytes = body === 'too-large' ? Buffer.alloc(0) : body;
    send(world, response, controlAnswer(world, destination.resource, request, bytes), {}, { kind: 'whole' }, false);
    return;
  }
  const exchange = exchangeOf(world, destination, request, response, onUsedConnection);
  const { face } = exchange;
  const key = { face, headers: request.headers, query: url.searchParams, apiKey: world.settings.apiKey };
  const refusal = destination.kind === 'unknown' ? unknownAnswer(exchange, url.pathname) : refuseKey(key);
  if (refusal) return answerAtDoor(exchange, refusal);
  if (body === 'too-large')
    return answerAtDoor(
      exchange,
      exchange.google
        ? googleErrors.invalidArgument('Request payload size exceeds the limit: 20971520 bytes.')
        : openaiErrors.bodyTooLarge(),
    );
  if (destination.kind === 'generate') return serveGenerate(exchange, destination, body);
  if (destination.kind === 'moderations') return answerAtDoor(exchange, moderationsAnswer(body, exchange.requestId));
  if (destination.kind === 'models')
    answerAtDoor(exchange, modelsAnswer(world.catalogue, destination.protocol, destination.version, destination.model));
}

function exchangeOf(
  world: World,
  destination: Exclude<Destination, { kind: 'control' }>,
  request: IncomingMessage,
  response: ServerResponse,
  onUsedConnection: boolean,
): Exchange {
  const { face } = destination;
  return {
    world,
    request,
    response,
    face,
    google: destination.kind === 'unknown' ? face === 'google' : destination.protocol === 'google',
    requestId: requestIdFor(world, face),
    arrivedMs: elapsedMs(world),
    onUsedConnection,
  };
}

function unknownAnswer(exchange: Exchange, path: string): Answer {
  if (exchange.face === 'google') return googleErrors.unknownPage(path);
  return openaiErrors.unknownUrl(exchange.request.method ?? 'GET', path.replace(/^\/(?:openai|agg)/, ''));
}

function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | 'too-large' | 'gone'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
    });
    request.once('end', () => resolve(length > maxBytes ? 'too-large' : Buffer.concat(chunks)));
    request.once('error', () => resolve('gone'));
    request.once('close', () => resolve('gone'));
  });
}
