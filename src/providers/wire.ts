// How bytes travel: a `fetch` for the official SDKs over connections of the router's own, patient, strict and lean. Patient,
// because fetch gives up on a silent server after 300 s (openai-node#2153) while gpt-image-2 high takes longer; deadlines
// are the router's business, not the socket's. Strict, because a redirected POST would carry prompt and key to an address
// nobody configured. Lean, because Node's own fetch costs more than everything else in a call, and any stream of chunks
// more than the check of the picture in them (docs/decisions/0006). Connections are kept between calls, and closed with
// the wire. Only through a proxy calls go by undici, which knows how to speak with proxies.
import { Connections } from './http/connections.ts';
import { Exchange, type Outgoing, type Recipient } from './http/exchange.ts';
import { collect, respond, type WholeAnswer } from './wire-response.ts';

export type Wire = {
  /** What an SDK takes for `fetch`: method, headers, body and signal are heeded, nothing is added, no redirect is followed. */
  fetch(url: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The same for a request that is complete and an answer that is no stream, without the objects of fetch around them. */
  post(url: URL, request: Outgoing, signal: AbortSignal): Promise<WholeAnswer>;
  /** Ends every socket; calls in flight fail. */
  close(): Promise<void>;
};

export type WireOptions = {
  /** An HTTP proxy to go through; undefined: straight to the provider. */
  readonly proxyUrl: string | undefined;
  /** Which headers may leave; undefined: all that the SDK sets. */
  readonly mayLeave?: (header: string) => boolean;
};

/** What brings calls to their servers. */
interface Carrier {
  send(url: URL, exchange: Exchange): void;
  close(): Promise<void>;
}

/** Loads undici where there is a proxy. Opens no socket. */
export async function openWire({ proxyUrl, mayLeave = () => true }: WireOptions): Promise<Wire> {
  const carrier = await (proxyUrl === undefined ? new Connections() : openProxied(proxyUrl));
  const send = (url: URL, request: Outgoing, signal: AbortSignal | undefined, recipient: Recipient): void => {
    const exchange = new Exchange(request, signal, recipient);
    if (!exchange.isAborted) carrier.send(url, exchange);
  };
  const call: Wire['fetch'] = async (url, init = {}) => {
    const request = { method: init.method ?? 'GET', ...(await encoded(init, mayLeave)) };
    const target = new URL(url instanceof Request ? url.url : url);
    return new Promise((resolve, fail) => {
      send(target, request, init.signal ?? undefined, { open: (head, flow) => respond(head, flow, resolve), fail });
    });
  };
  const post: Wire['post'] = (url, request, signal) => new Promise((resolve, fail) => send(url, request, signal, collector(resolve, fail)));
  // Before its first upload the OpenAI SDK asks which Response is ours; untold, it would fetch a data: URL to see one.
  return { fetch: Object.assign(call, { Response }), post, close: () => carrier.close() };
}

/** Made where it sees nothing of the request, which it would keep for the minutes it waits. */
function collector(resolve: (answer: WholeAnswer) => void, fail: (error: unknown) => void): Recipient {
  return { open: (head) => collect(head, resolve, fail), fail };
}

async function openProxied(proxyUrl: string): Promise<Carrier> {
  const { Proxied } = await import('./http/proxied.ts');
  return new Proxied(proxyUrl);
}

/** SDKs send JSON as text and uploads as forms; a form is written out whole, so that its length is known. */
async function encoded({ body, headers: given }: RequestInit, mayLeave: (header: string) => boolean): Promise<Omit<Outgoing, 'method'>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of given instanceof Headers ? given : new Headers(given)) if (mayLeave(name)) headers[name] = value;
  if (body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array) return { body: body ?? null, headers };
  const form = new Response(body);
  const type = form.headers.get('content-type');
  return { body: await form.bytes(), headers: type === null ? headers : { ...headers, 'content-type': type } };
}

/** The headers an official SDK sends of its own accord; anything else came from the environment. */
const OWN_HEADERS = /^(?:accept|authorization|content-type|user-agent|x-stainless-.*)$/;

/** Keeps out what the configuration did not ask for: the OpenAI SDK adds whatever OPENAI_CUSTOM_HEADERS holds. */
export function isOwnHeader(name: string): boolean {
  return OWN_HEADERS.test(name);
}
