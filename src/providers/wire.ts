// How bytes travel: the built-in fetch, patient and strict. Patient, because undici gives up on a silent server after
// 300 s (openai-node#2153) while gpt-image-2 high takes longer; deadlines are the router's business, not the socket's.
// Strict, because a redirected POST would carry prompt and key to an address nobody configured.
// Requests go through the process's global dispatcher, so a proxy or certificate set there still works. It also means
// that idle sockets are its own: it closes them after 4 s and they never keep a process alive.

type Dispatcher = { dispatch(options: object, handler: object): boolean };

/** Where Node keeps the dispatcher of its own fetch; a documented contract of undici. */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');

/** Delegates to the global dispatcher, with undici's own limits on headers and body lifted (0 means none). */
const patientDispatcher: Dispatcher = {
  dispatch: (options, handler) => globalDispatcher().dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler),
};

function globalDispatcher(): Dispatcher {
  // Node loads undici lazily; touching Headers installs the dispatcher.
  if (Reflect.get(globalThis, GLOBAL_DISPATCHER) === undefined) new Headers();
  const dispatcher: unknown = Reflect.get(globalThis, GLOBAL_DISPATCHER);
  if (!isDispatcher(dispatcher)) throw new Error('This Node has no undici dispatcher behind fetch; version 24 or later is needed.');
  return dispatcher;
}

function isDispatcher(value: unknown): value is Dispatcher {
  return typeof value === 'object' && value !== null && 'dispatch' in value && typeof value.dispatch === 'function';
}

/** `fetch` without the 300 s limits; an answer that redirects is returned as it is. */
export function patientFetch(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  return fetch(url, Object.assign({ ...init }, { dispatcher: patientDispatcher, redirect: 'manual' as const }));
}

/** The headers an official SDK sends of its own accord; anything else came from the environment. */
const OWN_HEADERS = /^(?:accept|authorization|content-type|user-agent|x-stainless-.*)$/;

/** Drops headers the configuration did not ask for: the OpenAI SDK adds whatever OPENAI_CUSTOM_HEADERS holds. */
export function ownHeadersOnly(init: RequestInit = {}): RequestInit {
  const headers = new Headers();
  for (const [name, value] of new Headers(init.headers)) if (OWN_HEADERS.test(name)) headers.append(name, value);
  return { ...init, headers };
}

/** What a server answered, as far as it came. */
export type Answer = { readonly status: number; readonly headers: Headers; readonly body: string | undefined };

/**
 * `patientFetch` that shows each answer to `onAnswer`: once when its headers arrive, again when its reader has read the
 * body, as text or JSON. For an SDK whose errors lose the status, the headers, or fields of the body.
 */
export function observedFetch(onAnswer: (answer: Answer) => void): typeof patientFetch {
  return async (url, init) => {
    const response = await patientFetch(url, init);
    const { status, headers } = response;
    onAnswer({ status, headers, body: undefined });
    return withObservedBody(response, (body) => onAnswer({ status, headers, body }));
  };
}

/** The same response. A body of megabytes is read and decoded once: copying it into a second response took milliseconds. */
function withObservedBody(response: Response, onBody: (body: string) => void): Response {
  const read = response.text.bind(response);
  const text = async (): Promise<string> => {
    const body = await read();
    onBody(body);
    return body;
  };
  const json = async (): Promise<unknown> => JSON.parse(await text());
  return Object.assign(response, { text, json });
}
