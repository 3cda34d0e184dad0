// Makes jobs: a bounded number at a time, as many workers side by side as there are processes. It takes what waits, says every
// few seconds that it lives and what it works on, and takes over what dead workers left. It decides nothing about a job
// (job-run.ts does) and trusts no clock about who lives (the store does). Liveness is real time, whatever the world's speed.
import type { CancelTimer } from '../system/clock.ts';
import { JobRun, type RunParts } from './job-run.ts';
import type { Claimed } from './job-store.ts';
import { pause } from './patience.ts';

export type WorkerSettings = {
  /** Jobs made at a time. */
  readonly concurrency: number;
};

/** A render is minutes of waiting for somebody else, and megabytes only at its end. */
const DEFAULT_WORKER_SETTINGS: WorkerSettings = { concurrency: 16 };

/** Real milliseconds. With three beats to miss before a store may take a worker for dead, a take-over is within 15 s. */
const BEAT_EVERY_MS = 2_000;
/** After the patience of `drain`: what it takes to hand everything back. */
const HAND_BACK_MS = 5_000;

export interface Worker {
  /** Begins to take jobs. */
  start(): void;
  /** Takes no more, lets what runs end for so many real milliseconds, hands the rest back, and stops. */
  drain(patienceMs: number): Promise<void>;
  /** Jobs being made here. */
  readonly running: number;
}

/** `name` must be no other worker's. */
export function createWorker(parts: RunParts & { readonly name: string; readonly settings?: WorkerSettings }): Worker {
  return new JobWorker(parts.name, parts, parts.settings ?? DEFAULT_WORKER_SETTINGS);
}

class JobWorker implements Worker {
  readonly #name: string;
  readonly #parts: RunParts;
  readonly #settings: WorkerSettings;
  readonly #runs = new Map<string, { readonly run: JobRun; readonly done: Promise<void> }>();
  /** A beat names what the worker works on, so it must not fall into a claim; one thing at a time. */
  #turn: Promise<void> = Promise.resolve();
  #isFilling = false;
  #state: 'new' | 'working' | 'draining' | 'stopped' = 'new';
  #isInTrouble = false;
  #unsubscribe: (() => void) | undefined;
  #cancelBeat: CancelTimer | undefined;

  constructor(name: string, parts: RunParts, settings: WorkerSettings) {
    const { concurrency } = settings;
    if (!(Number.isInteger(concurrency) && concurrency >= 1))
      throw new RangeError(`concurrency must be a whole number above 0, got ${concurrency}`);
    this.#name = name;
    this.#parts = parts;
    this.#settings = settings;
  }

  get running(): number {
    return this.#runs.size;
  }

  start(): void {
    if (this.#state !== 'new') throw new Error('a worker is started once');
    this.#state = 'working';
    this.#unsubscribe = this.#parts.store.subscribe((hint) => {
      if (hint.kind === 'work') this.#fill();
      if (hint.kind === 'cancel' && this.#runs.has(hint.id)) void this.#inTurn(() => this.#beat());
    });
    this.#pulse();
  }

  /** A store that never answers holds nobody up: what could not be written is found by whoever takes it over. */
  async drain(patienceMs: number): Promise<void> {
    if (this.#state === 'working') {
      this.#state = 'draining';
      this.#unsubscribe?.();
      // A claim under way may still bring jobs.
      await this.#within(patienceMs, this.#turn);
      await this.#within(patienceMs, this.#allEnded());
      for (const { run } of this.#runs.values()) run.stop('hand-back');
      await this.#within(HAND_BACK_MS, this.#allEnded());
      for (const { run } of this.#runs.values()) run.abandon();
    }
    this.#state = 'stopped';
    this.#cancelBeat?.();
    await this.#within(HAND_BACK_MS, Promise.all([this.#turn, this.#allEnded()]));
  }

  async #allEnded(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  async #within(realMs: number, ending: Promise<unknown>): Promise<void> {
    const enough = new AbortController();
    await Promise.race([ending, pause(this.#parts.clock, realMs, enough.signal)]);
    enough.abort();
  }

  /** One after the other; trouble with the store is told once, and over with the next thing that works. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(act).then(
      () => {
        this.#isInTrouble = false;
      },
      (error: unknown) => {
        if (!this.#isInTrouble) this.#parts.onTrouble(error);
        this.#isInTrouble = true;
      },
    );
    return this.#turn;
  }

  /** Beats go on while it drains: what runs is still its own. */
  #pulse(): void {
    const { clock } = this.#parts;
    void this.#inTurn(async () => {
      await this.#beat();
      await this.#lookAfterOthers();
    }).then(() => {
      if (this.#state === 'stopped') return;
      this.#fill();
      this.#cancelBeat = clock.timer(BEAT_EVERY_MS * clock.speed, () => this.#pulse(), { background: true });
    });
  }

  async #beat(): Promise<void> {
    const fences = [...this.#runs.values()].map(({ run }) => run.fence);
    for (const { fence, kind } of await this.#parts.store.beat(this.#name, fences, this.#now())) {
      const run = this.#runs.get(fence.job)?.run;
      if (run?.fence.run === fence.run) run.stop(kind);
    }
  }

  async #lookAfterOthers(): Promise<void> {
    if (this.#state !== 'working') return;
    await this.#parts.store.takeOver(this.#now());
    await this.#parts.store.expire(this.#now());
  }

  /** Takes jobs while there are places and jobs. */
  #fill(): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    void this.#inTurn(async () => {
      this.#isFilling = false;
      const free = this.#settings.concurrency - this.#runs.size;
      if (this.#state !== 'working' || free <= 0) return;
      for (const claimed of await this.#parts.store.claim(this.#name, free, this.#now())) this.#begin(claimed);
    });
  }

  #begin(claimed: Claimed): void {
    const run = new JobRun(this.#parts, claimed);
    // The worker was stopped while the claim was on its way.
    if (this.#state !== 'working') run.stop('hand-back');
    const { job } = run.fence;
    const done = run.carryOut().then(() => {
      // Only when its end is written: a beat that does not name it gives it away.
      if (this.#runs.get(job)?.run === run) this.#runs.delete(job);
      this.#fill();
    });
    this.#runs.set(job, { run, done });
  }

  #now(): number {
    return this.#parts.clock.wall().getTime();
  }
}
