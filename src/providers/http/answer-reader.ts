// Reads one HTTP/1.1 answer out of bytes as they come, in whatever pieces they come. A body of announced length may be put
// by the kernel where it is to lie (`space`), so that megabytes are never moved; every other byte is handed on as it is read.
import { type AnswerHead, NotHttp, parseHead } from './answer-head.ts';

/** What becomes of the body of an answer. */
export interface AnswerBody {
  /** Where the next bytes of a body of announced length go, as many as are still to come; undefined: to `push`. */
  space(): Buffer | undefined;
  /** So many bytes were put there. */
  filled(bytes: number): void;
  /** The chunk is overwritten after this returns. */
  push(chunk: Buffer): void;
  end(): void;
}

/** node's own limit for heads; lines of a chunked body and its trailers are bound by it as well. */
const MOST_HEAD_BYTES = 16_384;
const END_OF_HEAD = '\r\n\r\n';
const CHUNK_LINE = /^([\da-f]{1,8})[ \t]*(?:;.*)?$/i;

/** `head` and `data` count what is still to come; the others are lines, or the end of them. */
type State = 'head' | 'data' | 'until-close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'done';

export class AnswerReader {
  readonly #method: string;
  readonly #open: (head: AnswerHead) => AnswerBody;
  #state: State = 'head';
  #head: AnswerHead | undefined;
  #body: AnswerBody | undefined;
  /** The beginning of a head or a line whose end is still to come. */
  #text = '';
  /** Bytes of the body, or of its current chunk, still to come. */
  #left = 0;
  #hasSurplus = false;

  /** `open` is told of the answer as soon as its head is complete. */
  constructor(method: string, open: (head: AnswerHead) => AnswerBody) {
    this.#method = method;
    this.#open = open;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** How long the connection may wait for another call once this answer is done; 0: it is of no more use. */
  get reusableMs(): number {
    return this.isDone && !this.#hasSurplus ? (this.#head?.reusableMs ?? 0) : 0;
  }

  /** Where to put the next bytes, to be told by `filled`; undefined: they are to be handed to `read`. */
  space(): Buffer | undefined {
    return this.#state === 'data' ? this.#body?.space() : undefined;
  }

  filled(bytes: number): void {
    this.#body?.filled(bytes);
    this.#left -= bytes;
    if (this.#left === 0) this.#finish();
  }

  /** Throws NotHttp, and whatever its body throws; it is not to be used after that. */
  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') at = this.#step(bytes, at);
    if (at < bytes.length) this.#hasSurplus = true;
  }

  /** The server closed the connection. Returns whether the answer is complete by that. */
  close(): boolean {
    if (this.#state === 'until-close') this.#finish();
    return this.isDone;
  }

  /** Takes some bytes from `at` on and returns where the rest begins. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes, at);
      case 'data':
      case 'chunk-data':
        return this.#takeData(bytes, at);
      case 'until-close':
        this.#body?.push(bytes.subarray(at));
        return bytes.length;
      case 'chunk-size':
      case 'chunk-end':
      case 'trailers':
        return this.#takeLine(bytes, at);
      case 'done':
        return bytes.length;
    }
  }

  #takeHead(bytes: Buffer, at: number): number {
    const before = this.#text.length;
    const text = this.#text + bytes.toString('latin1', at, Math.min(bytes.length, at + MOST_HEAD_BYTES));
    const end = text.indexOf(END_OF_HEAD);
    if (end === -1) {
      if (text.length >= MOST_HEAD_BYTES) throw new NotHttp('the head of the answer is too long');
      this.#text = text;
      return bytes.length;
    }
    this.#text = '';
    this.#begin(parseHead(text.slice(0, end), this.#method));
    return at + end + END_OF_HEAD.length - before;
  }

  #begin(head: AnswerHead): void {
    const { status, framing } = head;
    if (status === 101) throw new NotHttp('the server speaks another protocol from here on');
    // 103 and its kind announce an answer; they are none.
    if (status < 200) return;
    this.#head = head;
    this.#body = this.#open(head);
    if (framing.kind === 'close') this.#state = 'until-close';
    else if (framing.kind === 'chunked') this.#state = 'chunk-size';
    else if (framing.bytes === 0) this.#finish();
    else {
      this.#left = framing.bytes;
      this.#state = 'data';
    }
  }

  #takeData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#body?.push(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#left > 0) return end;
    if (this.#state === 'data') this.#finish();
    else this.#state = 'chunk-end';
    return end;
  }

  #takeLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LINE_FEED, at);
    const text = this.#text + bytes.toString('latin1', at, end === -1 ? bytes.length : end);
    if (text.length > MOST_HEAD_BYTES) throw new NotHttp('a line between chunks is too long');
    this.#text = text;
    if (end === -1) return bytes.length;
    if (!text.endsWith('\r')) throw new NotHttp('a line between chunks does not end like one');
    this.#text = '';
    this.#heedLine(text.slice(0, -1));
    return end + 1;
  }

  #heedLine(line: string): void {
    if (this.#state === 'trailers') {
      // What a server says after the body is nobody's business, but it must end.
      this.#left += line.length;
      if (this.#left > MOST_HEAD_BYTES) throw new NotHttp('the trailers of the answer are too long');
      if (line === '') this.#finish();
      return;
    }
    if (this.#state === 'chunk-end') {
      if (line !== '') throw new NotHttp('a chunk is longer than it said');
      this.#state = 'chunk-size';
      return;
    }
    const size = CHUNK_LINE.exec(line)?.[1];
    if (size === undefined) throw new NotHttp('a chunk has no size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
  }

  #finish(): void {
    this.#state = 'done';
    this.#body?.end();
  }
}

const LINE_FEED = 0x0a;
