// An answer as SDKs expect it, a Response, over bytes that are read once. What is no stream is collected whole, and its
// text is the answer with its payloads cut out (see payloads.ts); a stream is handed on as it comes, at its reader's pace.
import { Readable } from 'node:stream';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { type CutJson, cutPayloads } from './payloads.ts';

/** Ten pictures of 8 megapixels as base64 in PNG; whoever sends more sends no pictures. */
const MOST_BODY_BYTES = 256 * 1024 * 1024;

type RawHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What carries the body of one answer from the socket to its reader. */
export interface Body {
  readonly response: Response;
  push(chunk: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

export function bodyFor(status: number, raw: RawHeaders, controller: Dispatcher.DispatchController): Body {
  const headers = headersOf(raw);
  // Response knows no other numbers; a server that sends one of them is as good as a broken gateway.
  const init = { status: status >= 200 && status <= 599 ? status : 520, headers };
  return isEventStream(headers) ? new Streamed(init, controller) : new Collector(init, controller);
}

/** A relay that does not stream answers with plain JSON. */
export function isEventStream(headers: Headers): boolean {
  return /^\s*text\/event-stream\b/i.test(headers.get('content-type') ?? '');
}

function headersOf(raw: RawHeaders): Headers {
  const headers = new Headers();
  for (const name in raw) {
    const value = raw[name];
    if (typeof value === 'string') headers.append(name, value);
    else for (const one of value ?? []) headers.append(name, one);
  }
  return headers;
}

type Init = { readonly status: number; readonly headers: Headers };

/** What arrived whole, by its response. Not a subclass: naming Response when this is loaded would load fetch with it. */
const wholes = new WeakMap<Response, CutJson>();

/** The answer without its payloads, once all of it has arrived; undefined before, and for a stream. */
export function wholeOf(response: Response | undefined): CutJson | undefined {
  return response === undefined ? undefined : wholes.get(response);
}

/** A Response whose body is one buffer. `text` and `json` see marks in place of payloads. */
function collected(init: Init, body: Promise<Buffer>): Response {
  const response = new Response(null, init);
  const whole = body.then((bytes) => {
    const cut = cutPayloads(bytes);
    wholes.set(response, cut);
    return cut;
  });
  // Whoever reads the body hears of its failure; nobody is obliged to read it.
  whole.catch(() => undefined);
  const text = async (): Promise<string> => (await whole).text;
  const json = async (): Promise<unknown> => JSON.parse(await text());
  return Object.assign(response, { text, json });
}

/** Puts chunks into one buffer: of the announced length where there is one, so that nothing is copied twice. */
class Collector implements Body {
  readonly response: Response;
  readonly #controller: Dispatcher.DispatchController;
  readonly #encoding: string;
  readonly #announced: number;
  readonly #body = Promise.withResolvers<Buffer>();
  #target: Buffer | undefined;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(init: Init, controller: Dispatcher.DispatchController) {
    this.#controller = controller;
    this.#encoding = (init.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
    this.#announced = Number(init.headers.get('content-length') ?? Number.NaN);
    this.response = collected(init, this.#body.promise);
  }

  push(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > MOST_BODY_BYTES) {
      this.#controller.abort(tooLong());
      return;
    }
    if (this.#announced > chunk.length && this.#announced <= MOST_BODY_BYTES) {
      this.#target ??= Buffer.allocUnsafeSlow(this.#announced);
      chunk.copy(this.#target, this.#length - chunk.length);
    } else this.#chunks.push(chunk);
  }

  end(): void {
    const [only] = this.#chunks;
    const whole = this.#target ?? (only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks));
    this.#chunks = [];
    this.#body.resolve(this.#encoding === 'identity' ? whole.subarray(0, this.#length) : decoded(whole, this.#encoding));
  }

  fail(error: Error): void {
    this.#chunks = [];
    this.#body.reject(error);
  }
}

const LIMIT = { maxOutputLength: MOST_BODY_BYTES };
type Decoder = (bytes: Buffer, options: typeof LIMIT, done: (error: Error | null, decoded: Buffer) => void) => void;
const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', gunzip],
  ['deflate', inflate],
  ['br', brotliDecompress],
]);

/** Nobody asked for compression; a relay that compresses all the same is understood. */
function decoded(bytes: Buffer, encoding: string): Promise<Buffer> {
  const decode = DECODERS.get(encoding);
  if (decode === undefined) return Promise.reject(new SyntaxError(`the answer is encoded as ${encoding.slice(0, 20)}`));
  return new Promise((resolve, reject) => decode(bytes, LIMIT, (error, whole) => (error === null ? resolve(whole) : reject(error))));
}

/** Handed on at the reader's pace. A reader who leaves closes the connection. */
class Streamed implements Body {
  readonly response: Response;
  readonly #controller: Dispatcher.DispatchController;
  readonly #readable: Readable;

  constructor(init: Init, controller: Dispatcher.DispatchController) {
    this.#controller = controller;
    this.#readable = new Readable({
      read: () => controller.resume(),
      destroy: (error, done) => {
        if (!this.#readable.readableEnded) controller.abort(error ?? new DOMException('nobody reads on', 'AbortError'));
        done(error);
      },
    });
    this.response = new Response(Readable.toWeb(this.#readable), init);
  }

  push(chunk: Buffer): void {
    if (!this.#readable.push(chunk)) this.#controller.pause();
  }

  end(): void {
    this.#readable.push(null);
  }

  fail(error: Error): void {
    this.#readable.destroy(error);
  }
}

function tooLong(): Error {
  return Object.assign(new Error(`the answer is longer than ${MOST_BODY_BYTES} bytes`), { code: 'ERR_ANSWER_TOO_LONG' });
}
