// A router whose requests do what a script says, and that keeps the real one's promises: every call is announced and waited for
// before it is made, and told of when it ends; it rejects with ImageRouterError only, `cancelled` soon after an abort or when
// a call was not let through. Its ledger is what the provider would bill.
import { ImageRouterError } from '../../../src/domain/error.ts';
import type { AttemptEnd } from '../../../src/domain/failure.ts';
import type { MicroUsd } from '../../../src/domain/money.ts';
import type { Infeasible, Plan } from '../../../src/domain/plan.ts';
import type { Usage } from '../../../src/domain/price.ts';
import type { ImageResult } from '../../../src/domain/result.ts';
import type { RunPart, TraceEvent } from '../../../src/domain/trace.ts';
import type { ExplainOptions, Explanation, GenerateOptions, ImageRequest } from '../../../src/index.ts';
import { needOf, targetNamed } from '../../support/worlds.ts';

const ROUTE = 'gpt-image-2-low' as ImageResult['route'];
export const PRICE = 5_900 as MicroUsd;
export const CEILING = 6_000 as MicroUsd;
const FREE = 0 as MicroUsd;

export type LedgerLine = {
  readonly requestId: string;
  readonly prompt: string;
  readonly part: RunPart | undefined;
  readonly attempt: number;
};
export type Script = (making: Making) => Promise<ImageResult>;

export class ScriptedRouter {
  /** Calls that reached the provider, all of them billed. */
  readonly ledger: LedgerLine[] = [];
  readonly makings: Making[] = [];
  script: Script;
  /** What would be made now, or once everything is well. */
  plan: (onceWell: boolean) => Plan | Infeasible = () => NO_PLAN;
  /** Where calls go, as they are written down. */
  target = targetNamed('gpt-image-2-low');
  /** What happens between a call's record and its answer; a test may let it hang, or die there. */
  upstream: (line: LedgerLine) => Promise<void> = async () => undefined;

  constructor(script: Script = async (making) => making.deliver(await making.call(1))) {
    this.script = script;
  }

  readonly explain = (_: ImageRequest, { onceWell = false }: ExplainOptions = {}): Explanation => ({
    need: needOf({ tier: 'premium' }),
    plan: this.plan(onceWell),
    parts: 1,
    preview: undefined,
  });

  readonly generate = (request: ImageRequest, options: GenerateOptions = {}): Promise<ImageResult> => {
    const making = new Making(this, `req_${this.makings.length + 1}`, request, options);
    this.makings.push(making);
    return this.script(making);
  };
}

const NO_PLAN: Infeasible = { kind: 'infeasible', binding: 'deadline', detail: 'no plan', forecasts: [], excluded: [], offers: [] };

type Made = { readonly cost: MicroUsd };

export class Making {
  readonly requestId: string;
  readonly request: ImageRequest;
  readonly options: GenerateOptions;
  readonly events: TraceEvent[] = [];
  readonly #router: ScriptedRouter;

  constructor(router: ScriptedRouter, requestId: string, request: ImageRequest, options: GenerateOptions) {
    this.#router = router;
    this.requestId = requestId;
    this.request = request;
    this.options = options;
  }

  get isAborted(): boolean {
    return this.options.signal?.aborted ?? false;
  }

  /** One upstream call, from its record to its end. */
  async call(attempt: number, part?: RunPart): Promise<Made> {
    const { requestId, options } = this;
    const line = { requestId, prompt: this.request.prompt, part, attempt };
    await options
      .beforeCall?.({ requestId, part, attempt, target: this.#router.target, route: ROUTE, ceiling: CEILING })
      .catch(() => this.cancelled());
    if (this.isAborted) return this.cancelled();
    this.#router.ledger.push(line);
    const gone = Promise.withResolvers<'gone'>();
    options.signal?.addEventListener('abort', () => gone.resolve('gone'));
    if ((await Promise.race([this.#router.upstream(line), gone.promise])) === 'gone') {
      this.#tell({ ...this.#endOf(attempt, part), end: TIMED_OUT, billed: FREE, possiblyBilled: CEILING });
      return this.cancelled();
    }
    this.#tell({ ...this.#endOf(attempt, part), end: { kind: 'delivered', cost: PRICE }, billed: PRICE, possiblyBilled: FREE });
    return { cost: PRICE };
  }

  /** A call that a provider turned away, free of charge. */
  async turnedAway(attempt: number): Promise<void> {
    await this.options.beforeCall?.({
      ...{ requestId: this.requestId, part: undefined, attempt, target: this.#router.target },
      ...{ route: ROUTE, ceiling: CEILING },
    });
    this.#tell({ ...this.#endOf(attempt, undefined), end: BUSY, billed: FREE, possiblyBilled: FREE });
  }

  /** Shows a preview and waits for the answer, as the router does where the final waits. */
  async preview(made: Made): Promise<void> {
    await this.options.onPreview?.(this.deliver(made, 'preview'));
  }

  deliver({ cost }: Made, picture = 'final'): ImageResult {
    const bytes = new TextEncoder().encode(`${picture} of ${this.request.prompt} by ${this.requestId}`);
    const image = { bytes, format: 'png', mediaType: 'image/png', width: 1024, height: 1024, route: ROUTE } as const;
    return {
      id: this.requestId,
      images: [image],
      route: ROUTE,
      target: targetNamed('gpt-image-2-low'),
      tier: 'preview',
      need: needOf(),
      degraded: undefined,
      warnings: [],
      cost: { billed: cost, possiblyBilled: FREE },
      usage: USAGE,
      elapsedMs: 4_000,
      trace: { requestId: this.requestId, events: this.events },
    };
  }

  fail(code: ImageRouterError['code'], details: ConstructorParameters<typeof ImageRouterError>[2] = {}): never {
    throw new ImageRouterError(code, `scripted: ${code}`, { trace: { requestId: this.requestId, events: this.events }, ...details });
  }

  cancelled(): never {
    return this.fail('cancelled');
  }

  #endOf(attempt: number, part: RunPart | undefined) {
    const about = { atMs: 4_000, attempt, target: this.#router.target, requestId: 'upstream' };
    return { kind: 'attempt-end', ...about, ...(part === undefined ? {} : { part }) } as const;
  }

  #tell(event: TraceEvent): void {
    this.events.push(event);
    this.options.onEvent?.(event);
  }
}

/** What a provider counts for each call. */
export const USAGE: Usage = { textInTokens: 10, imageInTokens: 0, imageOutTokens: 196, textOutTokens: 0 };

function failed(kind: 'unknown' | 'not-accepted', billed: 'no' | 'possibly'): AttemptEnd {
  const about = { fault: 'cancelled', retry: 'never', evidence: 'ignored', scope: 'route', retryAfterMs: undefined } as const;
  return { kind: 'failed', failure: { kind, billed, ...about, message: 'cut off', status: undefined } };
}
const TIMED_OUT = failed('unknown', 'possibly');
const BUSY = failed('not-accepted', 'no');
