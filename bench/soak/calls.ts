// Plays callers: each comes at its time, behaves in its manner, and leaves one short fact per request. No pictures and no
// traces are kept, so that what the heap holds afterwards belongs to the router.
import { getEventListeners } from 'node:events';
import type { ErrorCode } from '../../src/domain/error.ts';
import type { TraceEvent } from '../../src/domain/trace.ts';
import { type ImageRequest, type ImageResult, type ImageRouter, isImageRouterError } from '../../src/index.ts';
import type { BatchItem } from '../../src/router/batch.ts';
import type { Clock } from '../../src/system/clock.ts';
import type { Caller } from './load.ts';

export type Outcome = 'delivered' | 'degraded' | 'skipped' | ErrorCode;

/** What a request came to. Milliseconds are the world's. */
export type Fact = {
  readonly manner: Caller['manner']['kind'];
  readonly outcome: Outcome;
  readonly images: number;
  readonly asked: number;
  readonly tookMs: number;
  readonly budgetMs: number;
  /** How long after the caller had left the request ended; undefined when it stayed. */
  readonly afterLeavingMs: number | undefined;
  /** Micro-dollars. */
  readonly billed: number;
  readonly possiblyBilled: number;
  readonly capUsd: number | undefined;
};

export type Played = { readonly facts: readonly Fact[]; readonly broken: readonly string[]; readonly listenersLeft: number };

/** Plays all callers and resolves when every one has its end. Never rejects: what should not happen is in `broken`. */
export async function playCallers(router: ImageRouter, clock: Clock, callers: readonly Caller[]): Promise<Played> {
  const stage = new Stage(router, clock);
  const startedAt = clock.now();
  await Promise.all(
    callers.map(
      (caller) =>
        new Promise<void>((resolve) => {
          clock.timer(caller.arrivesMs - (clock.now() - startedAt), () => void stage.play(caller).then(resolve));
        }),
    ),
  );
  return { facts: stage.facts, broken: stage.broken, listenersLeft: stage.listenersLeft };
}

type Started = { readonly caller: Caller; readonly request: ImageRequest; readonly startedAt: number; leftAt: number | undefined };

class Stage {
  readonly facts: Fact[] = [];
  readonly broken: string[] = [];
  listenersLeft = 0;
  readonly #router: ImageRouter;
  readonly #clock: Clock;

  constructor(router: ImageRouter, clock: Clock) {
    this.#router = router;
    this.#clock = clock;
  }

  async play(caller: Caller): Promise<void> {
    const leaving = new AbortController();
    try {
      await this.#playManner(caller, leaving);
    } catch (error) {
      this.broken.push(`a caller who ${caller.manner.kind} got what is no ImageRouterError: ${String(error)}`);
    }
    this.listenersLeft += getEventListeners(leaving.signal, 'abort').length;
  }

  async #playManner(caller: Caller, leaving: AbortController): Promise<void> {
    const { manner, request } = caller;
    const started: Started = { caller, request, startedAt: this.#clock.now(), leftAt: undefined };
    switch (manner.kind) {
      case 'waits':
        return this.#settle(started, this.#router.generate(request, { signal: leaving.signal }));
      case 'leaves': {
        const leave = (): void => {
          started.leftAt = this.#clock.now();
          leaving.abort();
        };
        const forget = this.#clock.timer(manner.atShare * this.#budgetOf(request), leave);
        await this.#settle(started, this.#router.generate(request, { signal: leaving.signal }));
        return forget();
      }
      case 'previews':
        return this.#settle(started, this.#router.generate(request, { signal: leaving.signal, onPreview: () => manner.answer }));
      case 'streams':
        return this.#settle(started, this.#follow(started, manner.leavesAfter, leaving.signal));
      case 'batches':
        return this.#batch(caller, manner, leaving.signal);
    }
  }

