// The router as an embedding program sees it: generate, explain, health, close. It turns a request into a need, a plan
// and a run, and a finished run into a result or the one public error.
import { classify } from './classify/classify.ts';
import { ImageRouterError } from './domain/error.ts';
import type { Need, Warning } from './domain/need.ts';
import type { Exclusion, Infeasible, Plan } from './domain/plan.ts';
import type { Policy } from './domain/policy.ts';
import { parseOrExplain, problemsError } from './domain/problem.ts';
import { type ImageRequest, ImageRequestSchema, MAX_PROMPT_CHARACTERS, type ParsedRequest } from './domain/request.ts';
import type { ImageResult } from './domain/result.ts';
import type { TargetId } from './domain/route.ts';
import { after, type InstantMs } from './domain/time.ts';
import type { TraceEvent } from './domain/trace.ts';
import type { Admission } from './domain/view.ts';
import type { RouteId, Tier } from './domain/vocabulary.ts';
import { type Driven, drive } from './execute/drive.ts';
import type { Engine } from './execute/engine.ts';
import { spendOf } from './execute/run.ts';
import type { HealthRow } from './health/health.ts';
import { type ResolvedOptions, unknownName } from './options.ts';
import { shortfalls } from './plan/adequacy.ts';
import { describeBelow } from './plan/candidates.ts';
import { MAX_ATTEMPTS, plan } from './plan/plan.ts';
import type { Adjustment } from './providers/provider.ts';

export type GenerateOptions = {
  /** Aborting gives up the request; calls already sent may still be billed, and the error says how much. */
  readonly signal?: AbortSignal;
  /** Hears every step of this request as it is added to the trace. It must not throw. */
  readonly onEvent?: (event: TraceEvent) => void;
};

export type Explanation = { readonly need: Need; readonly plan: Plan | Infeasible };

/** What is believed of one target now. */
export type TargetHealth = HealthRow & {
  readonly route: RouteId;
  readonly tier: Tier;
  readonly admission: Admission;
  readonly waiting: number;
};

export interface ImageRouter {
  /**
   * Makes an image inside the request's limits. Rejects with ImageRouterError only: `invalid_request`, `infeasible`
   * (with offers, before anything is spent), `refused`, `providers_failed`, `account`, `deadline_exceeded`, `cancelled`, `closed`.
   */
  generate(request: ImageRequest, options?: GenerateOptions): Promise<ImageResult>;
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
  #isClosed = false;

