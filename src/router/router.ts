// What a request goes through, from a caller's words to a result: intake, precheck, preview, and one run or several side by side.
import { type ErrorCode, ImageRouterError, isImageRouterError } from '../domain/error.ts';
import { type Attachments, NO_ATTACHMENTS, PARTIAL_IMAGES } from '../domain/image.ts';
import { type MicroUsd, ZERO_USD } from '../domain/money.ts';
import type { Need } from '../domain/need.ts';
import type { Plan } from '../domain/plan.ts';
import type { ImageRequest, ParsedRequest } from '../domain/request.ts';
import type { ImageResult } from '../domain/result.ts';
import type { Target } from '../domain/route.ts';
import { after, type InstantMs } from '../domain/time.ts';
import type { RunPart, TraceEvent } from '../domain/trace.ts';
import type { HealthView } from '../domain/view.ts';
import { type Driven, drive } from '../execute/drive.ts';
import type { Engine } from '../execute/engine.ts';
import type { ResolvedOptions } from '../options.ts';
import { MAX_ATTEMPTS } from '../plan/plan.ts';
import type { Situation } from '../plan/situation.ts';
import { type Split, split } from '../plan/split.ts';
import { inTime } from '../system/in-time.ts';
import { OpenCount } from '../system/open-count.ts';
import { tell } from '../telemetry/event.ts';
import { type BatchItem, type BatchOptions, runBatch } from './batch.ts';
import type { ExplainOptions, Explanation, GenerateOptions, ImageRouter, TargetHealth } from './image-router.ts';
import { checkAttachments, takeIn } from './intake.ts';
import { Precheck } from './precheck.ts';
import {
  acceptedPreview,
  capAfter,
  choosePreview,
  errorWithPreview,
  type PreviewChoice,
  type PreviewEnd,
  previewDelivered,
  previewFailed,
  withPreview,
} from './preview.ts';
import { infeasibleError, toResult, unspentEnd, withEarlier } from './result.ts';
import { type StreamEvent, streamOf } from './stream.ts';

export class Router implements ImageRouter {
  readonly #options: ResolvedOptions;
  readonly #engine: Engine;
  readonly #active = new OpenCount();
  readonly #precheck: Precheck;
  #isClosed = false;

  constructor(options: ResolvedOptions, engine: Engine) {
    this.#options = options;
    this.#engine = engine;
    this.#precheck = new Precheck(engine);
  }

