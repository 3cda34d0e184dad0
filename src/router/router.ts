// The router as an embedding program sees it: generate, stream, batch, explain, health, close.
import { ImageRouterError, isImageRouterError } from '../domain/error.ts';
import { type Attachments, PARTIAL_IMAGES } from '../domain/image.ts';
import { ZERO_USD } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Infeasible, Plan } from '../domain/plan.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { ImageResult } from '../domain/result.ts';
import { after, type InstantMs } from '../domain/time.ts';
import type { RunPart, TraceEvent } from '../domain/trace.ts';
import type { Admission } from '../domain/view.ts';
import type { RouteId, Tier } from '../domain/vocabulary.ts';
import { type Driven, drive } from '../execute/drive.ts';
import type { Engine } from '../execute/engine.ts';
import type { HealthRow } from '../health/health.ts';
import type { ResolvedOptions } from '../options.ts';
import { MAX_ATTEMPTS } from '../plan/plan.ts';
import type { Situation } from '../plan/situation.ts';
import { type Split, split } from '../plan/split.ts';
import type { PartialImage } from '../providers/provider.ts';
import { type BatchItem, type BatchOptions, runBatch } from './batch.ts';
import { checkAttachments, takeIn } from './intake.ts';
import { Precheck } from './precheck.ts';
import { choosePreview, mergePreview } from './preview.ts';
import { infeasibleError, toResult } from './result.ts';
import { type StreamEvent, streamOf } from './stream.ts';

export type GenerateOptions = {
  /** Aborting gives up the request; calls already sent may still be billed, and the error says how much. */
  readonly signal?: AbortSignal;
  /** Hears every step of this request as it is added to the trace. It must not throw. */
  readonly onEvent?: (event: TraceEvent) => void;
  /** Hears interim pictures of routes that stream them. They cost a little: about 100 output tokens each. */
  readonly onPartial?: (partial: PartialImage) => void;
  /** With `preview: true`: gets the preview; answering `accept` skips the final and what it would have cost. */
  readonly onPreview?: (preview: ImageResult) => 'accept' | 'continue' | Promise<'accept' | 'continue'>;
};

export type Explanation = { readonly need: Need; readonly plan: Plan | Infeasible };

/** What is believed of one target and operation now. */
export type TargetHealth = HealthRow & {
  readonly route: RouteId;
  readonly tier: Tier;
  readonly admission: Admission;
  readonly waiting: number;
};

export interface ImageRouter {
  /**
   * Makes what is asked inside the request's limits. Rejects with ImageRouterError only: `invalid_request`, `infeasible`
   * (with offers, before anything is spent), `refused`, `providers_failed`, `account`, `deadline_exceeded`, `cancelled`, `closed`.
   */
  generate(request: ImageRequest, options?: GenerateOptions): Promise<ImageResult>;
  /** The same as a sequence of events, the last of them `final`. Leaving the loop gives up the request. */
  stream(request: ImageRequest, options?: Pick<GenerateOptions, 'signal'>): AsyncIterable<StreamEvent>;
  /**
   * Many requests, a bounded number at a time, yielded as they end. One failure fails no other; a spend cap stops new
   * ones. Leaving the loop gives up those that run.
   */
  batch(requests: Iterable<ImageRequest> | AsyncIterable<ImageRequest>, options?: BatchOptions): AsyncIterable<BatchItem>;
  /** What `generate` would do now, without spending. Throws ImageRouterError `invalid_request`. */
  explain(request: ImageRequest): Explanation;
  health(): readonly TargetHealth[];
  /** Loads the SDKs ahead of the first request, which otherwise waits about half a second for them. Optional. */
  ready(): Promise<void>;
  /** Takes no more requests, waits for those that run, then releases sockets and timers. */
  close(): Promise<void>;
}

export class Router implements ImageRouter {
  readonly #options: ResolvedOptions;
  readonly #engine: Engine;
  readonly #active = new Set<Promise<unknown>>();
  readonly #precheck: Precheck;
  #isClosed = false;

