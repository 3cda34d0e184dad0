// The port to a provider: one call in, images or a classified failure out. Adapters speak through the official SDKs and
// hide them completely; nothing above this file knows a wire format. A call settles exactly once, soon after its signal
// is aborted, and never rejects: what went wrong is a value.
import type { Failure } from '../domain/failure.ts';
import type { Attachments, Image } from '../domain/image.ts';
import type { Usage } from '../domain/price.ts';
import type { Route } from '../domain/route.ts';
import type { SizeChoice } from '../domain/size.ts';
import type { Background, EndpointId, ImageFormat } from '../domain/vocabulary.ts';

/** One call. Every field is required so that no adapter forgets one; undefined means "not asked for". */
export type ProviderCall = {
  readonly endpoint: EndpointId;
  readonly route: Route;
  readonly prompt: string;
  /** What to ask the provider for, as chosen by `chooseSize`; never `unsupported`. */
  readonly size: Exclude<SizeChoice, { kind: 'unsupported' }>;
  /** The pixels to deliver: equal to `size.size` or reached from it by scaling and cropping. */
  readonly deliver: { readonly width: number; readonly height: number };
  readonly n: number;
  /** References and mask of an edit; none for a plain generation. */
  readonly attachments: Attachments;
  /**
   * Hears interim pictures while the call runs; what it throws is ignored. The call is streamed where the route can and
   * `n` is 1, for events do not say which of several pictures they belong to. Undefined: the call is not streamed.
   */
  readonly onPartial: ((partial: PartialImage) => void) | undefined;
  readonly format: ImageFormat;
  /** 0 to 100 for jpeg and webp; undefined: the provider's default. */
  readonly compression: number | undefined;
  /** Whether pictures keep the base64 they came in, see `Image.encoded`. */
  readonly keepEncoded: boolean;
  readonly background: Background;
  /** End-user id for the provider's abuse monitoring; already hashed. */
  readonly endUser: string | undefined;
};

/** An interim picture, as the provider sent it: less detail, never billed as an image, not checked beyond its header. */
export type PartialImage = { readonly bytes: Uint8Array; readonly format: ImageFormat; readonly index: number };

/** A change the picture went through after the provider made it: the loss report. */
export type Adjustment = { readonly kind: 'geometry' | 'format' | 'count'; readonly detail: string };

export type ProviderReply =
  | {
      readonly kind: 'delivered';
      /** Exactly `call.n` images, checked, of the asked pixels and format. */
      readonly images: readonly Image[];
      readonly adjustments: readonly Adjustment[];
      /** Undefined when the provider reported none. */
      readonly usage: Usage | undefined;
      readonly requestId: string | undefined;
    }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly requestId: string | undefined };

/** What a moderation check says of a prompt. Unavailable says nothing about the prompt: there is no such service, or it failed. */
export type Moderation =
  | { readonly kind: 'passed' }
  /** `message` names what was flagged, never the prompt. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface Provider {
  /**
   * Settles with a reply; on abort it closes the socket and settles with fault `cancelled`. Rejects only with RangeError,
   * for an endpoint it was not given: a broken composition.
   */
  generate(call: ProviderCall, signal: AbortSignal): Promise<ProviderReply>;
  /**
   * Asks before anything is spent whether the provider's moderation would take the prompt. Free of charge at OpenAI; a
   * reseller may not have it, Google has none. It waits as long as its signal lets it, then is `unavailable`. Rejects only
   * with RangeError, like `generate`.
   */
  moderate?(prompt: string, endpoint: EndpointId, signal: AbortSignal): Promise<Moderation>;
  /** Loads what the first call would otherwise wait for (an SDK, about half a second). Opens no socket. */
  ready(): Promise<void>;
  /** Releases what the adapter holds. Calls in flight are not awaited. */
  close(): Promise<void>;
}
