// A receiver of webhooks on this machine, that answers as it is told and keeps what it got.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type Received = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };
export type Answering = (response: ServerResponse, received: Received) => void;

export const answerWith =
  (status: number, headers: Readonly<Record<string, string>> = {}): Answering =>
  (response) =>
    void response.writeHead(status, headers).end();

export class Receiver {
  readonly got: Received[] = [];
  answer: Answering = answerWith(204);
  #server: Server | undefined;
  #port = 0;
  readonly #waiting: ((received: Received) => void)[] = [];

  /** Gone when the test is over. */
  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.comeUp();
    onTestFinished(() => receiver.goDown());
    return receiver;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook?for=me`;
  }

  /** Of the next request, when it has come. */
  next(): Promise<Received> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** On the port it had before. */
  async comeUp(): Promise<void> {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const received = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(pieces).toString() };
        this.got.push(received);
        this.answer(response, received);
        this.#waiting.shift()?.(received);
      });
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async goDown(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}
