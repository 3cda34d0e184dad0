// How bytes travel: a `fetch` for the official SDKs over undici's dispatcher, patient, strict and lean. Patient, because
// undici gives up on a silent server after 300 s (openai-node#2153) while gpt-image-2 high takes longer; deadlines are the
// router's business, not the socket's. Strict, because a redirected POST would carry prompt and key to an address nobody
// configured. Lean, because Node's own fetch costs more than everything else in a call (five times the processor time of
// the dispatcher below it on a small answer, twice on a large one; `npm run bench` shows the whole).
// Sockets belong to the wire: they are kept between calls, and closed with it.
import type { Dispatcher } from 'undici';
import { type Body, bodyFor } from './wire-response.ts';

export type Wire = {
  /** What an SDK takes for `fetch`: method, headers, body and signal are heeded, nothing is added, no redirect is followed. */
  fetch(url: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Ends every socket; calls in flight fail. */
  close(): Promise<void>;
};

export type WireOptions = {
  /** An HTTP proxy to go through; undefined: straight to the provider. */
  readonly proxyUrl: string | undefined;
  /** Which headers may leave; undefined: all that the SDK sets. */
  readonly mayLeave?: (header: string) => boolean;
};

/** Without an answer from the network for so long, in real milliseconds, there is nobody: undici's own default. */
const CONNECT_TIMEOUT_MS = 10_000;
/** HTTP/2 stays off, as in Node's own fetch: one broken connection would take every call with it. */
const CONNECTIONS = { allowH2: false, connect: { timeout: CONNECT_TIMEOUT_MS } } as const;
/** Zero means none. */
const PATIENCE = { headersTimeout: 0, bodyTimeout: 0 } as const;

/** Loads undici on first use. Opens no socket. */
export async function openWire({ proxyUrl, mayLeave = () => true }: WireOptions): Promise<Wire> {
  const { Agent, ProxyAgent } = await import('undici');
  const dispatcher: Dispatcher = proxyUrl === undefined ? new Agent(CONNECTIONS) : new ProxyAgent({ uri: proxyUrl, ...CONNECTIONS });
  const call: Wire['fetch'] = async (url, init = {}) => {
    const { origin, pathname, search } = new URL(url instanceof Request ? url.url : url);
    const { body, headers } = await encoded(init, mayLeave);
    return new Promise((resolve, reject) => {
      const options = { ...PATIENCE, origin, path: pathname + search, method: init.method ?? 'GET', headers, body };
      dispatcher.dispatch(options, new Exchange(init.signal ?? undefined, resolve, reject));
    });
  };
  // Before its first upload the OpenAI SDK asks which Response is ours; untold, it would fetch a data: URL to see one.
  return { fetch: Object.assign(call, { Response }), close: () => dispatcher.destroy() };
}

type Encoded = { readonly body: string | Uint8Array | null; readonly headers: Record<string, string> };

/** SDKs send JSON as text and uploads as forms; a form is written out whole, so that its length is known. */
async function encoded({ body, headers: given }: RequestInit, mayLeave: (header: string) => boolean): Promise<Encoded> {
  const headers: Record<string, string> = {};
  for (const [name, value] of given instanceof Headers ? given : new Headers(given)) if (mayLeave(name)) headers[name] = value;
  if (body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array) return { body: body ?? null, headers };
  const form = new Response(body);
  const type = form.headers.get('content-type');
  return { body: await form.bytes(), headers: type === null ? headers : { ...headers, 'content-type': type } };
}

/** One call on the wire: what undici tells of it, as the promise and the body that `fetch` speaks of. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #body: Body | undefined;

  constructor(signal: AbortSignal | undefined, resolve: (response: Response) => void, reject: (error: unknown) => void) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A call that undici puts on another connection starts again.
    this.#controller = controller;
    if (this.#signal?.aborted) this.#abort();
    else this.#signal?.addEventListener('abort', this.#abort);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Parameters<typeof bodyFor>[1]): void {
    // 103 and its kind announce an answer; they are none.
    if (status < 200) return;
    this.#body = bodyFor(status, headers, controller);
    this.#resolve(this.#body.response);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.push(chunk);
  }

  onResponseEnd(): void {
    this.#unlink();
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#unlink();
    if (this.#body === undefined) this.#reject(error);
    else this.#body.fail(error);
  }

  readonly #abort = (): void => this.#controller?.abort(new DOMException('This operation was aborted', 'AbortError'));

  #unlink(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
  }
}

/** The headers an official SDK sends of its own accord; anything else came from the environment. */
const OWN_HEADERS = /^(?:accept|authorization|content-type|user-agent|x-stainless-.*)$/;

/** Keeps out what the configuration did not ask for: the OpenAI SDK adds whatever OPENAI_CUSTOM_HEADERS holds. */
export function isOwnHeader(name: string): boolean {
  return OWN_HEADERS.test(name);
}
