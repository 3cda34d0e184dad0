// Many requests with bounded concurrency and bounded spend. Each is an ordinary request with a price cap cut from what is
// left of the batch's, reserved before it starts and settled when it ends, so that the batch's cap holds at every moment.
import { type ImageRouterError, isImageRouterError } from '../domain/error.ts';
import { addUsd, dollars, formatUsd, type MicroUsd, microUsd, ZERO_USD } from '../domain/money.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { ImageResult } from '../domain/result.ts';
import type { ImageRouter } from './router.ts';

export type BatchOptions = {
  /** Requests that run at the same time. Default 5: twenty sketches in the time of four. */
  readonly concurrency?: number;
  /** Most dollars the whole batch may cost, possibly billed calls included. Default: no cap. */
  readonly maxCostUsd?: number;
  readonly signal?: AbortSignal;
};

/** One request's end. `index` is its place in the input. */
export type BatchItem = { readonly index: number; readonly request: ImageRequest } & (
  | { readonly kind: 'delivered'; readonly result: ImageResult }
  | { readonly kind: 'failed'; readonly error: ImageRouterError }
  /** Not started: what is left of the batch's cap has no room for it. */
  | { readonly kind: 'skipped'; readonly reason: string }
);

const DEFAULT_CONCURRENCY = 5;
const MOST_CONCURRENCY = 1_000;

/** Throws RangeError for a concurrency that is not a whole number from 1 to 1000. */
export async function* runBatch(
  router: Pick<ImageRouter, 'generate' | 'explain'>,
  requests: Iterable<ImageRequest> | AsyncIterable<ImageRequest>,
  options: BatchOptions,
): AsyncGenerator<BatchItem, void, void> {
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  if (!(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MOST_CONCURRENCY)) {
    throw new RangeError(`concurrency must be a whole number from 1 to ${MOST_CONCURRENCY}, got ${concurrency}`);
  }
  const leaving = new AbortController();
  const signal = options.signal === undefined ? leaving.signal : AbortSignal.any([options.signal, leaving.signal]);
  const purse = new Purse(options.maxCostUsd);
  const running = new Map<number, Promise<BatchItem>>();
  let index = 0;
  try {
    for await (const request of requests) {
      if (signal.aborted) break;
      running.set(index, runOne(router, purse, { index, request }, signal));
      index += 1;
      if (running.size >= concurrency) yield await takeFirst(running);
    }
    while (running.size > 0) yield await takeFirst(running);
  } finally {
    leaving.abort();
    await Promise.all(running.values());
  }
}

async function takeFirst(running: Map<number, Promise<BatchItem>>): Promise<BatchItem> {
  const item = await Promise.race(running.values());
  running.delete(item.index);
  return item;
}

async function runOne(
  router: Pick<ImageRouter, 'generate' | 'explain'>,
  purse: Purse,
  item: { readonly index: number; readonly request: ImageRequest },
  signal: AbortSignal,
): Promise<BatchItem> {
  let reserved = ZERO_USD;
  let spent = ZERO_USD;
  try {
    const range = purse.isBounded ? rangeOf(router, item.request) : undefined;
    const granted = range && purse.reserve(range);
    if (range !== undefined && granted === undefined) {
      return { ...item, kind: 'skipped', reason: `needs ${formatUsd(range.least)}, the batch has ${formatUsd(purse.left)} left` };
    }
    reserved = granted ?? ZERO_USD;
    const request = granted === undefined ? item.request : { ...item.request, maxCostUsd: dollars(granted) };
    const result = await router.generate(request, { signal });
    spent = addUsd(result.cost.billed, result.cost.possiblyBilled);
    return { ...item, kind: 'delivered', result };
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    spent = spentIn(error);
    return { ...item, kind: 'failed', error };
  } finally {
    purse.settle(reserved, spent);
  }
}

type Range = { readonly least: MicroUsd; readonly most: MicroUsd };

/** What a request needs at least (its first calls) and may need at most (every planned call, or the caller's own cap). */
function rangeOf(router: Pick<ImageRouter, 'explain'>, request: ImageRequest): Range {
  const { plan, need } = router.explain(request);
  if (plan.kind === 'infeasible') return { least: ZERO_USD, most: ZERO_USD };
  const parts = plan.attempts[0]?.images === need.n ? 1 : need.n;
  const least = ((plan.attempts[0]?.price.ceiling ?? ZERO_USD) * parts) as MicroUsd;
  return { least, most: need.maxCost ?? ((plan.worstCost * parts) as MicroUsd) };
}

function spentIn(error: ImageRouterError): MicroUsd {
  const ends = error.trace?.events.flatMap((event) => (event.kind === 'end' ? [event] : [])) ?? [];
  return ends.reduce((sum, end) => sum + end.billed + end.possiblyBilled, 0) as MicroUsd;
}

/** The batch's money: reserved before a request, settled after. */
class Purse {
  readonly isBounded: boolean;
  #left: number;

  constructor(maxCostUsd: number | undefined) {
    this.isBounded = maxCostUsd !== undefined;
    this.#left = maxCostUsd === undefined ? Number.POSITIVE_INFINITY : microUsd(maxCostUsd);
  }

  get left(): MicroUsd {
    return this.#left as MicroUsd;
  }

  /** Reserves as much of the range as there is; undefined when that is less than the least. */
  reserve({ least, most }: Range): MicroUsd | undefined {
    if (least > this.#left) return undefined;
    const granted = Math.min(Math.max(least, most), this.#left);
    this.#left -= granted;
    return granted as MicroUsd;
  }

  settle(reserved: MicroUsd, spent: MicroUsd): void {
    this.#left += reserved - spent;
  }
}
