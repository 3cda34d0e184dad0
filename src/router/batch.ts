// Many requests with bounded concurrency and bounded spend. Each is an ordinary request with a price cap cut from what is
// left of the batch's, reserved before it starts and settled when it ends, so that the batch's cap holds at every moment.
import { type ImageRouterError, isImageRouterError } from '../domain/error.ts';
import { addUsd, dollars, formatUsd, type MicroUsd, microUsd, ZERO_USD } from '../domain/money.ts';
import type { ImageRequest } from '../domain/request.ts';
import { costInTrace, type ImageResult } from '../domain/result.ts';
import type { ImageRouter } from './image-router.ts';

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
  const batch = new Batch(router, new Source(requests), new Purse(options.maxCostUsd), concurrency, signal);
  try {
    while (batch.isOpen) {
      const item = await batch.step();
      if (item !== undefined) yield item;
    }
  } finally {
    leaving.abort();
    await batch.leave();
  }
}

class Batch {
  readonly #router: Pick<ImageRouter, 'generate' | 'explain'>;
  readonly #source: Source;
  readonly #purse: Purse;
  readonly #concurrency: number;
  readonly #signal: AbortSignal;
  readonly #running = new Map<number, Promise<BatchItem>>();
  readonly #aborted: Promise<undefined>;

  constructor(router: Pick<ImageRouter, 'generate' | 'explain'>, source: Source, purse: Purse, concurrency: number, signal: AbortSignal) {
    this.#router = router;
    this.#source = source;
    this.#purse = purse;
    this.#concurrency = concurrency;
    this.#signal = signal;
    this.#aborted = new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
  }

  get isOpen(): boolean {
    return this.#running.size > 0 || (!this.#source.isEnded && !this.#signal.aborted);
  }

