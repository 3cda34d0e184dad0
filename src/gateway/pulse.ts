// What a gateway does for its store in the background: it says that it lives, resolves what gateways left that do not, offers
// spend again that was not taken, and throws away what is old or too much. Trouble is told, and tried again at the next beat.
import type { CancelTimer, Clock } from '../system/clock.ts';
import type { AnswerFiles } from './idempotency/answer-files.ts';
import type { Reservations } from './limits/reservations.ts';
import type { Store } from './store/store.ts';

export type PulseParts = {
  readonly store: Store;
  readonly files: AnswerFiles;
  readonly reservations: Reservations;
  readonly clock: Clock;
  readonly traceTtlMs: number;
  readonly idempotencyTtlMs: number;
  readonly onTrouble: (error: unknown) => void;
  readonly onBeat: () => void;
};

/** How soon a killed gateway's places are free when others live; real milliseconds. A restart frees them at once. */
const BEAT_EVERY_MS = 5_000;
/** Old records are thrown away once a minute: nobody waits for it. */
const BEATS_PER_SWEEP = 12;
/** Bytes of answers kept for repeats: a thousand pictures or so. */
const MOST_ANSWER_BYTES = 2 * 1024 ** 3;
/** So much may come on top before the next sweep. */
const MOST_UNSWEPT_BYTES = MOST_ANSWER_BYTES / 8;
/** Some hundred megabytes at most. */
const MOST_TRACES = 20_000;

export class Pulse {
  readonly #parts: PulseParts;
  #beats = 0;
  #unsweptBytes = 0;
  #isHealthy = true;
  #isStopped = false;
  #cancel: CancelTimer | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(parts: PulseParts) {
    this.#parts = parts;
  }

  /** Whether the store took the last beat. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** Resolves after the first beat: what killed gateways left is then resolved. */
  async start(): Promise<void> {
    const { store, files, onTrouble } = this.#parts;
    await this.#beat();
    await files.removeUnknown(() => store.answerFiles()).catch(onTrouble);
  }

  answerKept(bytes: number): void {
    this.#unsweptBytes += bytes;
    if (this.#unsweptBytes <= MOST_UNSWEPT_BYTES || this.#isStopped) return;
    this.#unsweptBytes = 0;
    this.#working = Promise.all([this.#working, this.#sweep().catch(this.#parts.onTrouble)]).then(() => undefined);
  }

  /** Resolves once nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#working;
  }

  async #beat(): Promise<void> {
    const { store, reservations, clock, onTrouble, onBeat } = this.#parts;
    try {
      await store.beat(clock.wall().getTime());
      await reservations.retry();
      if (this.#beats % BEATS_PER_SWEEP === 0) await this.#sweep();
      this.#beats += 1;
      this.#isHealthy = true;
      onBeat();
    } catch (error) {
      // Told once, not at every beat.
      if (this.#isHealthy) onTrouble(error);
      this.#isHealthy = false;
    }
    if (this.#isStopped) return;
    const again = (): void => {
      this.#working = this.#beat();
    };
    this.#cancel = clock.timer(BEAT_EVERY_MS * clock.speed, again, { background: true });
  }

  async #sweep(): Promise<void> {
    const { store, files, clock, traceTtlMs, idempotencyTtlMs, onTrouble } = this.#parts;
    const now = clock.wall();
    const at = now.getTime();
    await files.remove(await store.sweepClaims(at - idempotencyTtlMs, MOST_ANSWER_BYTES));
    now.setTime(at - traceTtlMs);
    // Nobody's request waits for a trace.
    await store.sweepTraces(now.toISOString(), MOST_TRACES).catch(onTrouble);
  }
}
