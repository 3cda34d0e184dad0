// Jobs in memory, for tests of HTTP: one process, no disk, no fences, and otherwise what the port promises. With a router every
// job is begun as soon as it is accepted; without one a test says what happens to it.
import { createHash } from 'node:crypto';
import { isImageRouterError } from '../../../src/domain/error.ts';
import { hasEnded, type Job, type JobAttempt, type JobEvent, type JobEventKind, type StoredImage } from '../../../src/domain/job.ts';
import { addUsd, ZERO_USD } from '../../../src/domain/money.ts';
import type { ImageRequest } from '../../../src/domain/request.ts';
import { costInTrace, type ImageResult, type ResultImage } from '../../../src/domain/result.ts';
import type { TraceEvent } from '../../../src/domain/trace.ts';
import type { ImageRouter } from '../../../src/index.ts';
import type { BlobRange } from '../../../src/jobs/blob-store.ts';
import type { Family, JobHint, JobStore, ListJobs, QueueDepth } from '../../../src/jobs/job-store.ts';
import type { JobOrder, Jobs, Progress } from '../../../src/jobs/jobs.ts';
import type { Clock } from '../../../src/system/clock.ts';

type Kept = {
  job: Job;
  readonly request: ImageRequest;
  readonly events: JobEvent[];
  readonly attempts: JobAttempt[];
  abort: AbortController;
};

export class MemoryJobs implements Jobs {
  readonly kept = new Map<string, Kept>();
  readonly blobs = new Map<string, Uint8Array>();
  /** Ranges that were read, in order. */
  readonly reads: (BlobRange | undefined)[] = [];
  /** What `submit` rejects with. */
  trouble: Error | undefined;
  readonly #clock: Clock;
  readonly #router: Pick<ImageRouter, 'generate'> | undefined;
  readonly #defaultLifeMs: number;
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<() => void>();
  readonly #running = new Set<Promise<void>>();

  constructor(clock: Clock, router?: Pick<ImageRouter, 'generate'>, defaultLifeMs = 86_400_000) {
    this.#clock = clock;
    this.#router = router;
    this.#defaultLifeMs = defaultLifeMs;
  }

