// What the gateway tells of its requests, for logs and metrics to fold. No prompt, image, key or header is in it.
import type { RouteId, Tier } from '../../domain/vocabulary.ts';

/** What is known of the images a request asked for, once they are made or have failed. */
export type ImageFacts = {
  /** `error.code` of the answer. */
  readonly code?: string;
  /** The id of the request's trace: the router's, which every RouterEvent carries. */
  readonly traceId?: string;
  readonly route?: RouteId;
  readonly tier?: Tier;
  readonly degraded?: boolean;
  readonly policy?: string;
  /** Calls sent upstream. */
  readonly attempts?: number;
  /** Billed and possibly billed. */
  readonly costMicroUsd?: number;
  /** Whether an image came inside the request's budget; undefined when none was tried for, or the caller or the prompt ended it. */
  readonly deadlineMet?: boolean;
  /** The first plan's chance to deliver in time; of the final, where there is a preview. */
  readonly predictedChance?: number;
};

export type HttpEvent =
  | { readonly kind: 'request-start'; readonly id: string; readonly method: string; readonly endpoint: string }
  | (ImageFacts & {
      readonly kind: 'request-end';
      readonly id: string;
      readonly method: string;
      /** The endpoint's pattern, such as `/v1/traces/:id`; `unknown` for paths there are not. */
      readonly endpoint: string;
      /** 499: the client left before the answer. */
      readonly status: number;
      /** Real milliseconds until the last byte was handed to the socket, or the client left. */
      readonly ms: number;
      /** Id of the key; undefined when nobody was authenticated. */
      readonly principal: string | undefined;
      /** Bytes of the body. */
      readonly bytes: number;
      /** W3C Trace Context of the caller, as it came. */
      readonly traceparent?: string;
    })
  /**
   * The router has answered, once for each time it was asked: before the `request-end` of request `id`, or after it when the
   * caller has left. Requests that are answered from another's work have none.
   */
  | (ImageFacts & { readonly kind: 'images-end'; readonly id: string })
  /** Something that must not happen did: a bug, or a disk that does not take a record. */
  | { readonly kind: 'request-defect'; readonly id: string; readonly where: string; readonly error: unknown };
