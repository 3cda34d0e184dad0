// The image requests that run: how many, who waits for each, and how to give them up. A request is given up when the last
// caller who waits for it has left, unless its answer is to be kept for a repeat (Idempotency-Key). A client library that
// gave up by its own timeout comes back within a second with the same request: the work waits that long for it, and the
// repeat joins it instead of being paid for a second time.
import type { CancelTimer, Clock } from '../../system/clock.ts';
import { OpenCount } from '../../system/open-count.ts';
import type { Answer } from './answer.ts';

export type Job = {
  readonly answer: Promise<Answer>;
  /** Takes a place among those who wait; every caller leaves once. */
  join(): void;
  /** `comesBack`: the caller is expected again. */
  leave(comesBack: boolean): void;
};

export type JobRules = {
  /** What a repeat is recognised by: principal and request; undefined: nobody can join. */
  readonly joinKey: string | undefined;
  /** The answer is wanted even when nobody waits for it. */
  readonly outlivesCallers: boolean;
  /** Told when every caller who got the answer has left, unless it outlives them: nobody will look at it again. */
  readonly whenUnused?: (answer: Answer) => void;
};

export interface OpenWork {
  readonly size: number;
  /** Callers who wait: fewer than jobs where some work only for a repeat, more where repeats have joined. */
  readonly callers: number;
  readonly isFull: boolean;
  start(rules: JobRules, make: (signal: AbortSignal) => Promise<Answer>): Job;
  find(joinKey: string): Job | undefined;
  /** Counts something that has to end before the process may, such as a record on its way to disk. */
  track(work: Promise<unknown>): void;
  /** What runs is given up, and what is started from now on begins given up. */
  abortAll(): void;
  /** Resolves once nothing runs. */
  idle(): Promise<void>;
}

/** The longest pause of OpenAI's libraries before their second repeat is 1 s; real milliseconds. */
const COMES_BACK_MS = 2_000;

export function createOpenWork(clock: Clock, limit: () => number): OpenWork {
  const jobs = new Set<RunningJob>();
  const joinable = new Map<string, RunningJob>();
  /** Jobs and records that have not ended. */
  const open = new OpenCount();
  let isGivenUp = false;
  const ended = (): void => open.end();
  const track = (work: Promise<unknown>): void => {
    open.begin();
    work.then(ended, ended);
  };
  return {
    get size() {
      return jobs.size;
    },
    get callers() {
      return [...jobs].reduce((sum, job) => sum + job.callers, 0);
    },
    get isFull() {
      return jobs.size >= limit();
    },
    start: (rules, make) => {
      const { joinKey } = rules;
      const job = new RunningJob(clock, rules, make, isGivenUp);
      jobs.add(job);
      open.begin();
      if (joinKey !== undefined) joinable.set(joinKey, job);
      const forget = (): void => {
        jobs.delete(job);
        if (joinKey !== undefined && joinable.get(joinKey) === job) joinable.delete(joinKey);
        ended();
      };
      job.answer.then(
        (answer) => {
          job.settled(answer);
          forget();
        },
        () => {
          job.settled(undefined);
          forget();
        },
      );
      return job;
    },
    find: (joinKey) => joinable.get(joinKey),
    track,
    abortAll: () => {
      isGivenUp = true;
      for (const job of jobs) job.abort();
    },
    idle: () => open.idle(),
  };
}

class RunningJob implements Job {
  readonly answer: Promise<Answer>;
  readonly #clock: Clock;
  readonly #rules: JobRules;
  readonly #controller = new AbortController();
  #callers = 0;
  #hasSettled = false;
  #unused: Answer | undefined;
  #stopWaiting: CancelTimer | undefined;

  constructor(clock: Clock, rules: JobRules, make: (signal: AbortSignal) => Promise<Answer>, isGivenUp: boolean) {
    this.#clock = clock;
    this.#rules = rules;
    if (isGivenUp) this.abort();
    this.answer = make(this.#controller.signal);
  }

  get callers(): number {
    return this.#callers;
  }

  join(): void {
    this.#callers += 1;
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }

  leave(comesBack: boolean): void {
    this.#callers -= 1;
    if (this.#callers > 0 || this.#rules.outlivesCallers) return;
    if (this.#hasSettled) this.#letGo();
    else if (!comesBack) this.abort();
    else this.#stopWaiting = this.#clock.timer(COMES_BACK_MS * this.#clock.speed, () => this.abort(), { background: true });
  }

  settled(answer: Answer | undefined): void {
    this.#hasSettled = true;
    this.#stopWaiting?.();
    // Where nobody waits any more, an answer that comes all the same may still have a reader: it is left to the collector.
    if (this.#callers > 0) this.#unused = answer;
  }

  #letGo(): void {
    if (this.#unused !== undefined) this.#rules.whenUnused?.(this.#unused);
    this.#unused = undefined;
  }

  abort(): void {
    this.#controller.abort();
  }
}
