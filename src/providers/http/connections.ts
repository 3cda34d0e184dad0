// The connections of one wire: a call takes the one that became idle last, or a new one. How many there are at once is
// the lanes' decision, which bound the calls; those nobody uses close themselves after some seconds.
import { isIP } from 'node:net';
import type { Flow } from '../wire-response.ts';
import type { AnswerHead } from './answer-head.ts';
import type { AnswerBody } from './answer-reader.ts';
import { type Call, Connection, type Keeper, type Message } from './connection.ts';
import type { Exchange, Outgoing } from './exchange.ts';

export class Connections {
  readonly #open = new Set<Connection>();
  readonly #places = new Map<string, Place>();
  #isClosed = false;

  /** Throws TypeError for a header that is none, and once the wire is closed. */
  send(url: URL, exchange: Exchange): void {
    if (this.#isClosed) throw new TypeError('the wire is closed');
    const call = new Sent(url, exchange);
    call.connection = this.#carry(url, call);
    exchange.carriedBy(call);
  }

  #carry({ protocol, hostname, port, origin }: URL, call: Call): Connection {
    const place = this.#places.get(origin) ?? new Place(this.#open);
    this.#places.set(origin, place);
    const idle = place.take();
    if (idle !== undefined) {
      idle.send(call);
      return idle;
    }
    const isSecure = protocol === 'https:';
    const host = hostname.replace(/^\[|\]$/g, '');
    const servername = isIP(host) === 0 ? host : '';
    const destination = { host, port: Number(port) || (isSecure ? 443 : 80), isSecure, servername, session: place.lastSession };
    const connection = new Connection(destination, place, call);
    this.#open.add(connection);
    return connection;
  }

  /** Calls in flight fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of [...this.#open]) connection.close(new Error('the wire is closed'));
  }
}

/** What is known of one origin. */
class Place implements Keeper {
  readonly #open: Set<Connection>;
  readonly #idle: Connection[] = [];
  lastSession: Buffer | undefined;

  constructor(open: Set<Connection>) {
    this.#open = open;
  }

  take(): Connection | undefined {
    return this.#idle.pop();
  }

  idle(connection: Connection): void {
    this.#idle.push(connection);
  }

  gone(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }

  session(session: Buffer): void {
    this.lastSession = session;
  }
}

/** An exchange as a connection sees it, and the connection as the exchange does. */
class Sent implements Call, Flow {
  readonly method: string;
  connection: Connection | undefined;
  #message: Message | undefined;
  readonly #exchange: Exchange;

  constructor(url: URL, exchange: Exchange) {
    const request = exchange.takeRequest();
    this.#exchange = exchange;
    this.method = request.method;
    this.#message = { head: headOf(url, request), body: request.body };
  }

  takeMessage(): Message {
    const message = this.#message;
    if (message === undefined) throw new Error('invariant: a call is written once');
    this.#message = undefined;
    return message;
  }

  open(head: AnswerHead): AnswerBody {
    return this.#exchange.open(head, this);
  }

  fail(error: Error): void {
    this.#exchange.fail(error);
  }

  pause(): void {
    this.connection?.pause(this);
  }

  resume(): void {
    this.connection?.resume(this);
  }

  abort(error: Error): void {
    this.connection?.abort(this, error);
  }
}

/** Visible ASCII, space and tab; whatever else a header could hold might end it. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
const OWN: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);

/** Of requests whose address and headers are the same objects every time. */
const beginnings = new WeakMap<URL, { readonly headers: Outgoing['headers']; readonly method: string; readonly text: string }>();

function headOf(url: URL, { method, headers, body }: Outgoing): string {
  const known = beginnings.get(url);
  const text = known?.headers === headers && known.method === method ? known.text : beginningOf(url, method, headers);
  if (text !== known?.text) beginnings.set(url, { headers, method, text });
  return `${text}${lengthLine(method, body)}\r\n`;
}

function beginningOf({ pathname, search, host }: URL, method: string, headers: Outgoing['headers']): string {
  if (!TOKEN.test(method)) throw new TypeError('the method is none');
  const lines = [`${method} ${pathname}${search} HTTP/1.1`, `host: ${host}`, 'connection: keep-alive'];
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name) || !HEADER_VALUE.test(value)) throw new TypeError(`the header ${JSON.stringify(name)} cannot be sent`);
    if (!OWN.has(name)) lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n`;
}

function lengthLine(method: string, body: Outgoing['body']): string {
  if (body === null) return method === 'GET' || method === 'HEAD' ? '' : 'content-length: 0\r\n';
  return `content-length: ${typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength}\r\n`;
}
