// Everything of a gateway that outlives it, opened together: the store, and keys, limits, idempotency and traces over it.
// What gateways left behind that were killed is resolved when it opens, and while it is open.
import type { Clock } from '../system/clock.ts';
import type { Ids } from '../system/ids.ts';
import { type Secrets, systemSecrets } from '../system/secrets.ts';
import { createGatekeeper, LOOPBACK } from './gatekeeper.ts';
import { AnswerFiles } from './idempotency/answer-files.ts';
import { createIdempotency } from './idempotency/idempotency.ts';
import { createKeyRing, type KeyRing } from './keys/key-ring.ts';
import { LoopbackLedger } from './limits/loopback-ledger.ts';
import { Reservations } from './limits/reservations.ts';
import type { Gatekeeper, Idempotency, Traces } from './ports.ts';
import { Pulse } from './pulse.ts';
import { openSqliteStores, type Stores } from './store/open-sqlite.ts';
import type { SpendRow } from './store/store.ts';
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
  /** Where it is kept; closed with it. Default: a file in the data folder. */
  readonly stores?: Stores;
  /** Hears of records the store did not take. */
  readonly onTrouble?: (error: unknown) => void;
  /** Hears of every beat the store took. */
  readonly onBeat?: () => void;
};

export type State = {
  readonly stores: Stores;
  readonly gatekeeper: Gatekeeper;
  readonly idempotency: Idempotency;
  readonly traces: Traces;
  readonly keys: KeyRing;
  /** Deletes what is kept of a principal's requests: traces, and answers for a repeat. Keys and spend stay. */
  forget(principal: string): Promise<void>;
  spendOf(principal: string): Promise<readonly SpendRow[]>;
  /** Whether the store takes records. */
  isHealthy(): boolean;
  close(): Promise<void>;
};

/** Rejects with `invalid_config` when the data folder cannot be used. */
export async function openState(options: StateOptions): Promise<State> {
  const { dataDir, clock, ids, requireKeys, traceTtlMs, idempotencyTtlMs } = options;
  const onTrouble = options.onTrouble ?? ((): void => undefined);
  const onBeat = options.onBeat ?? ((): void => undefined);
  const stores = options.stores ?? openSqliteStores({ dataDir, clock, owner: ids.next('gw') });
  const { store } = stores;
  const files = new AnswerFiles(dataDir, ids);
  const keys = createKeyRing(store, clock, options.secrets ?? systemSecrets());
  const loopback = new LoopbackLedger({ store, clock, ids, principal: LOOPBACK.id, onTrouble });
  const reservations = new Reservations(store);
  const traces = new WrittenBehindTraces(store, clock, onTrouble);
  const pulse = new Pulse({ store, files, reservations, clock, traceTtlMs, idempotencyTtlMs, onTrouble, onBeat });
  await pulse.start();
  return {
    stores,
    keys,
    traces,
    gatekeeper: createGatekeeper({ keys, clock, loopback, reservations, requireKeys }),
    idempotency: createIdempotency({ store, files, clock, onKept: (bytes) => pulse.answerKept(bytes) }),
    forget: async (principal) => {
      await traces.forget(principal);
      await files.remove(await store.forget(principal));
    },
    spendOf: (principal) => store.spendOf(principal),
    isHealthy: () => pulse.isHealthy && !loopback.isFailing,
    close: async () => {
      await pulse.stop();
      await Promise.all([loopback.flush(), traces.flush(), reservations.retry().catch(onTrouble)]);
      await store.close();
    },
  };
}