  async submit(orders: readonly JobOrder[]): Promise<readonly Job[] | 'overtaken'> {
    if (this.trouble !== undefined) throw this.trouble;
    if (orders.some(({ lineage = '', newestSeen = Infinity }) => this.#newest(lineage) > newestSeen)) return 'overtaken';
    const fresh = orders.filter(({ id, origin }) => origin.kind !== 'batch' || !this.kept.has(id));
    const accepted = fresh.map((order) => this.#accept(order));
    for (const { id } of accepted) if (this.#router !== undefined) this.#begin(id, this.#router);
    return accepted;
  }

  async find(principal: string, id: string): Promise<Job | undefined> {
    const job = this.kept.get(id)?.job;
    return job?.principal === principal ? job : undefined;
  }

  async list({ principal, states, batch, lineage, after, limit }: ListJobs): Promise<readonly Job[]> {
    const isBefore = (job: Job): boolean =>
      after === undefined || job.createdAt < after.createdAt || (job.createdAt === after.createdAt && job.id < after.id);
    return [...this.kept.values()]
      .map(({ job }) => job)
      .filter((job) => job.principal === principal && (states?.includes(job.state) ?? true) && isBefore(job))
      .filter((job) => batch === undefined || (job.origin.kind === 'batch' && job.origin.batch === batch))
      .filter((job) => lineage === undefined || job.lineage === lineage)
      .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      .slice(0, limit);
  }

  async attempts(principal: string, id: string): Promise<readonly JobAttempt[]> {
    return (await this.find(principal, id)) === undefined ? [] : this.#of(id).attempts;
  }

  async request(job: Job): Promise<ImageRequest | undefined> {
    return this.kept.get(job.id)?.request;
  }

  async family(principal: string, lineage: string): Promise<Family> {
    const family = [...this.kept.values()].filter(({ job }) => job.principal === principal && job.lineage === lineage);
    const cost = {
      billed: addUsd(...family.map(({ job }) => job.cost.billed)),
      possiblyBilled: addUsd(...family.map(({ job }) => job.cost.possiblyBilled)),
    };
    return { cost, newest: this.#newest(lineage) };
  }

  #newest(lineage: string): number {
    return [...this.kept.values()].findLastIndex(({ job }) => job.lineage === lineage);
  }

  async *watch(principal: string, id: string, after: number, signal: AbortSignal): AsyncIterable<JobEvent> {
    if ((await this.find(principal, id)) === undefined) return;
    const { events } = this.#of(id);
    let next = after;
    while (!signal.aborted) {
      const event = events[next];
      if (event !== undefined) {
        next += 1;
        yield event;
        continue;
      }
      if (hasEnded(this.#of(id).job.state)) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  progress({ startedAt, expectedMs }: Job): Progress {
    if (startedAt === undefined || expectedMs === undefined) return { share: 0, expectedEndAt: undefined, isEstimate: true };
    const share = Math.min(0.95, (this.#clock.wall().getTime() - startedAt) / expectedMs);
    return { share, expectedEndAt: startedAt + expectedMs, isEstimate: true };
  }

  async cancel(principal: string, id: string): Promise<Job | undefined> {
    const job = await this.find(principal, id);
    if (job === undefined || hasEnded(job.state)) return job;
    if (job.state === 'queued') this.end(id, 'cancelled', {});
    else this.#change(id, { isCancelAsked: true });
    this.#of(id).abort.abort();
    return this.#of(id).job;
  }

  async depth(): Promise<QueueDepth> {
    const count = (state: Job['state']): number => [...this.kept.values()].filter(({ job }) => job.state === state).length;
    return { queued: count('queued'), running: count('running') + count('preview_ready') };
  }

  async content(image: StoredImage, range: BlobRange | undefined): Promise<Uint8Array | undefined> {
    this.reads.push(range);
    const bytes = this.blobs.get(image.blob);
    return range === undefined ? bytes : bytes?.subarray(range.start, range.end + 1);
  }

  async forget(principal: string): Promise<void> {
    for (const [id, { job, abort }] of this.kept) {
      if (job.principal !== principal) continue;
      abort.abort();
      this.kept.delete(id);
      for (const { blob } of [...job.images, ...job.previews]) this.blobs.delete(blob);
    }
  }

  /** As the store beneath would. */
  async batchTally(principal: string, batch: string): ReturnType<JobStore['batchTally']> {
    const jobs = await this.list({ principal, batch, states: undefined, lineage: undefined, after: undefined, limit: 100_000 });
    const counts = Map.groupBy(jobs, ({ state }) => state);
    return {
      states: Object.fromEntries([...counts].map(([state, some]) => [state, some.length])),
      cost: {
        billed: addUsd(...jobs.map(({ cost }) => cost.billed)),
        possiblyBilled: addUsd(...jobs.map(({ cost }) => cost.possiblyBilled)),
      },
    };
  }

  subscribe(listener: (hint: JobHint) => void): () => void {
    const wake = (): void => listener({ kind: 'job', id: 'some' });
    this.#listeners.add(wake);
    return () => this.#listeners.delete(wake);
  }

  /** Once nothing is being made any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** A worker takes it. */
  start(id: string, expectedMs = 60_000): void {
    this.#change(id, { state: 'running', startedAt: this.#now(), runs: this.#of(id).job.runs + 1, expectedMs });
    this.#tell(id, 'job.running', { run: this.#of(id).job.runs });
  }

  preview(id: string, ...previews: readonly StoredImage[]): void {
    this.#change(id, { state: 'preview_ready', previews: [...this.#of(id).job.previews, ...previews] });
    this.#tell(id, 'job.preview_ready', { previews: previews.length });
  }

  end(id: string, state: 'completed' | 'failed' | 'cancelled' | 'expired', changes: Partial<Job>): void {
    this.#change(id, { ...changes, state, endedAt: this.#now() });
    this.#tell(id, `job.${state}`, {});
  }

  /** A picture in the blob store, as a job names it. */
  store(bytes: Uint8Array, about: Partial<StoredImage> = {}): StoredImage {
    const blob = `blob_${this.blobs.size}`;
    this.blobs.set(blob, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const route = 'gpt-image-2-low' as StoredImage['route'];
    return { blob, sha256, bytes: bytes.byteLength, format: 'png', width: 1024, height: 1024, route, tier: 'preview', ...about };
  }

  #accept(order: JobOrder): Job {
    const { id, principal, request, model, origin, maxCost } = order;
    const { referenceImages = [], mask: _, ...rest } = request;
    const kept =
      referenceImages.length === 0 ? rest : { ...rest, referenceBlobs: referenceImages.map((_bytes, index) => `${id}-${index}`) };
    const createdAt = this.#now();
    const job: Job = {
      id,
      principal,
      lineage: order.lineage ?? id,
      origin,
      request: kept,
      model,
      state: 'queued',
      createdAt,
      startedAt: undefined,
      endedAt: undefined,
      deadlineAt: createdAt + (order.lifeMs ?? this.#defaultLifeMs),
      expectedMs: undefined,
      runs: 0,
      isCancelAsked: false,
      cost: { billed: ZERO_USD, possiblyBilled: ZERO_USD },
      maxCost,
      previews: [],
      images: [],
      degraded: undefined,
      error: undefined,
      traceId: undefined,
    };
    this.kept.set(id, { job, request, events: [], attempts: [], abort: new AbortController() });
    this.#tell(id, 'job.queued', {});
    return job;
  }

  #begin(id: string, router: Pick<ImageRouter, 'generate'>): void {
    const running = this.#run(id, router).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run(id: string, router: Pick<ImageRouter, 'generate'>): Promise<void> {
    this.start(id);
    const { request, abort, job } = this.#of(id);
    const cap = job.maxCost === undefined ? {} : { maxCostUsd: job.maxCost / 1_000_000 };
    const asked = { ...request, ...cap, latencyBudgetMs: Math.min(86_400_000, job.deadlineAt - job.createdAt) };
    const options = {
      signal: abort.signal,
      onEvent: (event: TraceEvent) => this.#follow(id, event),
      onPreview: (made: ImageResult) => {
        this.preview(id, ...made.images.map((image) => this.#stored(image, made)));
        return 'continue' as const;
      },
    };
    try {
      const result = await router.generate(asked, options);
      const usage = result.usage === undefined ? {} : { usage: result.usage };
      const images = result.images.map((image, index) => ({ ...this.#stored(image, result), ...(index === 0 ? usage : {}) }));
      const { cost, degraded, id: traceId } = result;
      if (this.kept.has(id)) this.end(id, 'completed', { images, cost, degraded, traceId });
    } catch (error) {
      if (!isImageRouterError(error) || !this.kept.has(id)) return;
      const cost = costInTrace(error.trace?.events ?? []);
      const { code, message, problems } = error;
      this.end(id, code === 'cancelled' ? 'cancelled' : 'failed', { cost, error: { code, message, problems } });
    }
  }

  #stored(image: ResultImage, { tier }: ImageResult): StoredImage {
    const { format, width, height, route } = image;
    return this.store(image.bytes, { format, width, height, route, tier });
  }

  #follow(id: string, event: TraceEvent): void {
    if (!this.kept.has(id)) return;
    const { attempts, job } = this.#of(id);
    if (event.kind === 'attempt-start') {
      const { part, attempt, target, route, price } = event;
      attempts.push({ run: job.runs, part, attempt, target, route, startedAt: this.#now(), ceiling: price.ceiling, end: undefined });
      this.#tell(id, 'attempt.start', { attempt, route });
    }
    if (event.kind !== 'attempt-end') return;
    const index = attempts.findLastIndex((known) => known.part === event.part && known.attempt === event.attempt);
    const begun = attempts[index];
    if (begun === undefined) return;
    const { billed, possiblyBilled, requestId } = event;
    attempts[index] = { ...begun, end: { outcome: event.end.kind, billed, possiblyBilled, requestId, endedAt: this.#now() } };
    this.#tell(id, 'attempt.end', { attempt: event.attempt, outcome: event.end.kind });
  }

  #of(id: string): Kept {
    const kept = this.kept.get(id);
    if (kept === undefined) throw new Error(`no job ${id}`);
    return kept;
  }

  #change(id: string, changes: Partial<Job>): void {
    const kept = this.#of(id);
    kept.job = { ...kept.job, ...changes };
  }

  #tell(id: string, kind: JobEventKind, data: JobEvent['data']): void {
    const { events } = this.#of(id);
    events.push({ seq: events.length + 1, at: this.#now(), kind, data });
    for (const wake of [...this.#waiting, ...this.#listeners]) wake();
  }

  #now(): number {
    return this.#clock.wall().getTime();
  }
}
