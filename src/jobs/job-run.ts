// One run of one job: the request read back, made by the router, its pictures put away, its end written. It can be asked to stop
// for three reasons: its owner cancelled the job, the job is somebody else's by now, or the worker hands back what it has not
// finished. Pictures are durable before anything names them, calls are written down before they are made (run-record.ts), and
// a run that is lost writes nothing.
import { type ImageRouterError, isImageRouterError } from '../domain/error.ts';
import type { Job, JobError, StoredImage } from '../domain/job.ts';
import { dollars } from '../domain/money.ts';
import type { ImageRequest } from '../domain/request.ts';
import type { ImageResult } from '../domain/result.ts';
import { StoreError } from '../domain/store-error.ts';
import type { Trace } from '../domain/trace.ts';
import type { ImageRouter } from '../router/image-router.ts';
import type { Clock } from '../system/clock.ts';
import type { Ids } from '../system/ids.ts';
import type { BlobStore } from './blob-store.ts';
import { holdOut } from './hold-out.ts';
import { expiredError } from './job-events.ts';
import type { Claimed, Fence, JobEnd, JobStore } from './job-store.ts';
import { type Patience, untilTaken } from './patience.ts';
import { readRequest, storeImages } from './pictures.ts';
import { judgeError, moneyLeft, priceCapReached, type RunEnd, type RunFacts, waitOut } from './run-end.ts';
import { RunRecord } from './run-record.ts';

export type RunParts = {
  readonly store: JobStore;
  readonly blobs: BlobStore;
  readonly router: Pick<ImageRouter, 'generate' | 'explain'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly onTrouble: (error: unknown) => void;
  /** Hears the trace of every run that was tried. */
  readonly keepTrace: (principal: string, trace: Trace) => void;
};

/** Real milliseconds a picture that was paid for waits to be put away. */
const PICTURE_PATIENCE_MS = 600_000;
/** A request's budget is a day at most; a job may live longer and is then made in several runs. */
const LONGEST_BUDGET_MS = 86_400_000;

/** In the queue before a route: whoever waits in person goes first, then single jobs. Policies' own priorities are below 10. */
const AFTER_PEOPLE = -100;
const AFTER_JOBS = -200;

const HANDED_BACK: JobError = { code: 'worker_stopped', message: 'the worker that made it was stopped' };
const NOT_RECORDED: JobError = { code: 'store_unavailable', message: 'its calls could not be written down' };
const NOT_STORED: JobError = { code: 'store_unavailable', message: 'its pictures could not be put away or read' };
const PICTURE_GONE: JobError = { code: 'file_unreadable', message: 'a picture it works from is not there any more' };
const BROKEN: JobError = { code: 'internal_error', message: 'making it failed in a way nobody foresaw; the log says more' };

export type StopReason = 'cancel' | 'lost' | 'hand-back';

export class JobRun {
  readonly fence: Fence;
  readonly #parts: RunParts;
  readonly #job: Job;
  readonly #record: RunRecord;
  /** Ends the making. */
  readonly #leaving = new AbortController();
  /** Ends all waiting for the store. */
  readonly #abandoned = new AbortController();
  #stop: StopReason | undefined;
  #traceId: string | undefined;
  #previewing: Promise<void> = Promise.resolve();
  /** Put away, and nobody was told of them yet. */
  readonly #untold: StoredImage[] = [];

  constructor(parts: RunParts, { fence, job }: Claimed) {
    this.fence = fence;
    this.#parts = parts;
    this.#job = job;
    const { store, clock, onTrouble } = parts;
    const onLost = (): void => this.stop('lost');
    this.#record = new RunRecord({ store, clock, fence, signal: this.#abandoned.signal, onTrouble, onLost });
  }

  /** The first reason counts, except that a run that is lost is lost. */
  stop(reason: StopReason): void {
    if (this.#stop === undefined || reason === 'lost') this.#stop = reason;
    this.#leaving.abort();
    if (reason === 'lost') this.#abandoned.abort();
  }

  /** Waits for no store any more. What could not be written is found by whoever takes the job over. */
  abandon(): void {
    this.#leaving.abort();
    this.#abandoned.abort();
  }

  /** Resolves when nothing of it is under way any more. Never rejects. */
  async carryOut(): Promise<void> {
    const { onTrouble } = this.#parts;
    const end = await this.#make().catch((error: unknown): RunEnd => {
      onTrouble(error);
      return { kind: 'failed', error: BROKEN };
    });
    await this.#previewing;
    if (this.#stop === 'lost') return;
    await this.#write(end).catch(onTrouble);
  }

