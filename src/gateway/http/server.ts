// The socket: node:http with limits on everything a stranger may send slowly, in excess or not at all, and an orderly end.
// A waiting request costs no timer: slow headers and bodies are the server's own limits, checked for all connections at
// once.
import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Ids } from '../../system/ids.ts';
import { hostInUrl } from '../../system/network/loopback-host.ts';
import { nextTurn } from '../../system/turn.ts';
import type { GatewayApp } from './app.ts';
import { FreshConnections } from './fresh-connections.ts';
import type { HttpLimits } from './parts.ts';
import { answerUnparsable, unreadableRequest } from './unparsable.ts';

export type ListenOptions = { readonly host: string; readonly port: number; readonly limits: HttpLimits; readonly ids: Ids };

export type RunningServer = {
  /** `http://127.0.0.1:8787`; where it listens on all addresses, the one by which this machine reaches it. */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no new connections and no new work, waits up to `withinMs` real milliseconds for what runs, then gives that up
   * (it answers 503 and records its spend), and closes. Resolves when nothing is left.
   */
  drain(withinMs: number): Promise<void>;
};

/** Proxies usually keep idle connections for 60 s: who closes first loses a request that was just sent. */
const KEEP_ALIVE_MS = 75_000;
/**
 * Connections the kernel may hold while the event loop is busy, as far as `somaxconn` lets it. Node's 511 are one busy tenth
 * of a second of a burst; whoever comes after that believes to be connected, and is cut off minutes later.
 */
const BACKLOG = 16_384;
/** How often slow senders are looked for: often enough that a limit of seconds means seconds. */
const SLOW_CHECK_MS = 1_000;
/** What a request that was sent as a drain began gets to be heard. */
const FIRST_WORDS_MS = 200;
/** What answers given up at the end of a drain get to reach their callers. */
const LAST_WORDS_MS = 1_000;

/** Rejects when it cannot listen. */
export async function startServer(app: GatewayApp, { host, port, limits, ids }: ListenOptions): Promise<RunningServer> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: () => unreadableRequest(ids) });
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs,
      connectionsCheckingInterval: SLOW_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: limits.headerBytes,
      // Refused below like any target that makes no URL: node's own 400 says nothing.
      requireHostHeader: false,
      // One answer's pieces leave together; waiting for more would only delay them.
      noDelay: true,
    },
    (request, response) => {
      fresh.used(request.socket);
      void listener(request, response);
    },
  );
  const fresh = new FreshConnections(server);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerUnparsable(error, socket, limits, ids));
  const boundPort = await listen(server, host, port);
  return {
    url: `http://${hostInUrl(host)}:${boundPort}`,
    port: boundPort,
    drain: (withinMs) => drain({ server, fresh, app }, withinMs),
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

type Running = {
  readonly server: Server;
  readonly fresh: FreshConnections;
  readonly app: GatewayApp;
};

async function drain({ server, fresh, app }: Running, withinMs: number): Promise<void> {
  app.beginDrain();
  // A stream whose headers are out could not say `connection: close`: its connection ends with it all the same.
  server.keepAliveTimeout = 1;
  server.keepAliveTimeoutBuffer = 0;
  // Takes no more connections and closes idle ones; answers on the others say `connection: close`.
  const closed = new Promise<void>((resolve) => {
    // node:http's own close does the same, and looks after slow senders no longer: one of them could hold up all of it.
    NetServer.prototype.close.call(server, () => resolve());
    server.closeIdleConnections();
  });
  // Ends the looking, which is nobody's business any more.
  void closed.then(() => server.close());
  void closeSilent(fresh, closed);
  if (await within(Promise.all([closed, app.idle()]), withinMs)) return;
  app.abortAll();
  await app.idle();
  if (!(await within(closed, LAST_WORDS_MS))) server.closeAllConnections();
  await closed;
}

/** Connections opened in advance are let go of at once, not only when the time for their headers is over. */
async function closeSilent(fresh: FreshConnections, closed: Promise<void>): Promise<void> {
  if (await within(closed, FIRST_WORDS_MS)) return;
  // What has arrived meanwhile is read first, however late this turn is.
  await nextTurn();
  await nextTurn();
  fresh.closeSilent();
}

/** Whether `work` ended in time. */
async function within(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timeout = AbortSignal.timeout(Math.max(0, limitMs));
  const late = new Promise<false>((resolve) => {
    timeout.addEventListener('abort', () => resolve(false), { once: true });
  });
  return Promise.race([work.then(() => true), late]);
}
