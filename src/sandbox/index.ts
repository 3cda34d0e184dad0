// The sandbox: local stand-ins for both providers on real sockets, with latency, faults and a billing ledger. Models,
// latencies and prices come from the routes handed in; nothing is known twice. See startSandbox.
import { type Endpoint, EndpointSchema } from '../domain/endpoint.ts';
import { parseFaultRule } from './faults/injector.ts';
import type { FaultRule } from './faults/rule.ts';
import type { LedgerRow } from './ledger.ts';
import { resolveOptions, type SandboxOptions } from './options.ts';
import { createSandboxServer, listen, unlisten } from './server.ts';
import { type SandboxStats, statsOf } from './stats.ts';
import { createWorld, resetWorld } from './world.ts';

export type { Face } from './call.ts';
export { parseFaultRule, parseFaultScript } from './faults/injector.ts';
export { FAULT_IDS, type FaultId, type FaultRule, type FaultScript, NO_IMAGE_FORMS, type NoImageForm } from './faults/rule.ts';
export { FAULTS } from './faults/table.ts';
export type { LedgerRow } from './ledger.ts';
export type { Outcome } from './model/course.ts';
export { MODERATION_TRIGGERS } from './model/moderation.ts';
export type { SandboxOptions } from './options.ts';
export { SANDBOX_KEY } from './options.ts';
export type { SandboxStats } from './stats.ts';

export type Sandbox = {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** The providers' own faces, ready for the router: `openai` and `google`. */
  readonly endpoints: readonly [Endpoint, Endpoint];
  /** The same behind an aggregator, one key for both: `aggregator-openai` and `aggregator-google`. */
  readonly aggregator: readonly [Endpoint, Endpoint];
  /** Breaks something from now on; returns how to mend it. Throws RangeError naming field and rule. */
  inject(rule: FaultRule): () => void;
  clearFaults(): void;
  /** What was really made and really billed, oldest first. */
  ledger(): readonly LedgerRow[];
  stats(): SandboxStats;
  /** World milliseconds since the start or the last reset: the time of rules and ledger. */
  nowMs(): number;
  /**
   * Closes the listener and every connection: from now on all faces, and the control door, refuse connections for true
   * (ECONNREFUSED). Returns how to plug in again, at the same port. For one provider alone, start a sandbox for each.
   */
  unplug(): Promise<() => Promise<void>>;
  /** As freshly started: empty books, full allowances, the script's faults. Calls in flight end unseen. */
  reset(): void;
  /** Destroys every socket and timer. */
  close(): Promise<void>;
};

/** Starts a sandbox on 127.0.0.1. Throws RangeError for options or a script that make no sense. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { settings, port } = resolveOptions(options);
  const world = createWorld(settings);
  const server = createSandboxServer(world);
  const boundPort = await listen(server, port);
  const url = `http://127.0.0.1:${boundPort}`;
  const endpoint = (id: string, provider: Endpoint['provider'], path: string): Endpoint =>
    EndpointSchema.parse({ id, provider, baseUrl: `${url}${path}`, apiKey: settings.apiKey, apiVersion: 'v1beta' });
  return {
    url,
    endpoints: [endpoint('openai', 'openai', '/openai/v1'), endpoint('google', 'google', '/google')],
    aggregator: [endpoint('aggregator-openai', 'openai', '/agg/v1'), endpoint('aggregator-google', 'google', '/agg')],
    inject: (rule) => world.memory.injector.inject(parseFaultRule(rule)),
    clearFaults: () => world.memory.injector.clear(),
    ledger: () => world.memory.ledger.rows(),
    stats: () => statsOf(world),
    nowMs: () => world.clock.now() - world.memory.startedAt,
    unplug: async () => {
      await unlisten(server);
      return async () => {
        await listen(server, boundPort);
      };
    },
    reset: () => resetWorld(world),
    close: () => {
      world.timers.close();
      return unlisten(server);
    },
  };
}
