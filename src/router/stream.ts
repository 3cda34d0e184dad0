// A request as a sequence of events, for callers who show progress. It is `generate` with its hooks turned into a queue:
// nothing is decided here. The consumer sets the pace only where it matters: the final of a preview waits for the answer.
import type { Need } from '../domain/need.ts';
import type { ImageResult } from '../domain/result.ts';
import type { TraceEvent } from '../domain/trace.ts';
import type { PartialImage } from '../providers/provider.ts';
import type { GenerateOptions } from './image-router.ts';

export type StreamEvent =
  /** Any step of the trace, under its own kind: `plan`, `attempt-start`, `attempt-end`, ... */
  | TraceEvent
  /** An attempt that starts because another one ended. Comes right before its `attempt-start`. */
  | { readonly kind: 'fallback'; readonly attempt: number; readonly cause: string }
  /** An interim picture of a route that streams them. */
  | { readonly kind: 'partial-image'; readonly partial: PartialImage }
  /** The preview of a request with `preview: true`. Call `accept` before asking for the next event to skip the final. */
  | { readonly kind: 'preview-image'; readonly preview: ImageResult; accept(): void }
  | { readonly kind: 'need'; readonly need: Need }
  | { readonly kind: 'final'; readonly result: ImageResult };

type Generate = (options: GenerateOptions) => Promise<ImageResult>;

export async function* streamOf(generate: Generate, signal: AbortSignal | undefined): AsyncGenerator<StreamEvent, void, void> {
  const leaving = new AbortController();
  const queue = new EventQueue();
  const work = generate({
    signal: signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal]),
    onEvent: (event) => {
      if (event.kind === 'attempt-start' && event.role === 'fallback') {
        queue.push({ kind: 'fallback', attempt: event.attempt, cause: event.cause });
      }
      queue.push(event);
    },
    onPartial: (partial) => queue.push({ kind: 'partial-image', partial }),
    onPreview: (preview) => {
      let answer: 'accept' | 'continue' = 'continue';
      const accept = (): void => {
        answer = 'accept';
      };
      // Answered when the consumer comes back for the next event: then it has seen the preview.
      return new Promise((resolve) => queue.push({ kind: 'preview-image', preview, accept }, () => resolve(answer)));
    },
  });
  const ended = work.then(
    (result) => queue.push({ kind: 'final', result }),
    () => undefined,
  );
  void ended.finally(() => queue.close());
  try {
    yield* queue.events();
    await work;
  } finally {
    leaving.abort();
    queue.abandon();
  }
}

/** Events in order; `onTaken` runs when the consumer asks for the one after. */
class EventQueue {
  readonly #waiting: { readonly event: StreamEvent; readonly onTaken: (() => void) | undefined }[] = [];
  #wake: (() => void) | undefined;
  /** Of the event the consumer is looking at. */
  #onTaken: (() => void) | undefined;
  #isClosed = false;

  push(event: StreamEvent, onTaken?: () => void): void {
    this.#waiting.push({ event, onTaken });
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  /** The consumer has left: nobody is kept waiting for it. */
  abandon(): void {
    for (const { onTaken } of this.#waiting.splice(0)) onTaken?.();
    this.#onTaken?.();
  }

  async *events(): AsyncGenerator<StreamEvent, void, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#onTaken = next.onTaken;
        yield next.event;
        this.#onTaken = undefined;
        next.onTaken?.();
      } else if (this.#isClosed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
