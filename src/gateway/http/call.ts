// One HTTP request on its way through the gateway: who asks, since when, and whether the caller is still there. There are
// ten thousand of these while renders are slow, so each holds little and listens to its connection once: hono's context, for
// one, is two kilobytes that nobody needs once the path is matched.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NO_LIMITS } from '../limits/no-limits.ts';
import type { Principal } from '../ports.ts';
import type { AnswerFacts } from './answer.ts';
import type { Gateway } from './gateway.ts';
import { isKeptId } from './kept-id.ts';

/** What @hono/node-server hands over; nothing when the app is asked without a socket. */
export type Bindings = { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse };

type CallTarget = {
  readonly endpoint: string;
  readonly pathId: string | undefined;
  readonly pathIndex: string | undefined;
  /** Runs once, when the call has ended. */
  readonly tellEnd: (call: Call) => void;
};

export class Call {
  readonly gateway: Gateway;
  readonly request: Request;
  readonly outgoing: ServerResponse | undefined;
  readonly incoming: IncomingMessage | undefined;
  readonly id: string;
  /** The endpoint's pattern. */
  readonly endpoint: string;
  /** What the path holds in the place of the pattern's `:id`. */
  readonly pathId: string | undefined;
  /** Likewise of `:index`. */
  readonly pathIndex: string | undefined;
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
  readonly #tellEnd: (call: Call) => void;
  #whenEnded: (() => void)[] | undefined;
  #held: Set<() => void> | undefined;

  constructor(gateway: Gateway, request: Request, bindings: Bindings | undefined, { endpoint, pathId, pathIndex, tellEnd }: CallTarget) {
    this.gateway = gateway;
    this.request = request;
    this.outgoing = bindings?.outgoing;
    this.incoming = bindings?.incoming;
    this.endpoint = endpoint;
    this.pathId = pathId;
    this.pathIndex = pathIndex;
    this.id = gateway.ids.next('req');
    this.arrivedAt = gateway.clock.now();
    this.principal = NOBODY;
    this.#tellEnd = tellEnd;
    // `once` would wrap the listener, and ending twice is harmless.
    this.outgoing?.on('close', () => this.end());
    // Without a socket the request's own signal is the only word of a caller who leaves.
    if (this.outgoing === undefined) request.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  get headers(): Headers {
    return this.request.headers;
  }

  get query(): URLSearchParams {
    return new URL(this.request.url).searchParams;
  }

  /** The path's `:id` as that of something kept; empty, and so unknown, where it cannot be one. */
  get keptId(): string {
    const { pathId = '' } = this;
    return isKeptId(pathId) ? pathId : '';
  }

  /** `HEAD` is answered like `GET`, without a body. */
  get method(): string {
    return this.request.method;
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

  /**
   * Counts bytes on their way to the caller as held until they are let go of, or until the call has ended: node:http says when
   * they were taken, and nothing of those that still waited behind another answer when their connection ended.
   */
  hold(bytes: number): () => void {
    const release = this.gateway.held.hold(bytes);
    this.#held ??= new Set();
    this.#held.add(release);
    return () => {
      this.#held?.delete(release);
      release();
    };
  }

  /** `replyHeaders`, and what a drain adds. */
  baseHeaders(): Record<string, string> {
    return {
      ...replyHeaders(this.id),
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
    this.#tellEnd(this);
    for (const listener of this.#whenEnded ?? []) listener();
    this.#whenEnded = undefined;
    for (const release of this.#held ?? []) release();
    this.#held = undefined;
  }
}

/** On every reply. */
export function replyHeaders(id: string): Record<string, string> {
  return { 'x-request-id': id, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' };
}

const NOBODY: Principal = { id: 'nobody', scopes: [], limits: NO_LIMITS };
