// One connection to a provider, for one call at a time. Bytes are read into memory that is there already: a body of
// announced length straight to where it is to lie, everything else into one buffer that all connections share, because
// what is in it has been dealt with when the next read begins. Node's own streams would allocate 64 kB for every read, and
// collecting those was a third of what a large picture cost. While a call runs nothing limits its time but its signal;
// the socket's own timer bounds connecting, and how long an idle connection is kept.
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { AnswerHead } from './answer-head.ts';
import { type AnswerBody, AnswerReader } from './answer-reader.ts';

/** `servername`: whose certificate is expected; undefined: plain HTTP. */
export type Destination = {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
  /** Of an earlier connection, which saves half of the handshake. */
  readonly session: Buffer | undefined;
  readonly servername: string;
};

export type Message = {
  /** With the empty line that ends it; Latin-1. */
  readonly head: string;
  readonly body: string | Uint8Array | null;
};

/** A request, and who hears of its answer: `fail` at most once, and never after the body has ended. */
export interface Call {
  readonly method: string;
  /** What is to be written, once: from then on nobody holds it. */
  takeMessage(): Message;
  open(head: AnswerHead): AnswerBody;
  fail(error: Error): void;
}

/** Who keeps connections. */
export interface Keeper {
  /** Its call has ended and it can take another one. */
  idle(connection: Connection): void;
  gone(connection: Connection): void;
  session(session: Buffer): void;
}

/** Nothing of the call has left: no connection came about. */
class NotConnected extends Error {
  readonly code = 'ERR_NOT_CONNECTED';
}

/** Without an answer from the network for so long, in real milliseconds, there is nobody. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Renders are silent for minutes: middleboxes that forget silent connections sooner are reminded of them. */
const KEEP_ALIVE_MS = 60_000;

const ASCII = /^[\t\r\n\x20-\x7e]*$/;

/** As large as what node would read at most at a time. */
const SHARED = Buffer.allocUnsafeSlow(65_536);

export class Connection {
  readonly #socket: Socket;
  readonly #keeper: Keeper;
  #call: Call | undefined;
  #reader: AnswerReader | undefined;
  #isOpen = false;
  #isPaused = false;

  constructor(destination: Destination, keeper: Keeper, first: Call) {
    this.#keeper = keeper;
    this.#call = first;
    this.#socket = connectTo(destination, {
      buffer: () => this.#reader?.space() ?? SHARED,
      callback: (bytes, buffer) => this.#take(bytes, buffer),
    });
    this.#socket
      .setTimeout(CONNECT_TIMEOUT_MS)
      .on('timeout', () => this.#giveUp(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)))
      .on(destination.isSecure ? 'secureConnect' : 'connect', () => this.#opened())
      .on('session', (session) => keeper.session(session))
      .on('error', (error) => this.#giveUp(error))
      .on('end', () => this.#closed())
      .on('close', () => this.#closed());
  }

  /** Only while idle. */
  send(call: Call): void {
    this.#call = call;
    this.#socket.setTimeout(0).ref();
    this.#write(call);
  }

  /** Ends the call, if one runs, and the connection. */
  close(error: Error): void {
    this.#giveUp(error);
  }

  /** A call has no say any more once its answer is complete: then the connection may be another's. */
  abort(call: Call, error: Error): void {
    if (call === this.#call) this.#giveUp(error);
  }

  /** The reader of a stream cannot follow. */
  pause(call: Call): void {
    if (call === this.#call) this.#isPaused = true;
  }

  resume(call: Call): void {
    if (call === this.#call) this.#readOn();
  }

  #readOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #opened(): void {
    this.#isOpen = true;
    this.#socket.setTimeout(0);
    if (this.#call !== undefined) this.#write(this.#call);
  }

  #write(call: Call): void {
    this.#reader = new AnswerReader(call.method, (head) => call.open(head));
    const { head, body } = call.takeMessage();
    // Both leave in one packet; a head in ASCII is the same in UTF-8.
    if (typeof body === 'string' && ASCII.test(head)) {
      this.#socket.write(head + body);
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    if (body !== null) this.#socket.write(body);
    this.#socket.uncork();
  }

  /** Returns whether to read on. */
  #take(bytes: number, buffer: Uint8Array): boolean {
    const reader = this.#reader;
    try {
      // An idle server has nothing to say.
      if (reader === undefined) this.#giveUp(otherSideClosed());
      else if (buffer === SHARED) reader.read(SHARED.subarray(0, bytes));
      else reader.filled(bytes);
    } catch (error) {
      this.#giveUp(error instanceof Error ? error : new Error('the answer cannot be taken', { cause: error }));
    }
    // A body may have ended the connection.
    if (reader !== undefined && reader === this.#reader && reader.isDone) this.#finished(reader);
    return !this.#isPaused;
  }

  #finished(reader: AnswerReader): void {
    this.#call = undefined;
    this.#reader = undefined;
    this.#readOn();
    // A server that answered before it had read everything will not read the rest.
    if (reader.reusableMs === 0 || this.#socket.writableLength > 0) this.#end();
    else {
      this.#socket.setTimeout(reader.reusableMs).unref();
      this.#keeper.idle(this);
    }
  }

  #closed(): void {
    if (this.#reader?.close() === true) {
      this.#call = undefined;
      this.#end();
    } else this.#giveUp(otherSideClosed());
  }

  #giveUp(error: Error): void {
    const call = this.#call;
    this.#call = undefined;
    this.#end();
    call?.fail(this.#isOpen ? error : new NotConnected('no connection', { cause: error }));
  }

  #end(): void {
    this.#reader = undefined;
    this.#socket.destroy();
    this.#keeper.gone(this);
  }
}

type OnRead = { readonly buffer: () => Uint8Array; readonly callback: (bytes: number, buffer: Uint8Array) => boolean };

function connectTo({ host, port, isSecure, session, servername }: Destination, onread: OnRead): Socket {
  const options = { host, port, onread, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  if (!isSecure) return connectPlain(options);
  return connectSecure({ ...options, servername, ALPNProtocols: ['http/1.1'], ...(session === undefined ? {} : { session }) });
}

function otherSideClosed(): Error {
  return Object.assign(new Error('other side closed'), { code: 'ECONNRESET' });
}
