// Calls through an HTTP proxy, by undici, which knows how to speak with them. Without time limits of its own.
import { type Dispatcher, ProxyAgent } from 'undici';
import type { Exchange } from './exchange.ts';

/** HTTP/2 stays off, as in Node's own fetch: one broken connection would take every call with it. */
const CONNECTIONS = { allowH2: false, connect: { timeout: 10_000 } } as const;
/** Zero means none. */
const PATIENCE = { headersTimeout: 0, bodyTimeout: 0 } as const;

export class Proxied {
  readonly #agent: ProxyAgent;

  constructor(proxyUrl: string) {
    this.#agent = new ProxyAgent({ uri: proxyUrl, ...CONNECTIONS });
  }

  send({ origin, pathname, search }: URL, exchange: Exchange): void {
    const { method, headers, body } = exchange.takeRequest();
    this.#agent.dispatch({ ...PATIENCE, origin, path: pathname + search, method, headers, body }, new Handler(exchange));
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** How the body ends is undici's business. */
const CARRIED = { kind: 'close' } as const;

/** What undici tells of a call. */
class Handler implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  #hasBegun = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#exchange.carriedBy(controller);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, raw: Readonly<Record<string, string | string[] | undefined>>) {
    // 103 and its kind announce an answer; they are none.
    if (status < 200) return;
    this.#hasBegun = true;
    const headers = Object.entries(raw).flatMap(([name, value]) => [value ?? []].flat().map((one) => [name, one] as const));
    this.#exchange.open({ status, headers, framing: CARRIED, reusableMs: 0 }, controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#hasBegun) return;
    try {
      this.#exchange.push(chunk);
    } catch (error) {
      controller.abort(error instanceof Error ? error : new Error('the answer cannot be taken', { cause: error }));
    }
  }

  onResponseEnd(): void {
    this.#exchange.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#exchange.fail(error);
  }
}