  async #make(): Promise<RunEnd> {
    const job = this.#job;
    const facts = this.#facts();
    if (this.#stop === 'hand-back') return { kind: 'again', waitMs: 0, reason: HANDED_BACK };
    if (job.isCancelAsked) return { kind: 'cancelled' };
    if (facts.now >= job.deadlineAt) return { kind: 'expired', error: expiredError(undefined) };
    if (moneyLeft(facts) === 0) return priceCapReached(facts);
    try {
      const request = await this.#patiently(() => readRequest(this.#parts.blobs, job.request));
      if (request === undefined) return { kind: 'failed', error: PICTURE_GONE };
      return await this.#generate(request);
    } catch (error) {
      if (error instanceof StoreError) return waitOut(NOT_STORED, this.#facts(), undefined);
      if (isImageRouterError(error)) return this.#judge(error);
      throw error;
    }
  }

  async #generate(written: ImageRequest): Promise<RunEnd> {
    const job = this.#job;
    const facts = this.#facts();
    const left = moneyLeft(facts);
    const { maxCostUsd: _, latencyBudgetMs: __, ...request } = written;
    // Shown already, by an earlier run: now the final alone is made, and no test render tells anything new.
    const isShown = job.previews.length > 0;
    const asked: ImageRequest = {
      ...request,
      latencyBudgetMs: Math.min(LONGEST_BUDGET_MS, job.deadlineAt - facts.now),
      ...(left === undefined ? {} : { maxCostUsd: dollars(left) }),
      ...(isShown ? { preview: false } : {}),
    };
    const { router } = this.#parts;
    const waits = holdOut(router, asked, facts);
    if (waits !== undefined) return waits;
    const result = await router.generate(asked, {
      signal: this.#leaving.signal,
      beforeCall: (call) => this.#record.beforeCall(call),
      onEvent: this.#record.onEvent,
      onPreview: (preview) => this.#show(preview),
      isTested: isShown,
      priority: job.origin.kind === 'batch' ? AFTER_JOBS : AFTER_PEOPLE,
    });
    this.#keepTrace(result.trace);
    const images = await this.#patiently(() => storeImages(this.#parts.blobs, this.#parts.ids, result));
    return { kind: 'completed', images, degraded: result.degraded };
  }

  #judge(error: ImageRouterError): RunEnd {
    if (error.trace !== undefined) this.#keepTrace(error.trace);
    if (this.#stop === 'cancel') return { kind: 'cancelled' };
    if (this.#stop === 'hand-back' && error.code === 'cancelled') return { kind: 'again', waitMs: 0, reason: HANDED_BACK };
    if (this.#record.isRefused && error.code === 'cancelled') return waitOut(NOT_RECORDED, this.#facts(), undefined);
    return judgeError(error, this.#facts());
  }

  #keepTrace(trace: Trace): void {
    this.#traceId = trace.requestId;
    this.#parts.keepTrace(this.#job.principal, trace);
  }

  /** The final waits for it where it waits for the preview; a preview that cannot be shown is no reason to make nothing. */
  async #show(preview: ImageResult): Promise<'continue'> {
    this.#previewing = this.#tellPreview(preview).catch(this.#parts.onTrouble);
    await this.#previewing;
    return 'continue';
  }

  async #tellPreview(preview: ImageResult): Promise<void> {
    const { store, blobs, ids } = this.#parts;
    const stored = await this.#patiently(() => storeImages(blobs, ids, preview));
    this.#untold.push(...stored);
    const answer = await this.#record.write((ends) => store.previewReady(this.fence, stored, ends, this.#now()), PICTURE_PATIENCE_MS);
    if (answer === 'lost') this.stop('lost');
    this.#untold.splice(0);
  }

  async #write(end: RunEnd): Promise<void> {
    const { store } = this.#parts;
    await this.#record.write(
      (ends) =>
        end.kind === 'again'
          ? store.retryLater(this.fence, { at: this.#now(), notBefore: this.#now() + end.waitMs, reason: end.reason, ends })
          : store.finish(this.fence, this.#endAs(end, ends)),
      undefined,
    );
  }

  #endAs(end: Exclude<RunEnd, { kind: 'again' }>, ends: JobEnd['ends']): JobEnd {
    return {
      state: end.kind,
      at: this.#now(),
      images: end.kind === 'completed' ? end.images : [],
      previews: [...this.#untold],
      degraded: end.kind === 'completed' ? end.degraded : undefined,
      error: end.kind === 'failed' || end.kind === 'expired' ? end.error : undefined,
      traceId: this.#traceId,
      ends,
    };
  }

  #patiently<Result>(act: () => Promise<Result>): Promise<Result> {
    const { clock, onTrouble } = this.#parts;
    const patience: Patience = { clock, signal: this.#abandoned.signal, mostMs: PICTURE_PATIENCE_MS, onTrouble };
    return untilTaken(act, patience);
  }

  #facts(): RunFacts {
    return { job: this.#job, spent: this.#record.spent, now: this.#now() };
  }

  #now(): number {
    return this.#parts.clock.wall().getTime();
  }
}
