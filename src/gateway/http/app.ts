// The gateway as a function from Request to Response. Every request takes the same few steps, in an order that spends
// nothing on those who may not ask: id, path and method, drain and overload, key and scope, then the endpoint. They are one
// function rather than a chain of middleware, because a chain keeps a frame of each link while a render takes minutes.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { LOOPBACK } from '../gatekeeper.ts';
import type { Principal } from '../ports.ts';
import { type Bindings, Call } from './call.ts';
import type { Endpoint } from './endpoint.ts';
import { explain } from './endpoints/explain.ts';
import { generations } from './endpoints/generations.ts';
import { model, models } from './endpoints/models.ts';
import { livez, metrics, readyz } from './endpoints/probes.ts';
import { routes } from './endpoints/routes.ts';
import { traces } from './endpoints/traces.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { refuseWhenFull } from './image-admission.ts';
import { refuseForeignPage } from './loopback.ts';
import { nothingHere } from './nothing-here.ts';
import { fromDenial, shuttingDown } from './openai/errors.ts';
import type { GatewayParts } from './parts.ts';
import { Refusal } from './refusal.ts';
import { refuse } from './refuse.ts';
import { sendAnswer } from './send.ts';

export type { GatewayParts } from './parts.ts';

/** In the order people are told of them. */
export const ENDPOINTS: readonly Endpoint[] = [generations, explain, models, model, routes, traces, metrics, livez, readyz];

type AppContext = Context<{ Bindings: Bindings }>;

export type GatewayLoad = {
  /** Image requests that run, and callers who wait for one. */
  readonly running: number;
  readonly callers: number;
  readonly heldBytes: number;
};

export type GatewayApp = {
  readonly fetch: Hono<{ Bindings: Bindings }>['fetch'];
  /** For tests: asks without a socket. */
  readonly request: Hono<{ Bindings: Bindings }>['request'];
  /** From now on image requests are answered with 503, also if `parts.isDraining` does not say so. */
  beginDrain(): void;
  /** Gives up every image request that runs; each answers 503 and records what it spent. */
  abortAll(): void;
  /** How much is going on now. */
  load(): GatewayLoad;
  /** Resolves once no image request runs and every record of one is on disk. */
  idle(): Promise<void>;
};

export function createApp(parts: GatewayParts, more: readonly Endpoint[] = []): GatewayApp {
  let isDraining = false;
  const drainListeners = new Set<() => void>();
  const whenDraining = (listener: () => void): (() => void) => {
    drainListeners.add(listener);
    return () => drainListeners.delete(listener);
  };
  const gateway = createGateway({ ...parts, isDraining: () => isDraining || parts.isDraining() }, whenDraining);
  const endpoints = [...ENDPOINTS, ...more];
  const app = new Hono<{ Bindings: Bindings }>({ strict: false });
  for (const path of new Set(endpoints.map((endpoint) => endpoint.path))) {
    const here = endpoints.filter((endpoint) => endpoint.path === path);
    app.all(path, (context) => answer(gateway, context, path, here));
  }
  app.notFound((context) => answerUnknown(gateway, context, endpoints));
  return {
    fetch: app.fetch,
    request: app.request,
    beginDrain: () => {
      isDraining = true;
      for (const tell of drainListeners) tell();
    },
    abortAll: () => gateway.work.abortAll(),
    load: () => ({ running: gateway.work.size, callers: gateway.work.callers, heldBytes: gateway.held.bytes }),
    idle: () => gateway.work.idle(),
  };
}

/**
 * With a socket the reply goes there directly, so whoever called is told at once that it is taken care of: all that hono and
 * its server keep for a request that is not answered yet is let go of.
 */
function answer(gateway: Gateway, context: AppContext, path: string, here: readonly Endpoint[]): Response | Promise<Response> {
  const call = openCall(gateway, context, path);
  const replied = reply(call, here);
  return call.outgoing === undefined ? replied : RESPONSE_ALREADY_SENT;
}