  constructor(options: ResolvedOptions, engine: Engine) {
    this.#options = options;
    this.#engine = engine;
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

  explain(request: ImageRequest): Explanation {
    const need = this.#need(request);
    return { need, plan: this.#plan(need, this.#engine.clock.now()) };
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

  async #generate(request: ImageRequest, options: GenerateOptions): Promise<ImageResult> {
    const { clock, ids } = this.#engine;
    const arrivedAt = clock.now();
    const need = this.#need(request);
    const requestId = ids.next('req');
    const first = this.#plan(need, arrivedAt);
    if (first.kind === 'infeasible') throw infeasibleError(first, requestId, options.onEvent);
    const run = { need, targets: this.#engine.targets, arrivedAt, deadline: after(arrivedAt, need.budgetMs) };
    const driven = await drive(this.#engine, run, first, { requestId, signal: options.signal, onEvent: options.onEvent });
    return toResult(driven, requestId, need);
  }

  #need(input: ImageRequest): Need {
    const request = parseRequest(input);
    return classify(request, this.#policyOf(request));
  }

  #policyOf(request: ParsedRequest): Policy {
    const { policies, defaultPolicy, routes } = this.#options;
    if (request.route !== undefined && !routes.some((route) => route.id === request.route)) {
      throw problemsError('invalid_request', 'request', [unknownName('route', 'route', request.route, routes)]);
    }
    if (request.policy === undefined) return defaultPolicy;
    const policy = policies.find((known) => known.id === request.policy);
    if (policy === undefined)
      throw problemsError('invalid_request', 'request', [unknownName('policy', 'policy', request.policy, policies)]);
    return policy;
  }

  #plan(need: Need, now: InstantMs): Plan | Infeasible {
    return plan({
      need,
      targets: this.#engine.targets,
      view: this.#engine.viewAt(now),
      now,
      deadline: after(now, need.budgetMs),
      committed: spendOf([]).billed,
      hedgesCommitted: spendOf([]).billed,
      running: [],
      heldValueUsd: 0,
      attemptsLeft: MAX_ATTEMPTS,
      setbacks: [],
      setAside: new Map(),
      notBefore: new Map(),
    });
  }
}

/** A long prompt is counted before anything reads it, so that a hostile one costs nothing. */
function parseRequest(input: ImageRequest): ParsedRequest {
  const { prompt } = input ?? {};
  if (typeof prompt === 'string' && prompt.length > MAX_PROMPT_CHARACTERS) {
    const rule = `must be at most ${MAX_PROMPT_CHARACTERS} characters`;
    const problem = { field: 'prompt', rule, value: `${prompt.length} characters`, remedy: 'shorten it; the first 200 words matter most' };
    throw problemsError('invalid_request', 'request', [problem]);
  }
  return parseOrExplain(ImageRequestSchema, input, 'invalid_request', 'request');
}

function infeasibleError(refusal: Infeasible, requestId: string, onEvent: GenerateOptions['onEvent']): ImageRouterError {
  const event: TraceEvent = { kind: 'plan', atMs: 0, plan: refusal, cause: 'request' };
  onEvent?.(event);
  return new ImageRouterError('infeasible', `no route can do this within the limits: ${refusal.detail}`, {
    offers: refusal.offers,
    trace: { requestId, events: [event] },
    remedy: refusal.offers[0] === undefined ? 'relax a limit or configure another endpoint' : describeOffer(refusal.offers[0]),
  });
}

/** An offer in words: `allow latencyBudgetMs 27000 (nano-banana-pro)`. */
export function describeOffer(offer: Infeasible['offers'][number]): string {
  if (offer.change === 'retryAfterMs') return `try again in ${Math.ceil(offer.to / 1_000)} s (${offer.route})`;
  if (offer.change === 'onLate') return `accept less with onLate: degrade (${offer.route})`;
  return `allow ${offer.change} ${offer.to} (${offer.route})`;
}

function toResult({ finish, run, events, reply }: Driven, requestId: string, need: Need): ImageResult {
  const trace = { requestId, events };
  const { billed, possiblyBilled } = spendOf(run.attempts);
  if (finish.kind === 'failed' || reply === undefined) {
    const { code, message, refusal } =
      finish.kind === 'failed' ? finish : { code: 'providers_failed' as const, message: 'no reply', refusal: undefined };
    throw new ImageRouterError(code, message, { trace, offers: refusal?.offers ?? [] });
  }
  const attempt = run.attempts[finish.attempt - 1];
  if (attempt === undefined) throw new Error('invariant: the delivered attempt is part of its run');
  const { route } = attempt.target;
  return {
    id: requestId,
    images: reply.images,
    route: route.id,
    target: attempt.target.id,
    tier: route.tier,
    need,
    degraded: degradation(shortfalls(route, need), route.id, events),
    warnings: [...need.warnings, ...reply.adjustments.map(toWarning)],
    cost: { billed, possiblyBilled },
    elapsedMs: events.at(-1)?.atMs ?? 0,
    trace,
  };
}

function toWarning(adjustment: Adjustment): Warning {
  return { code: adjustment.kind === 'geometry' ? 'geometry-changed' : 'format-converted', detail: adjustment.detail };
}

/** In which way the image falls short, and what kept the routes that would not have. */
function degradation(below: ReturnType<typeof shortfalls>, route: RouteId, events: readonly TraceEvent[]): string | undefined {
  if (below.length === 0) return undefined;
  const plans = events.flatMap((event) => (event.kind === 'plan' ? [event.plan] : []));
  const obstacles = new Map<TargetId | RouteId, Exclusion>();
  for (const { excluded } of plans) for (const exclusion of excluded) obstacles.set(exclusion.target ?? exclusion.route, exclusion);
  const because = [...obstacles.values()]
    .filter((exclusion) => exclusion.route !== route)
    .map((exclusion) => `${exclusion.route}: ${exclusion.detail}`)
    .join('; ');
  return `${describeBelow(below)} of ${route} is below the need${because === '' ? '' : ` (${because})`}`;
}
