// A provider that says its lines: a real HTTP server on loopback that gives one scripted answer to every request and
// remembers what it was asked. It knows no protocol; the true shapes are in the tests that use it.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export type Script =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: Record<string, string>; readonly body: string }
  /** Destroys the socket before a byte was sent. */
  | { readonly kind: 'reset-early' }
  /** Announces the body in full, sends half, destroys the socket. */
  | { readonly kind: 'reset-midway'; readonly body: string }
  /** Sends headers and half the body, then falls silent. */
  | { readonly kind: 'stall'; readonly body: string }
  /** Sends the events of a stream one by one, then ends it as told; `hang` leaves it open. */
  | {
      readonly kind: 'stream';
      readonly events: readonly string[];
      readonly end: 'finish' | 'reset' | 'hang';
      readonly headers?: Record<string, string>;
    }
  /** Accepts and never answers. */
  | { readonly kind: 'hang' };

export type Heard = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The parts of a multipart body, in their order. */
  form(): Promise<readonly (readonly [name: string, value: string | File])[]>;
  /** Settles when the client's connection is gone. */
  readonly connectionClosed: Promise<void>;
};

export type ScriptedServer = {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** The next request, once it has arrived in full and before it is answered. */
  nextRequest(): Promise<Heard>;
  play(script: Script): void;
  close(): Promise<void>;
};

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Script {
  return { kind: 'answer', status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

export function html(
  status: number,
  body = '<html><head><title>502 Bad Gateway</title></head><body>error code: 502</body></html>',
): Script {
  return { kind: 'answer', status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body };
}

export async function startScriptedServer(onRequest: () => void = () => undefined): Promise<ScriptedServer> {
  const heard: Heard[] = [];
  let script: Script = { kind: 'hang' };
  const closes = new WeakMap<Socket, Promise<void>>();
  const closeOf = (socket: Socket): Promise<void> => {
    const close = closes.get(socket) ?? new Promise<void>((resolve) => socket.once('close', () => resolve()));
    closes.set(socket, close);
    return close;
  };
  let waiting: ((request: Heard) => void)[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const entry: Heard = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      form: async () => [
        ...(await new Response(Buffer.concat(chunks), { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData()),
      ],
      connectionClosed: closeOf(request.socket),
    };
    heard.push(entry);
    for (const resolve of waiting) resolve(entry);
    waiting = [];
    onRequest();
    perform(script, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    play: (next) => {
      script = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function perform(script: Script, response: ServerResponse): void {
  switch (script.kind) {
    case 'answer':
      response.writeHead(script.status, script.headers).end(script.body);
      return;
    case 'reset-early':
      response.socket?.destroy();
      return;
    case 'reset-midway':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(script.body.length) });
      response.write(script.body.slice(0, script.body.length / 2), () => response.socket?.destroy());
      return;
    case 'stall':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(script.body.length) });
      response.write(script.body.slice(0, script.body.length / 2));
      return;
    case 'stream':
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...script.headers });
      for (const event of script.events) response.write(event);
      if (script.end === 'finish') response.end();
      if (script.end === 'reset') response.write(': \n', () => response.socket?.destroy());
      return;
    case 'hang':
      return;
  }
}

/** One server-sent event, named after its type as OpenAI does. */
export function event(data: { readonly type: string } & Record<string, unknown>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** An address nobody listens at: a port that was just given back. */
export async function closedAddress(): Promise<string> {
  const server = await startScriptedServer();
  await server.close();
  return server.url;
}