  /** The stream's result; undefined when the caller left the loop. */
  async #follow(started: Started, leavesAfter: number | undefined, signal: AbortSignal): Promise<ImageResult | undefined> {
    let heard = 0;
    for await (const event of this.#router.stream(started.request, { signal })) {
      if (event.kind === 'final') return event.result;
      heard += 1;
      if (heard === leavesAfter) {
        started.leftAt = this.#clock.now();
        return undefined;
      }
    }
    throw new Error('a stream ended without its final event');
  }

  async #settle(started: Started, work: Promise<ImageResult | undefined>): Promise<void> {
    try {
      const result = await work;
      if (result === undefined) this.#note(started, 'cancelled', undefined, []);
      else this.#noteResult(started, result);
    } catch (error) {
      if (!isImageRouterError(error)) throw error;
      this.#note(started, error.code, undefined, error.trace?.events ?? []);
    }
  }

  #noteResult(started: Started, result: ImageResult): void {
    this.#note(started, result.degraded === undefined ? 'delivered' : 'degraded', result, result.trace.events);
    const told = spendIn(result.trace.events);
    if (told.billed !== result.cost.billed || told.possiblyBilled !== result.cost.possiblyBilled) {
      this.broken.push(
        `${result.id} says it cost ${result.cost.billed}+${result.cost.possiblyBilled}, its trace ${told.billed}+${told.possiblyBilled}`,
      );
    }
  }

  async #batch(caller: Caller, manner: Extract<Caller['manner'], { kind: 'batches' }>, signal: AbortSignal): Promise<void> {
    const { others, maxCostUsd } = manner;
    const requests = [caller.request, ...others];
    const seen = new Set<number>();
    let spent = 0;
    for await (const item of this.#router.batch(requests, {
      concurrency: 2,
      signal,
      ...(maxCostUsd === undefined ? {} : { maxCostUsd }),
    })) {
      if (seen.has(item.index)) this.broken.push(`a batch gave request ${item.index} twice`);
      seen.add(item.index);
      spent += this.#noteItem(caller, item);
    }
    if (seen.size !== requests.length) this.broken.push(`a batch of ${requests.length} gave ${seen.size} ends`);
    if (maxCostUsd !== undefined && spent > maxCostUsd * 1e6 + 1) {
      this.broken.push(`a batch capped at $${maxCostUsd} may have cost ${spent} micro-dollars`);
    }
  }

  /** Returns what the item may have cost. When it started is the batch's own business: its trace says how long it took. */
  #noteItem(caller: Caller, item: BatchItem): number {
    const events = eventsOf(item);
    const startedAt = this.#clock.now() - (events.at(-1)?.atMs ?? 0);
    const started: Started = { caller, request: item.request, startedAt, leftAt: undefined };
    if (item.kind === 'delivered') this.#noteResult(started, item.result);
    else this.#note(started, item.kind === 'failed' ? item.error.code : item.kind, undefined, events);
    const { billed, possiblyBilled } = spendIn(events);
    return billed + possiblyBilled;
  }

  #note(started: Started, outcome: Outcome, result: ImageResult | undefined, events: readonly TraceEvent[]): void {
    const now = this.#clock.now();
    this.facts.push({
      manner: started.caller.manner.kind,
      outcome,
      images: result?.images.length ?? 0,
      // Whoever accepts the preview has what it wanted, whatever was asked before.
      asked: result !== undefined && result.preview?.images === result.images ? result.images.length : (started.request.n ?? 1),
      tookMs: now - started.startedAt,
      budgetMs: this.#budgetOf(started.request),
      afterLeavingMs: started.leftAt === undefined ? undefined : now - started.leftAt,
      ...spendIn(events),
      capUsd: started.request.maxCostUsd,
    });
  }

  /** Every drawn request names its budget. */
  #budgetOf({ latencyBudgetMs }: ImageRequest): number {
    return latencyBudgetMs ?? Number.NaN;
  }
}

function eventsOf(item: BatchItem): readonly TraceEvent[] {
  if (item.kind === 'delivered') return item.result.trace.events;
  return item.kind === 'failed' ? (item.error.trace?.events ?? []) : [];
}

function spendIn(events: readonly TraceEvent[]): { readonly billed: number; readonly possiblyBilled: number } {
  let billed = 0;
  let possiblyBilled = 0;
  for (const event of events) {
    if (event.kind !== 'attempt-end') continue;
    billed += event.billed;
    possiblyBilled += event.possiblyBilled;
  }
  return { billed, possiblyBilled };
}
