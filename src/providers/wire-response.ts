// An answer as SDKs expect it, a Response, over bytes that are read once. What is no stream is collected whole, and its
// text is the answer with its payloads cut out (see payloads.ts); a stream is handed on as it comes, at its reader's pace.
import { Readable } from 'node:stream';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { AnswerHead } from './http/answer-head.ts';
import type { AnswerBody } from './http/answer-reader.ts';
import { type CutJson, cutPayloads } from './payloads.ts';
import { giveBackMemory, takeMemory } from './picture-memory.ts';

/** Ten pictures of 8 megapixels as base64 in PNG; whoever sends more sends no pictures. */
const MOST_BODY_BYTES = 256 * 1024 * 1024;

/** What a body may do to the connection it comes on. */
export interface Flow {
  pause(): void;
  resume(): void;
  abort(error: Error): void;
}

/** What carries the body of one answer from the socket to its reader. */
export interface Body extends AnswerBody {
  fail(error: Error): void;
}

/** The answer as an SDK expects it, told as soon as its head is there. */
export function respond({ status, headers: raw }: AnswerHead, flow: Flow, told: (response: Response) => void): Body {
  const headers = new Headers();
  for (const [name, value] of raw) headers.append(name, value);
  const init = { status: knownStatus(status), headers };
  if (isEventStream(headers)) {
    const body = new Streamed(init, flow);
    told(body.response);
    return body;
  }
  const body = new Collector(headers);
  told(collected(init, body.whole));
  return body;
}

/** An answer that arrived whole. */
export type WholeAnswer = { readonly status: number; readonly headers: AnswerHeaders; readonly json: CutJson };

/** The answer without a Response around it, told once all of it is there. */
export function collect({ status, headers: lines }: AnswerHead, told: (answer: WholeAnswer) => void, fail: (error: unknown) => void): Body {
  const headers = new AnswerHeaders(lines);
  const body = new Collector(headers);
  body.whole.then((bytes) => told({ status: knownStatus(status), headers, json: cutPayloads(bytes) })).catch(fail);
  return body;
}

/** As they came: a Headers object checks, sorts and joins what is hardly ever read. */
export class AnswerHeaders {
  readonly lines: AnswerHead['headers'];

  constructor(lines: AnswerHead['headers']) {
    this.lines = lines;
  }

  /** `wanted` in lower case. Several lines are one list. */
  get(wanted: string): string | null {
    let found: string | null = null;
    for (const [name, value] of this.lines) if (name === wanted) found = found === null ? value : `${found}, ${value}`;
    return found;
  }
}

/** Response knows no other numbers; a server that sends one of them is as good as a broken gateway. */
function knownStatus(status: number): number {
  return status >= 200 && status <= 599 ? status : 520;
}

/** A relay that does not stream answers with plain JSON. */
export function isEventStream(headers: Headers): boolean {
  return /^\s*text\/event-stream\b/i.test(headers.get('content-type') ?? '');
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

/** Puts everything into one buffer: of the announced length where there is one, so that the socket can write to it itself. */
class Collector implements Body {
  /** May come compressed, and is told decoded. */
  readonly whole: Promise<Buffer>;
  readonly #encoding: string;
  readonly #announced: number;
  readonly #body = Promise.withResolvers<Buffer>();
  #target: Buffer = NOTHING;
  #length = 0;

  constructor(headers: { get(name: string): string | null }) {
    this.#encoding = (headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
    this.#announced = Number(headers.get('content-length') ?? 0);
    this.whole = this.#body.promise;
  }

  space(): Buffer {
    this.#makeRoom(this.#announced - this.#length);
    return this.#target.subarray(this.#length, this.#announced);
  }

  filled(bytes: number): void {
    this.#length += bytes;
  }

  push(chunk: Buffer): void {
    this.#makeRoom(chunk.length);
    chunk.copy(this.#target, this.#length);
    this.#length += chunk.length;
  }

  end(): void {
    const whole = this.#target.subarray(0, this.#length);
    this.#body.resolve(this.#encoding === 'identity' ? whole : decoded(whole, this.#encoding));
  }

  fail(error: Error): void {
    this.#body.reject(error);
  }

  /** Throws when the answer is longer than any. */
  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed > MOST_BODY_BYTES) throw tooLong();
    if (needed <= this.#target.length) return;
    const larger = takeMemory(Math.min(MOST_BODY_BYTES, Math.max(needed, this.#announced, 2 * this.#target.length)));
    this.#target.copy(larger, 0, 0, this.#length);
    giveBackMemory(this.#target);
    this.#target = larger;
  }
}

const NOTHING = Buffer.alloc(0);
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
  readonly #flow: Flow;
  readonly #readable: Readable;

  constructor(init: Init, flow: Flow) {
    this.#flow = flow;
    this.#readable = new Readable({
      read: () => flow.resume(),
      destroy: (error, done) => {
        if (!this.#readable.readableEnded) flow.abort(error ?? new DOMException('nobody reads on', 'AbortError'));
        done(error);
      },
    });
    this.response = new Response(Readable.toWeb(this.#readable), init);
  }

  space(): undefined {
    return undefined;
  }

  filled(): void {}

  push(chunk: Buffer): void {
    if (!this.#readable.push(Buffer.from(chunk))) this.#flow.pause();
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