  /** Waits for whatever comes first: an item that ends, or a request to start. A slow source never holds back what ended. */
  async step(): Promise<BatchItem | undefined> {
    const mayTake = !this.#source.isEnded && this.#running.size < this.#concurrency && !this.#signal.aborted;
    const ended = await Promise.race([...(mayTake ? [this.#source.arrival(), this.#aborted] : []), ...this.#running.values()]);
    if (ended !== undefined) return this.#close(ended);
    return mayTake && !this.#signal.aborted && this.#source.waiting !== undefined ? this.#start(this.#source.waiting) : undefined;
  }

  /** Everything that runs has been told to stop; it is waited for, so that its spend is known. */
  async leave(): Promise<void> {
    await Promise.all(this.#running.values());
    this.#source.leave();
  }

  async #start(job: Job): Promise<BatchItem | undefined> {
    const granted = this.#purse.grant(job.request, this.#router);
    // What running siblings have reserved and do not spend may still make room.
    if (granted.kind === 'no-room' && this.#running.size > 0) return this.#close(await Promise.race(this.#running.values()));
    this.#source.take();
    if (granted.kind === 'no-room') {
      return { ...job, kind: 'skipped', reason: `needs ${formatUsd(granted.needs)}, the batch has ${formatUsd(this.#purse.left)} left` };
    }
    this.#running.set(job.index, runOne(this.#router, this.#purse, job, granted, this.#signal));
    return undefined;
  }

  #close(item: BatchItem): BatchItem {
    this.#running.delete(item.index);
    return item;
  }
}

type Job = { readonly index: number; readonly request: ImageRequest };

/** Requests one at a time, numbered, from any kind of iterable. */
class Source {
  readonly #iterator: AsyncIterator<ImageRequest> | Iterator<ImageRequest>;
  #arrival: Promise<undefined> | undefined;
  #index = 0;
  /** The next request, once it has arrived. */
  waiting: Job | undefined;
  isEnded = false;

  constructor(requests: Iterable<ImageRequest> | AsyncIterable<ImageRequest>) {
    this.#iterator = Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
  }

  /** Resolves when `waiting` holds the next request, or the source has ended. */
  arrival(): Promise<undefined> {
    if (this.waiting !== undefined) return Promise.resolve(undefined);
    this.#arrival ??= this.#fetch();
    return this.#arrival;
  }

  take(): void {
    this.waiting = undefined;
  }

  leave(): void {
    void this.#iterator.return?.();
  }

  async #fetch(): Promise<undefined> {
    const { done, value } = await this.#iterator.next();
    this.#arrival = undefined;
    if (done) this.isEnded = true;
    else {
      this.waiting = { index: this.#index, request: value };
      this.#index += 1;
    }
    return undefined;
  }
}

async function runOne(
  router: Pick<ImageRouter, 'generate'>,
  purse: Purse,
  job: Job,
  { amount: reserved, cap }: Granted,
  signal: AbortSignal,
): Promise<BatchItem> {
  let spent = ZERO_USD;
  try {
    const request = cap === undefined ? job.request : { ...job.request, maxCostUsd: dollars(cap) };
    const result = await router.generate(request, { signal });
    spent = addUsd(result.cost.billed, result.cost.possiblyBilled);
    return { ...job, kind: 'delivered', result };
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    const cost = costInTrace(error.trace?.events ?? []);
    spent = addUsd(cost.billed, cost.possiblyBilled);
    return { ...job, kind: 'failed', error };
  } finally {
    purse.settle(reserved, spent);
  }
}

type Range = { readonly least: MicroUsd; readonly most: MicroUsd };

/**
 * What a request needs at least (its first calls) and may need at most (every planned call, or the caller's own cap). One that is
 * infeasible may not be so a moment later, when it is made: it needs nothing, and may take what there is. Undefined: one that
 * cannot even be read costs nothing; generate will say what is wrong with it.
 */
function rangeOf(router: Pick<ImageRouter, 'explain'>, request: ImageRequest): Range | undefined {
  try {
    const { plan, need, parts } = router.explain(request);
    if (plan.kind === 'infeasible') return { least: ZERO_USD, most: need.maxCost ?? UNLIMITED };
    const least = ((plan.attempts[0]?.price.ceiling ?? ZERO_USD) * parts) as MicroUsd;
    return { least, most: need.maxCost ?? plan.worstCost };
  } catch (error) {
    if (isImageRouterError(error)) return undefined;
    throw error;
  }
}

const UNLIMITED = Number.MAX_SAFE_INTEGER as MicroUsd;
/** The smallest cap there is, for what is to cost nothing. */
const LEAST_CAP = 1 as MicroUsd;

/** `amount` was reserved; `cap`: what the request is to be held to. */
type Granted = { readonly kind: 'granted'; readonly amount: MicroUsd; readonly cap: MicroUsd | undefined };
type Grant = Granted | { readonly kind: 'no-room'; readonly needs: MicroUsd };

/** The batch's money: reserved before a request, settled after. */
class Purse {
  readonly #isBounded: boolean;
  #left: number;

  constructor(maxCostUsd: number | undefined) {
    this.#isBounded = maxCostUsd !== undefined;
    this.#left = maxCostUsd === undefined ? Number.POSITIVE_INFINITY : microUsd(maxCostUsd);
  }

  get left(): MicroUsd {
    return this.#left as MicroUsd;
  }

  /** Reserves as much of what the request may need as there is; `no-room` when that is less than it needs. */
  grant(request: ImageRequest, router: Pick<ImageRouter, 'explain'>): Grant {
    const range = this.#isBounded ? rangeOf(router, request) : undefined;
    if (range === undefined) return { kind: 'granted', amount: ZERO_USD, cap: undefined };
    const { least, most } = range;
    if (least > this.#left) return { kind: 'no-room', needs: least };
    const amount = Math.min(Math.max(least, most), this.#left) as MicroUsd;
    this.#left -= amount;
    return { kind: 'granted', amount, cap: amount > LEAST_CAP ? amount : LEAST_CAP };
  }

  settle(reserved: MicroUsd, spent: MicroUsd): void {
    this.#left += reserved - spent;
  }
}
