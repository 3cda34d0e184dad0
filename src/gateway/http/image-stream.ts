// An image request answered as events. The reply begins when the first call upstream does: until then a failure is a plain
// HTTP error with its true status, afterwards an `error` event. Comments keep the connection open while a render takes
// minutes. Everything sent is recorded when a repeat may ask for it.
import type { ImageResult } from '../../domain/result.ts';
import type { TraceEvent } from '../../domain/trace.ts';
import type { RouteId } from '../../domain/vocabulary.ts';
import type { GenerateOptions } from '../../index.ts';
import type { PartialImage } from '../../providers/provider.ts';
import type { CancelTimer } from '../../system/clock.ts';
import { headMeter } from '../uploads/picture-head.ts';
import type { Answer } from './answer.ts';
import type { Call } from './call.ts';
import { startHeartbeat } from './heartbeat.ts';
import { type Making, make, secondsNow } from './image-making.ts';
import type { BodyKind } from './openai/body.ts';
import { aboutResult, base64Of, echoFields, factsOf, payloadOf, qualityOf, usageObject } from './openai/envelope.ts';
import { errorAnswer, errorObject } from './openai/errors.ts';
import { completedEvent, errorEvent, partialEvent } from './openai/stream-events.ts';
import type { Refusal } from './refusal.ts';
import { EVENT_HEADERS, type EventOutlet, openEvents } from './send.ts';

/** `record`: keeps the answer for a repeat; undefined when there can be none. Throws Refusal before anything was sent. */
export function streamImages(
  call: Call,
  making: Making,
  kind: BodyKind,
  record: ((answer: Answer) => Promise<void>) | undefined,
): Promise<Response> {
  const stream = new ImageStream(call, making, kind, record !== undefined);
  const job = call.gateway.work.start({ joinKey: undefined, outlivesCallers: record !== undefined }, async (signal) => {
    const answer = await make(making, stream.options(signal), (made) =>
      made.kind === 'made' ? stream.finished(made.result) : stream.failed(made),
    );
    await record?.(answer);
    stream.end();
    return answer;
  });
  job.answer.catch((error: unknown) => stream.broken(error));
  job.join();
  call.whenEnded(() => job.leave(false));
  return stream.opened;
}

class ImageStream {
  readonly #call: Call;
  readonly #making: Making;
  readonly #kind: BodyKind;
  readonly #recorded: Uint8Array[] | undefined;
  readonly #opening = Promise.withResolvers<Response>();
  #outlet: EventOutlet | undefined;
  #stopHeartbeat: CancelTimer | undefined;
  #pictures = 0;
  #partials = 0;
  /** Of the call that was sent last: whose interim pictures come in. */
  #route: RouteId | undefined;

  constructor(call: Call, making: Making, kind: BodyKind, isRecorded: boolean) {
    this.#call = call;
    this.#making = making;
    this.#kind = kind;
    this.#recorded = isRecorded ? [] : undefined;
  }

  /** The reply, once it has begun; rejects with the Refusal of a request that failed before. */
  get opened(): Promise<Response> {
    return this.#opening.promise;
  }

