// The router as an embedding program sees it: generate, stream, batch, explain, health, close.
import type { Need } from '../domain/need.ts';
import type { Infeasible, Plan } from '../domain/plan.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { ImageResult } from '../domain/result.ts';
import type { TraceEvent } from '../domain/trace.ts';
import type { Admission } from '../domain/view.ts';
import type { RouteId, Tier } from '../domain/vocabulary.ts';
import type { BeforeCall } from '../execute/drive.ts';
import type { HealthRow } from '../health/health.ts';
import type { PartialImage } from '../providers/provider.ts';
import type { BatchItem, BatchOptions } from './batch.ts';
import type { StreamEvent } from './stream.ts';

export type GenerateOptions = {
  /** Aborting gives up the request; calls already sent may still be billed, and the error says how much. */
  readonly signal?: AbortSignal;
  /** Hears every step of this request as it is added to the trace. It must not throw. */
  readonly onEvent?: (event: TraceEvent) => void;
  /**
   * Waited for before every upstream call: whoever must know of each call before it can cost anything writes it down here.
   * Rejecting gives up the request as `cancelled`: nothing is sent any more.
   */
  readonly beforeCall?: BeforeCall;
  /** Hears interim pictures of routes that stream them. They cost a little: about 100 output tokens each. */
  readonly onPartial?: (partial: PartialImage) => void;
  /**
   * Added to the policy's priority in the queue before a route: whoever can wait says so with a number below 0 and lets the others
   * pass. Default 0.
   */
  readonly priority?: number;
  /** Images keep the base64 they came in (`encoded`) where they needed no change: for callers who pass it on. */
  readonly keepEncoded?: boolean;
  /** A render of this prompt was made before and not refused: the policy's precheck would tell nothing new and is left out. */
  readonly isTested?: boolean;
  /** With `preview: true`: gets the preview; answering `accept` skips the final and what it would have cost. */
  readonly onPreview?: (preview: ImageResult) => 'accept' | 'continue' | Promise<'accept' | 'continue'>;
};

export type ExplainOptions = Pick<GenerateOptions, 'onPartial' | 'priority'> & {
  /** What `generate` would do once every route is well and nobody waits, instead of now. */
  readonly onceWell?: boolean;
};

/** What `generate` would do. */
export type Explanation = {
  readonly need: Need;
  readonly plan: Plan | Infeasible;
  /** How many single calls run side by side, each by this plan; costs are those of all of them together. */
  readonly parts: number;
  /**
   * How the quick preview would be made, or the picture a policy with `precheck` may test the prompt with; its costs come on top
   * of the plan's. Undefined: none is asked for, or it is pointless, or does not fit into the limits beside the final.
   */
  readonly preview: Plan | undefined;
};

/** What is believed of one target and operation now. */
export type TargetHealth = HealthRow & {
  readonly route: RouteId;
  readonly tier: Tier;
  readonly admission: Admission;
  /** Places taken in the target's lane, and calls that wait for one: of all operations together. */
  readonly running: number;
  readonly waiting: number;
};

export interface ImageRouter {
  /**
   * Makes what is asked inside the request's limits. Rejects with ImageRouterError only: `invalid_request`, `infeasible`
   * (with offers, before anything is spent), `refused`, `providers_failed`, `account`, `deadline_exceeded`, `cancelled`, `closed`.
   */
  generate(request: ImageRequest, options?: GenerateOptions): Promise<ImageResult>;
  /** The same as a sequence of events, the last of them `final`. Leaving the loop gives up the request. */
  stream(request: ImageRequest, options?: Pick<GenerateOptions, 'signal' | 'keepEncoded'>): AsyncIterable<StreamEvent>;
  /**
   * Many requests, a bounded number at a time, yielded as they end. One failure fails no other; a spend cap stops new
   * ones. Leaving the loop gives up those that run.
   */
  batch(requests: Iterable<ImageRequest> | AsyncIterable<ImageRequest>, options?: BatchOptions): AsyncIterable<BatchItem>;
  /** What `generate` would do now, without spending. Throws ImageRouterError `invalid_request`. */
  explain(request: ImageRequest, options?: ExplainOptions): Explanation;
  health(): readonly TargetHealth[];
  /** Loads the SDKs ahead of the first request, which otherwise waits about half a second for them. Optional. */
  ready(): Promise<void>;
  /** Takes no more requests, waits for those that run, then releases sockets and timers. */
  close(): Promise<void>;
}
