// One call from its request to the last byte of its answer, whatever carries it. Its signal is listened to until the answer
// has ended, and no longer.
import type { Body, Flow } from '../wire-response.ts';
import type { AnswerHead } from './answer-head.ts';
import type { AnswerBody } from './answer-reader.ts';

/** A request without its address. */
export type Outgoing = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
};

/** Who wants the answer. */
export interface Recipient {
  open(head: AnswerHead, flow: Flow): Body;
  /** There is no answer. */
  fail(error: unknown): void;
}

export class Exchange implements AnswerBody {
  #request: Outgoing | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #recipient: Recipient;
  #flow: Flow | undefined;
  #body: Body | undefined;

  constructor(request: Outgoing, signal: AbortSignal | undefined, recipient: Recipient) {
    this.#request = request;
    this.#signal = signal;
    this.#recipient = recipient;
    if (signal?.aborted) recipient.fail(aborted());
    else signal?.addEventListener('abort', this.#abort);
  }

  /** Once: what waits for minutes holds nothing of what was sent. */
  takeRequest(): Outgoing {
    const request = this.#request;
    if (request === undefined) throw new Error('invariant: an exchange is sent once');
    this.#request = undefined;
    return request;
  }

  get isAborted(): boolean {
    return this.#signal?.aborted ?? false;
  }

  /** What carries it from now on; a call may start again on another connection. */
  carriedBy(flow: Flow): void {
    this.#flow = flow;
    if (this.isAborted) this.#abort();
  }

  open(head: AnswerHead, flow: Flow): AnswerBody {
    this.#body = this.#recipient.open(head, flow);
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
    if (this.#body === undefined) this.#recipient.fail(error);
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
