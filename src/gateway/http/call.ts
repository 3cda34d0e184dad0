// One HTTP request on its way through the gateway: who asks, since when, and whether the caller is still there. There are
// ten thousand of these while renders are slow, so each holds little and listens to its connection once.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { Principal } from '../ports.ts';
import type { AnswerFacts } from './answer.ts';
import type { Gateway } from './gateway.ts';

/** What @hono/node-server hands over; nothing when the app is asked without a socket. */
export type Bindings = { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse };

export class Call {
  readonly gateway: Gateway;
  readonly context: Context<{ Bindings: Bindings }>;
  readonly id: string;
  /** The endpoint's pattern. */
  readonly endpoint: string;
  /** World time. */
  readonly arrivedAt: number;
  /** Set before an endpoint sees the call. Endpoints open to all are called by nobody in particular. */
  principal: Principal;
  isAuthenticated = false;
  /** Of the answer; undefined until there is one. */
  status: number | undefined;
  bytes = 0;
  facts: AnswerFacts = {};
  #hasEnded = false;
  #whenEnded: (() => void)[] | undefined;

  constructor(gateway: Gateway, context: Context<{ Bindings: Bindings }>, endpoint: string, id: string) {
    this.gateway = gateway;
    this.context = context;
    this.endpoint = endpoint;
    this.id = id;
    this.arrivedAt = gateway.clock.now();
    this.principal = NOBODY;
    this.outgoing?.once('close', () => this.end());
    // Without a socket the request's own signal is the only word of a caller who leaves.
    if (this.outgoing === undefined) context.req.raw.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  get outgoing(): ServerResponse | undefined {
    return this.context.env?.outgoing;
  }

  get incoming(): IncomingMessage | undefined {
    return this.context.env?.incoming;
  }

  get headers(): Headers {
    return this.context.req.raw.headers;
  }

  /** `HEAD` is answered like `GET`, without a body. */
  get method(): string {
    return this.context.req.method;
  }

  /** The answer was handed to the socket to its last byte, or the caller has left. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Real milliseconds since arrival. */
  get elapsedMs(): number {
    return (this.gateway.clock.now() - this.arrivedAt) / this.gateway.clock.speed;
  }

  /** Runs `listener` when the call has ended, at once if it has. */
  whenEnded(listener: () => void): void {
    if (this.#hasEnded) listener();
    else {
      this.#whenEnded ??= [];
      this.#whenEnded.push(listener);
    }
  }

  /** Every reply's own headers. */
  baseHeaders(): Record<string, string> {
    return {
      'x-request-id': this.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      // A connection kept open would only bring more requests to a gateway that takes none.
      ...(this.gateway.isDraining() ? { connection: 'close' } : {}),
    };
  }

  /** An answer is on its way; `bytes` of it so far. */
  answered(status: number, bytes: number, facts: AnswerFacts): void {
    this.status = status;
    this.bytes = bytes;
    this.facts = { ...this.facts, ...facts };
  }

  /** The connection says so itself; without one, whoever read the answer to its end does. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const listener of this.#whenEnded ?? []) listener();
    this.#whenEnded = undefined;
  }
}

const NOBODY: Principal = {
  id: 'nobody',
  scopes: [],
  limits: {
    requestsPerMinute: undefined,
    imagesPerMinute: undefined,
    concurrent: undefined,
    usdPerDay: undefined,
    usdPerMonth: undefined,
    policies: undefined,
    models: undefined,
  },
};
