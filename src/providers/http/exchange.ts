// One call as `fetch` speaks of it, a promise and a body, whatever carries it. Its signal is listened to until the answer
// has ended, and no longer.
import { type Body, bodyFor, type Flow } from '../wire-response.ts';
import type { AnswerHead } from './answer-head.ts';
import type { AnswerBody } from './answer-reader.ts';

/** A request without its address. */
export type Outgoing = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
};

export class Exchange implements AnswerBody {
  readonly request: Outgoing;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: unknown) => void;
  #flow: Flow | undefined;
  #body: Body | undefined;

  constructor(request: Outgoing, signal: AbortSignal | undefined, resolve: (response: Response) => void, reject: (error: unknown) => void) {
    this.request = request;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    if (signal?.aborted) reject(aborted());
    else signal?.addEventListener('abort', this.#abort);
  }

  get isAborted(): boolean {
    return this.#signal?.aborted ?? false;
  }

  /** What carries it from now on; a call may start again on another connection. */
  carriedBy(flow: Flow): void {
    this.#flow = flow;
    if (this.isAborted) this.#abort();
  }

  open({ status, headers }: Pick<AnswerHead, 'status' | 'headers'>, flow: Flow): AnswerBody {
    this.#body = bodyFor(status, headers, flow);
    this.#resolve(this.#body.response);
    return this;
  }

  space(): Buffer | undefined {
    return this.#body?.space();
  }

  filled(bytes: number): void {
    this.#body?.filled(bytes);
  }

  push(chunk: Buffer): void {
    this.#body?.push(chunk);
  }

  end(): void {
    this.#unlink();
    this.#body?.end();
  }

  fail(error: Error): void {
    this.#unlink();
    if (this.#body === undefined) this.#reject(error);
    else this.#body.fail(error);
  }

  readonly #abort = (): void => this.#flow?.abort(aborted());

  #unlink(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
  }
}

function aborted(): DOMException {
  return new DOMException('This operation was aborted', 'AbortError');
}