/** Never rejects. */
async function reply(call: Call, here: readonly Endpoint[]): Promise<Response> {
  try {
    const endpoint = chooseMethod(call, here);
    if (endpoint === undefined) return allowed(call, here);
    await admitCaller(call, endpoint);
    return closeCall(call, await endpoint.handle(call));
  } catch (error) {
    return closeCall(call, refuse(call, error));
  }
}

function answerUnknown(gateway: Gateway, context: AppContext, endpoints: readonly Endpoint[]): Response {
  const call = openCall(gateway, context, 'unknown');
  return closeCall(call, refuse(call, nothingHere(new URL(call.request.url).pathname, endpoints)));
}

function openCall(gateway: Gateway, context: AppContext, path: string): Call {
  const pathId = path.includes(':id') ? context.req.param('id') : undefined;
  const pathIndex = path.includes(':index') ? context.req.param('index') : undefined;
  const call = new Call(gateway, context.req.raw, context.env, { endpoint: path, pathId, pathIndex, tellEnd });
  gateway.observer.http({ kind: 'request-start', id: call.id, method: call.method, endpoint: path });
  return call;
}

/** Without a socket nobody else says that a reply which is complete already has ended. */
function closeCall(call: Call, response: Response): Response {
  if (call.outgoing === undefined && response.body === null) call.end();
  return response;
}

/** Status of a request whose caller left before there was an answer; nginx's. */
const CALLER_LEFT = 499;

function tellEnd(call: Call): void {
  call.gateway.observer.http({
    kind: 'request-end',
    id: call.id,
    method: call.method,
    endpoint: call.endpoint,
    status: call.status ?? CALLER_LEFT,
    ms: call.elapsedMs,
    principal: call.isAuthenticated ? call.principal.id : undefined,
    bytes: call.bytes,
    ...traceparentOf(call),
    ...call.facts,
  });
}

function traceparentOf(call: Call): { readonly traceparent?: string } {
  const traceparent = call.headers.get('traceparent');
  return traceparent === null ? {} : { traceparent };
}

/** Undefined for OPTIONS, which asks for the methods. Throws Refusal 405. */
function chooseMethod(call: Call, here: readonly Endpoint[]): Endpoint | undefined {
  if (call.method === 'OPTIONS') return undefined;
  const asked = call.method === 'HEAD' ? 'GET' : call.method;
  const endpoint = here.find(({ method }) => method === asked);
  if (endpoint !== undefined) return endpoint;
  const allow = allowHeader(here);
  const message = `${call.endpoint} does not take this method. It takes: ${allow}.`;
  throw new Refusal({ status: 405, code: 'method_not_allowed', message, headers: { allow } });
}

/** Browsers' preflights get no permission here: other sites' pages may not spend a user's key. */
function allowed(call: Call, here: readonly Endpoint[]): Response {
  const headers = { allow: allowHeader(here) };
  return closeCall(call, sendAnswer(call, { status: 204, headers, body: [], facts: {} }));
}

function allowHeader(here: readonly Endpoint[]): string {
  return here.map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ');
}

async function admitCaller(call: Call, { scope, makesImages, linkHolder }: Endpoint): Promise<void> {
  const { gateway } = call;
  if (scope === undefined) return;
  const holder = linkHolder?.(call);
  if (holder !== undefined) return admitted(call, holder);
  // While it drains the gateway can still be looked at, but nothing new is begun.
  if (gateway.isDraining() && call.method !== 'GET' && call.method !== 'HEAD') throw shuttingDown();
  if (makesImages === true) {
    refuseWhenFull(gateway);
    await gateway.turns.enter();
  }
  const caller = await gateway.gatekeeper.authenticate(call.headers);
  if ('status' in caller) throw fromDenial(caller, gateway);
  if (caller.id === LOOPBACK.id) refuseForeignPage(call.request);
  admitted(call, caller);
  if (caller.scopes.includes(scope) || (scope === 'read' && caller.scopes.includes('images'))) return;
  const message = `This key has no scope "${scope}"; it has: ${caller.scopes.join(', ')}.`;
  throw new Refusal({ status: 403, code: 'insufficient_scope', message });
}

function admitted(call: Call, caller: Principal): void {
  call.principal = caller;
  call.isAuthenticated = true;
}
