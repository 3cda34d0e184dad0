// Everything of a gateway that outlives it, opened together: the store, and keys, limits, idempotency and traces over it.
// While it is open it says every few seconds that it lives, and resolves what gateways left behind that have stopped saying
// so: their reservations as possibly billed, their running claims as interrupted.
import type { Clock } from '../system/clock.ts';
import type { Ids } from '../system/ids.ts';
import { type Secrets, systemSecrets } from '../system/secrets.ts';
import { createGatekeeper, LOOPBACK } from './gatekeeper.ts';
import { AnswerFiles } from './idempotency/answer-files.ts';
import { createIdempotency } from './idempotency/idempotency.ts';
import { createKeyRing, type KeyRing } from './keys/key-ring.ts';
import { LoopbackLedger } from './limits/loopback-ledger.ts';
import type { Gatekeeper, Idempotency, Traces } from './ports.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { SpendRow, Store } from './store/store.ts';
import { WrittenBehindTraces } from './traces/traces.ts';

export type StateOptions = {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly requireKeys: boolean;
  /** How long traces are kept, and answers for a repeat; milliseconds. */
  readonly traceTtlMs: number;
  readonly idempotencyTtlMs: number;
  readonly secrets?: Secrets;
  /** Hears of records the store did not take. */
  readonly onTrouble?: (error: unknown) => void;
};

export type State = {
  readonly gatekeeper: Gatekeeper;
  readonly idempotency: Idempotency;
  readonly traces: Traces;
  readonly keys: KeyRing;
  spendOf(principal: string): Promise<readonly SpendRow[]>;
  /** Whether the store took the last sign of life. */
  isHealthy(): boolean;
  close(): Promise<void>;
};

/** A gateway that has not been heard of for so long is dead; it says so every third of it. Real milliseconds. */
const DEAD_AFTER_MS = 15_000;
/** Bytes of answers kept for repeats: a thousand pictures or so. */
const MOST_ANSWER_BYTES = 2 * 1024 ** 3;

/** Rejects with `invalid_config` when the data folder cannot be used. */
export async function openState(options: StateOptions): Promise<State> {
  const { dataDir, clock, ids, requireKeys } = options;
  const onTrouble = options.onTrouble ?? ((): void => undefined);
  const store = openSqliteStore({ dataDir, clock, owner: ids.next('gw') });
  const files = new AnswerFiles(dataDir, ids);
  const keys = createKeyRing(store, clock, options.secrets ?? systemSecrets());
  const loopback = new LoopbackLedger(store, clock, LOOPBACK.id, onTrouble);
  const traces = new WrittenBehindTraces(store, clock, onTrouble);
  const pulse = new Pulse(store, files, options, onTrouble);
  await pulse.beat();
  return {
    keys,
    traces,
    gatekeeper: createGatekeeper({ store, keys, clock, loopback, requireKeys }),
    idempotency: createIdempotency(store, files, clock),
    spendOf: (principal) => store.spendOf(principal),
    isHealthy: () => pulse.isHealthy,
    close: async () => {
      pulse.stop();
      await Promise.all([loopback.flush(), traces.flush()]);
      await store.close();
    },
  };
}

class Pulse {
  readonly #store: Store;
  readonly #files: AnswerFiles;
  readonly #options: StateOptions;
  readonly #onTrouble: (error: unknown) => void;
  isHealthy = true;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(store: Store, files: AnswerFiles, options: StateOptions, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#files = files;
    this.#options = options;
    this.#onTrouble = onTrouble;
  }

  async beat(): Promise<void> {
    const { clock, traceTtlMs, idempotencyTtlMs } = this.#options;
    // World time runs `speed` times as fast as the gateways' own lives.
    const now = clock.wall();
    const at = now.getTime();
    try {
      await this.#store.beat(at, at - DEAD_AFTER_MS * clock.speed);
      await this.#files.remove(await this.#store.sweepClaims(at - idempotencyTtlMs, MOST_ANSWER_BYTES));
      now.setTime(at - traceTtlMs);
      await this.#store.sweepTraces(now.toISOString());
      this.isHealthy = true;
    } catch (error) {
      this.isHealthy = false;
      this.#onTrouble(error);
    }
    if (this.#isStopped) return;
    this.#cancel = clock.timer((DEAD_AFTER_MS / 3) * clock.speed, () => void this.beat(), { background: true });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }
}