  constructor(options: ResolvedOptions, engine: Engine) {
    this.#options = options;
    this.#engine = engine;
    this.#precheck = new Precheck(engine);
  }

  async generate(request: ImageRequest, options: GenerateOptions = {}): Promise<ImageResult> {
    if (this.#isClosed) throw new ImageRouterError('closed', 'the router is closed', { remedy: 'create a new one' });
    const work = this.#generate(request, options);
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.#active.add(settled);
    void settled.then(() => this.#active.delete(settled));
    return work;
  }

  stream(request: ImageRequest, options: Pick<GenerateOptions, 'signal'> = {}): AsyncIterable<StreamEvent> {
    return streamOf((hooks) => this.generate(request, hooks), options.signal);
  }

  batch(requests: Iterable<ImageRequest> | AsyncIterable<ImageRequest>, options: BatchOptions = {}): AsyncIterable<BatchItem> {
    return runBatch(this, requests, options);
  }

  explain(request: ImageRequest): Explanation {
    const { need } = takeIn(request, this.#options);
    return { need, plan: this.#split(need, false, this.#engine.clock.now()).plan };
  }

  health(): readonly TargetHealth[] {
    const now = this.#engine.clock.now();
    return this.#engine.health.snapshot(now).flatMap((row) => {
      const target = this.#engine.targets.find((known) => known.id === row.target);
      if (target === undefined) return [];
      const admission = this.#engine.breakers.admission(row.target, row.operation);
      const { waiting } = this.#engine.lanes.depth(row.target);
      return [{ ...row, route: target.route.id, tier: target.route.tier, admission, waiting }];
    });
  }

  async ready(): Promise<void> {
    await Promise.all(Object.values(this.#engine.providers).map((provider) => provider.ready()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#active);
    this.#engine.close();
    await Promise.all(Object.values(this.#engine.providers).map((provider) => provider.close()));
  }

  async #generate(input: ImageRequest, options: GenerateOptions): Promise<ImageResult> {
    const arrivedAt = this.#engine.clock.now();
    const { request, need: read } = takeIn(input, this.#options);
    const need = { ...read, partials: options.onPartial === undefined ? 0 : PARTIAL_IMAGES };
    const requestId = this.#engine.ids.next('req');
    const order: Order = {
      requestId,
      need,
      arrivedAt,
      attachments: await checkAttachments(request),
      mustBeConsistent: request.consistent ?? false,
      options,
      part: undefined,
      earlier: [],
    };
    try {
      if (this.#precheck.applies(need)) return await this.#testThenConfirm(order, request.preview ?? false);
      return await (request.preview === true ? this.#previewThenFinal(order, false) : this.#make(order));
    } catch (error) {
      if (isImageRouterError(error) && error.code === 'refused') this.#precheck.remember(need);
      throw error;
    }
  }

  /** A premium render only for a prompt that passed moderation, or a low render where there is none to ask. */
  async #testThenConfirm(order: Order, wantsPreview: boolean): Promise<ImageResult> {
    if (this.#precheck.wasRefusedLately(order.need)) return this.#previewThenFinal(order, true);
    const verdict = await this.#precheck.moderate(order.need, order.options.signal);
    const atMs = this.#engine.clock.now() - order.arrivedAt;
    const event: TraceEvent = { kind: 'precheck', atMs, verdict: verdict.kind, cause: verdict.cause };
    order.options.onEvent?.(event);
    if (verdict.kind === 'refused') {
      throw new ImageRouterError('refused', verdict.cause, { trace: { requestId: order.requestId, events: [event] } });
    }
    const tested = { ...order, earlier: [event] };
    return wantsPreview || verdict.kind === 'unavailable'
      ? this.#previewThenFinal(tested, verdict.kind === 'unavailable')
      : this.#make(tested);
  }

  /** One request, as one run or as single calls side by side. */
  async #make(order: Order): Promise<ImageResult> {
    const { requestId, need, arrivedAt } = order;
    const way = this.#split(need, order.mustBeConsistent, arrivedAt);
    if (way.plan.kind === 'infeasible') {
      const error = infeasibleError(way.plan, requestId);
      for (const event of error.trace?.events ?? []) order.options.onEvent?.(event);
      throw error;
    }
    if (way.kind === 'together') return toResult(order, [await this.#run(order, need, way.plan, order.part)]);
    const partNeed = { ...need, n: 1, maxCost: way.partCap };
    const first = way.plan;
    const parts = Array.from({ length: way.parts }, (_, index) => this.#run(order, partNeed, first, index + 1));
    return toResult(order, await Promise.all(parts));
  }

  /** `mustWait`: the preview is also a test, so the final waits for it whatever the deadline. */
  async #previewThenFinal(order: Order, mustWait: boolean): Promise<ImageResult> {
    const now = (): InstantMs => this.#engine.clock.now();
    const choice = choosePreview(order.need, (need) => this.#split(need, order.mustBeConsistent, now()).plan);
    if (choice === undefined) return this.#make(order);
    const preview = this.#make({
      ...order,
      need: choice.previewNeed,
      options: previewOptions(order.options),
      part: 'preview',
      earlier: [],
    });
    const shown = preview.then(
      async (result) => ({ result, answer: (await order.options.onPreview?.(result)) ?? 'continue' }),
      (error: unknown) => {
        // A refused prompt is not sent again as a final, unless the policy says so; any other trouble is the preview's own.
        if (isImageRouterError(error) && error.code === 'refused' && !order.need.policy.fallbackOnRefusal) throw error;
        return undefined;
      },
    );
    if (choice.finalWaits || mustWait) {
      const seen = await shown;
      if (seen?.answer === 'accept') return mergePreview(seen.result, seen.result, order.need);
      const spent = seen === undefined ? ZERO_USD : ((seen.result.cost.billed + seen.result.cost.possiblyBilled) as typeof ZERO_USD);
      const final = await this.#make({ ...order, need: choice.finalNeed(spent) });
      return mergePreview(final, seen?.result, order.need);
    }
    // The final has been sent already: what the preview meets can no longer spare it.
    const shownAnyway = shown.catch(() => undefined);
    const final = await this.#make({ ...order, need: choice.finalNeed(choice.previewCap) });
    const seen = await shownAnyway;
    return mergePreview(final, seen?.result, order.need);
  }

  #run(order: Order, need: Need, first: Plan, part: RunPart | undefined): Promise<Driven> {
    const { arrivedAt, options } = order;
    const run = { need, targets: this.#engine.targets, arrivedAt, deadline: after(arrivedAt, need.budgetMs) };
    return drive(this.#engine, run, first, {
      requestId: order.requestId,
      part,
      signal: options.signal,
      onEvent: options.onEvent,
      attachments: order.attachments,
      onPartial: options.onPartial && ((_, partial) => options.onPartial?.(partial)),
    });
  }

  #split(need: Need, mustBeConsistent: boolean, now: InstantMs): Split {
    return split(freshSituation(need, this.#engine, now), mustBeConsistent);
  }
}

/** One request on its way: what every run of it shares. */
type Order = {
  readonly requestId: string;
  readonly need: Need;
  readonly arrivedAt: InstantMs;
  readonly attachments: Attachments;
  readonly mustBeConsistent: boolean;
  readonly options: GenerateOptions;
  readonly part: RunPart | undefined;
  /** What happened before anything was planned. */
  readonly earlier: readonly TraceEvent[];
};

/** A preview shows no interim pictures of its own. */
function previewOptions({ signal, onEvent }: GenerateOptions): GenerateOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(onEvent === undefined ? {} : { onEvent }) };
}

function freshSituation(need: Need, engine: Engine, now: InstantMs): Situation {
  return {
    need,
    targets: engine.targets,
    view: engine.viewAt(now),
    now,
    deadline: after(now, need.budgetMs),
    committed: ZERO_USD,
    hedgesCommitted: ZERO_USD,
    running: [],
    heldValueUsd: 0,
    attemptsLeft: MAX_ATTEMPTS,
    setbacks: [],
    setAside: new Map(),
    notBefore: new Map(),
  };
}