  /** One frame from here to the run: ten thousand requests may wait in it. */
  async generate(input: ImageRequest, options: GenerateOptions = {}): Promise<ImageResult> {
    if (this.#isClosed) throw new ImageRouterError('closed', 'the router is closed', { remedy: 'create a new one' });
    this.#active.begin();
    let need: Need | undefined;
    try {
      const arrivedAt = this.#engine.clock.now();
      const { request, need: read } = takeIn(input, this.#options);
      need = withPartials(read, options);
      const bare: Order = {
        requestId: this.#engine.ids.next('req'),
        need,
        arrivedAt,
        attachments: NO_ATTACHMENTS,
        mustBeConsistent: request.consistent ?? false,
        options,
        part: undefined,
        earlier: [],
      };
      const order = request.referenceImages === undefined ? bare : { ...bare, attachments: await this.#lookAt(request, bare) };
      if (options.isTested !== true && this.#precheck.applies(need)) return await this.#testThenConfirm(order, request.preview ?? false);
      return await (request.preview === true ? this.#previewThenFinal(order, false) : this.#make(order));
    } catch (error) {
      if (need !== undefined && isImageRouterError(error) && error.code === 'refused') this.#precheck.remember(need);
      throw error;
    } finally {
      this.#active.end();
    }
  }

  stream(request: ImageRequest, options: Pick<GenerateOptions, 'signal' | 'keepEncoded'> = {}): AsyncIterable<StreamEvent> {
    return streamOf((hooks) => this.generate(request, { ...options, ...hooks }), options.signal);
  }

  batch(requests: Iterable<ImageRequest> | AsyncIterable<ImageRequest>, options: BatchOptions = {}): AsyncIterable<BatchItem> {
    return runBatch(this, requests, options);
  }

  explain(request: ImageRequest, options: ExplainOptions = {}): Explanation {
    const { request: parsed, need: read } = takeIn(request, this.#options);
    const need = withPartials(read, options);
    const now = this.#engine.clock.now();
    const view = options.onceWell === true ? this.#engine.viewOnceWell(now) : this.#engine.viewAt(now, priorityOf(need, options));
    const splitFor = (one: Need): Split => this.#splitIn(view, one, parsed.consistent ?? false, now, after(now, one.budgetMs));
    const way = splitFor(need);
    const mayPreview = parsed.preview === true || this.#precheck.applies(need);
    return {
      need: read,
      plan: way.kind === 'apart' ? timesParts(way.plan, way.parts) : way.plan,
      parts: way.kind === 'apart' ? way.parts : 1,
      preview: mayPreview ? choosePreview(need, splitFor)?.previewPlan : undefined,
    };
  }

  health(): readonly TargetHealth[] {
    const now = this.#engine.clock.now();
    return this.#engine.health.snapshot(now).flatMap((row) => {
      const target = this.#engine.targets.find((known) => known.id === row.target);
      if (target === undefined) return [];
      const admission = this.#engine.breakers.admission(row.target, row.operation);
      return [{ ...row, route: target.route.id, tier: target.route.tier, admission, ...this.#engine.lanes.depth(row.target) }];
    });
  }

  async ready(): Promise<void> {
    await Promise.all(Object.values(this.#engine.providers).map((provider) => provider.ready()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#active.idle();
    this.#engine.close();
    await Promise.all(Object.values(this.#engine.providers).map((provider) => provider.close()));
  }

  /** Pictures may wait for their turn behind others that are decoded or converted; their request does not wait beyond its deadline. */
  async #lookAt(request: ParsedRequest, order: Order): Promise<Attachments> {
    const { signal } = order.options;
    const attachments = await inTime((isOver) => checkAttachments(request, isOver), this.#engine.clock, order.need.budgetMs, signal);
    if (attachments !== undefined) return attachments;
    const code = signal?.aborted ? 'cancelled' : 'deadline_exceeded';
    const cause = signal?.aborted ? 'the caller left' : 'the deadline passed before its reference images could be looked at';
    throw this.#unspentError(order, code, cause, []);
  }

  #unspentError(order: Order, code: ErrorCode, cause: string, before: readonly TraceEvent[]): ImageRouterError {
    const end = unspentEnd(this.#engine.clock.now() - order.arrivedAt, cause, code === 'cancelled' ? 'cancelled' : 'failed');
    this.#tell(order, end);
    return new ImageRouterError(code, cause, { trace: { requestId: order.requestId, events: [...before, end] } });
  }

  /** A premium render only for a prompt that passed moderation, or a low render where there is none to ask. */
  async #testThenConfirm(order: Order, wantsPreview: boolean): Promise<ImageResult> {
    const wasRefused = this.#precheck.wasRefusedLately(order.need);
    const deadline = after(order.arrivedAt, order.need.budgetMs);
    const verdict = await this.#precheck.moderate(order.need, deadline, order.options.signal);
    const atMs = this.#engine.clock.now() - order.arrivedAt;
    const event: TraceEvent = { kind: 'precheck', atMs, verdict: verdict.kind, cause: verdict.cause };
    this.#tell(order, event);
    if (verdict.kind === 'refused') throw this.#unspentError(order, 'refused', verdict.cause, [event]);
    if (this.#engine.clock.now() >= deadline) {
      throw this.#unspentError(order, 'deadline_exceeded', 'the deadline passed before its prompt was moderated', [event]);
    }
    const tested = { ...order, earlier: [event] };
    const mustTest = wasRefused || verdict.kind === 'unavailable';
    return wantsPreview || mustTest ? this.#previewThenFinal(tested, mustTest) : this.#make(tested);
  }

  /** One request, as one run or as single calls side by side. */
  async #make(order: Order): Promise<ImageResult> {
    const { requestId, need, arrivedAt } = order;
    const way = this.#split(need, order, this.#engine.clock.now(), after(arrivedAt, need.budgetMs));
    if (way.plan.kind === 'infeasible') {
      const error = infeasibleError(way.plan, requestId, this.#engine.clock.now() - arrivedAt);
      for (const event of error.trace?.events ?? []) this.#tell(order, event);
      throw withEarlier(error, order.earlier);
    }
    if (way.kind === 'together') return this.#run(order, need, way.plan, order.part).then((driven) => toResult(order, [driven]));
    const partNeed = { ...need, n: 1, maxCost: way.partCap };
    const first = way.plan;
    const parts = Array.from({ length: way.parts }, (_, index) => this.#run(order, partNeed, first, index + 1));
    return toResult(order, await Promise.all(parts));
  }

  /** `mustWait`: the preview is also a test, so the final waits for it whatever the deadline. */
  async #previewThenFinal(order: Order, mustWait: boolean): Promise<ImageResult> {
    const deadline = after(order.arrivedAt, order.need.budgetMs);
    const now = this.#engine.clock.now();
    const choice = choosePreview(order.need, (need) => this.#split(need, order, now, after(order.arrivedAt, need.budgetMs)));
    if (choice === undefined) return this.#make(order);
    return choice.finalWaits || mustWait ? this.#oneAfterTheOther(order, choice, deadline) : this.#bothAtOnce(order, choice);
  }

  async #oneAfterTheOther(order: Order, choice: PreviewChoice, deadline: InstantMs): Promise<ImageResult> {
    const preview = await this.#makePreview(order, choice, order.options.signal);
    // A refused prompt is not sent again as a final, unless the policy says so; any other trouble is the preview's own.
    if (preview.refusal !== undefined && !order.need.policy.fallbackOnRefusal) throw preview.refusal;
    if (preview.result !== undefined && (await this.#answerTo(preview.result, order, deadline)) === 'accept') {
      return acceptedPreview(preview.result, order.need);
    }
    const need = { ...order.need, maxCost: capAfter(preview, order.need.maxCost) };
    try {
      return withPreview(await this.#make({ ...order, need, earlier: [] }), preview);
    } catch (error) {
      throw errorWithPreview(error, preview);
    }
  }

  /** The final does not wait for the preview, and the caller does not wait for the preview once the final is there. */
  async #bothAtOnce(order: Order, choice: PreviewChoice): Promise<ImageResult> {
    const enough = new AbortController();
    const { signal } = order.options;
    const leave = (): void => enough.abort();
    signal?.addEventListener('abort', leave);
    if (signal?.aborted) leave();
    const preview = this.#makePreview(order, choice, enough.signal);
    void preview.then(({ result }) => result && order.options.onPreview?.(result)).catch(() => undefined);
    try {
      const final = await this.#make({ ...order, need: { ...order.need, maxCost: choice.finalCap }, earlier: [] });
      enough.abort();
      return withPreview(final, await preview);
    } catch (error) {
      enough.abort();
      throw errorWithPreview(error, await preview);
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  /** Never rejects for what providers do. A preview shows no interim pictures of its own. */
  #makePreview(order: Order, choice: PreviewChoice, signal: AbortSignal | undefined): Promise<PreviewEnd> {
    const { onEvent, keepEncoded, beforeCall, priority } = order.options;
    const options = {
      ...(beforeCall === undefined ? {} : { beforeCall }),
      ...(keepEncoded === undefined ? {} : { keepEncoded }),
      ...(priority === undefined ? {} : { priority }),
      ...(signal === undefined ? {} : { signal }),
      ...(onEvent === undefined ? {} : { onEvent }),
    };
    return this.#make({ ...order, need: choice.previewNeed, options, part: 'preview' }).then(previewDelivered, previewFailed);
  }

  /** The caller's answer to a preview; `continue` when it takes until the caller leaves or half the time left is gone. */
  async #answerTo(preview: ImageResult, { options }: Order, deadline: InstantMs): Promise<'accept' | 'continue'> {
    if (options.onPreview === undefined) return 'continue';
    const { clock } = this.#engine;
    const ask = async (): Promise<'accept' | 'continue' | undefined> => options.onPreview?.(preview);
    const answer = await inTime(() => ask().catch(() => undefined), clock, (deadline - clock.now()) * ANSWER_SHARE, options.signal);
    return answer ?? 'continue';
  }

  #tell(order: Order, bare: TraceEvent): void {
    // Without its part the end of a preview would be taken for the end of the whole request.
    const event: TraceEvent = order.part === undefined ? bare : { ...bare, part: order.part };
    tell(order.options.onEvent, event);
    tell(this.#engine.listener, { kind: 'request', requestId: order.requestId, event });
  }

  #run(order: Order, need: Need, first: Plan, part: RunPart | undefined): Promise<Driven> {
    const { arrivedAt, options } = order;
    const run = { need, targets: this.#engine.targets, arrivedAt, deadline: after(arrivedAt, need.budgetMs) };
    return drive(this.#engine, run, first, {
      requestId: order.requestId,
      part,
      priority: priorityOf(need, options),
      signal: options.signal,
      onEvent: options.onEvent,
      beforeCall: options.beforeCall,
      attachments: order.attachments,
      keepEncoded: options.keepEncoded ?? false,
      onPartial: options.onPartial && ((_, partial) => options.onPartial?.(partial)),
    });
  }

  #split(need: Need, { mustBeConsistent, options }: Order, now: InstantMs, deadline: InstantMs): Split {
    return this.#splitIn(this.#engine.viewAt(now, priorityOf(need, options)), need, mustBeConsistent, now, deadline);
  }

  #splitIn(view: HealthView, need: Need, mustBeConsistent: boolean, now: InstantMs, deadline: InstantMs): Split {
    return split(freshSituation(need, this.#engine.targets, view, now, deadline), mustBeConsistent);
  }
}

/** How much of the time left a caller may take to look at a preview before the final starts anyway. */
const ANSWER_SHARE = 0.5;

/** In the queue before a route. */
function priorityOf({ policy }: Need, { priority = 0 }: Pick<GenerateOptions, 'priority'>): number {
  return policy.priority + priority;
}

/** The need of a caller who wants to see interim pictures, where there is somebody to show them to. */
function withPartials(need: Need, { onPartial }: Pick<GenerateOptions, 'onPartial'>): Need {
  return onPartial === undefined ? need : { ...need, partials: PARTIAL_IMAGES };
}

/** What single calls side by side cost together. */
function timesParts(plan: Plan, parts: number): Plan {
  const times = (amount: MicroUsd): MicroUsd => (amount * parts) as MicroUsd;
  return { ...plan, expectedCost: times(plan.expectedCost), worstCost: times(plan.worstCost) };
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

function freshSituation(need: Need, targets: readonly Target[], view: HealthView, now: InstantMs, deadline: InstantMs): Situation {
  return {
    need,
    targets,
    view,
    now,
    deadline,
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