  options(signal: AbortSignal): GenerateOptions {
    const { partialImages, request } = this.#making.order;
    return {
      signal,
      onEvent: (event) => this.#follow(event),
      // Asking for interim pictures costs tokens, so nobody asks who will not look.
      ...(partialImages > 0 ? { onPartial: (partial: PartialImage) => this.#showPartial(partial) } : {}),
      ...(request.preview === true ? { onPreview: (preview: ImageResult) => this.#showPreview(preview) } : {}),
    };
  }

  finished(result: ImageResult): Answer {
    const { gateway, order } = this.#making;
    const facts = factsOf(result);
    const last = result.images.length - 1;
    for (const [index, image] of result.images.entries()) {
      const fields = { created_at: secondsNow(gateway), ...echoFields(result, image, gateway.options()) };
      // Counted once, so that a client who adds up its events is right.
      const usage = usageObject((index === last ? result.usage : undefined) ?? NO_USAGE);
      const extra = { image_router: aboutResult(result, order.notes) };
      this.#write(completedEvent(this.#kind, payloadOf(image), fields, usage, extra));
    }
    this.#call.facts = { ...this.#call.facts, ...facts };
    return this.#answer(facts, result.cost.billed + result.cost.possiblyBilled);
  }

  failed(failure: { readonly refusal: Refusal; readonly facts: Answer['facts']; readonly spentMicroUsd: number }): Answer {
    const { refusal, facts, spentMicroUsd } = failure;
    if (this.#outlet === undefined) {
      this.#call.facts = { ...this.#call.facts, ...facts };
      this.#opening.reject(refusal);
      return errorAnswer(refusal, { facts, spentMicroUsd });
    }
    this.#write(errorEvent(errorObject(refusal)));
    const told = { ...facts, code: refusal.details.code };
    this.#call.facts = { ...this.#call.facts, ...told };
    return this.#answer(told, spentMicroUsd);
  }

  end(): void {
    this.#stopHeartbeat?.();
    this.#outlet?.end();
  }

  /** A bug: whoever waits is not left waiting. */
  broken(error: unknown): void {
    this.#making.gateway.observer.http({ kind: 'request-defect', id: this.#making.id, where: 'stream', error });
    this.#opening.reject(error);
    this.end();
  }

  #answer(facts: Answer['facts'], spentMicroUsd: number): Answer {
    return { status: 200, headers: EVENT_HEADERS, body: this.#recorded ?? [], facts, spentMicroUsd };
  }

  #follow(event: TraceEvent): void {
    if (event.kind === 'attempt-start' && event.part !== 'preview') this.#route = event.route;
    if (event.kind === 'attempt-start' || event.kind === 'attempt-queued') this.#open();
  }

  #showPreview(preview: ImageResult): 'continue' {
    const [image] = preview.images;
    if (image !== undefined) {
      const { gateway } = this.#making;
      const fields = { created_at: secondsNow(gateway), ...echoFields(preview, image, gateway.options()) };
      const about = { image_router: { preview: true, route: preview.route, target: preview.target, tier: preview.tier } };
      this.#write(partialEvent(this.#kind, payloadOf(image), fields, this.#nextIndex(), about));
    }
    return 'continue';
  }

  #showPartial({ bytes, format }: PartialImage): void {
    const { gateway, order } = this.#making;
    if (this.#partials >= order.partialImages) return;
    const head = headMeter().push(bytes);
    if (head.kind !== 'measured') return;
    this.#partials += 1;
    const fields = {
      created_at: secondsNow(gateway),
      size: `${head.size.width}x${head.size.height}`,
      quality: this.#route === undefined ? 'medium' : qualityOf(this.#route, gateway.options()),
      background: order.request.background === 'transparent' ? 'transparent' : 'opaque',
      output_format: format,
    };
    const about = { image_router: { preview: false, route: this.#route ?? null } };
    this.#write(partialEvent(this.#kind, base64Of(bytes), fields, this.#nextIndex(), about));
  }

  #nextIndex(): number {
    this.#pictures += 1;
    return this.#pictures - 1;
  }

  #write(pieces: readonly Uint8Array[]): void {
    this.#recorded?.push(...pieces);
    this.#open().write(pieces);
  }

  #open(): EventOutlet {
    if (this.#outlet === undefined) {
      this.#outlet = openEvents(this.#call);
      this.#opening.resolve(this.#outlet.response);
      this.#stopHeartbeat = startHeartbeat(this.#call, this.#outlet);
    }
    return this.#outlet;
  }
}

const NO_USAGE = { textInTokens: 0, imageInTokens: 0, imageOutTokens: 0, textOutTokens: 0 };
