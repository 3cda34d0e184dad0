// What every adapter owes its callers, written once: a call settles exactly once and soon after its signal is aborted,
// nothing is sent for an aborted signal or after close, SDKs are loaded and clients made on first use, nothing is thrown.
// The two providers differ only in the session they open on an endpoint.
import type { Endpoint } from '../domain/endpoint.ts';
import type { InstantMs } from '../domain/time.ts';
import type { EndpointId, ProviderKind } from '../domain/vocabulary.ts';
import type { Clock } from '../system/clock.ts';
import { loadPixels } from './pixels.ts';
import type { Moderation, Provider, ProviderCall, ProviderReply } from './provider.ts';
import { publicMessage } from './public-message.ts';
import { CANCELLED, failureOf, NEVER_SENT } from './verdicts.ts';
import { describeException, judgeException } from './wire-error.ts';

export type AdapterOptions = {
  /** Those of another provider are ignored. */
  readonly endpoints: readonly Endpoint[];
  readonly clock: Clock;
};

/** What one call may know of the world. */
export class Moment {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #startedAt: InstantMs;

  constructor(signal: AbortSignal, clock: Clock) {
    this.signal = signal;
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** World milliseconds since the call was sent. */
  elapsedMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  /** Milliseconds since 1970, in world time. */
  wallMs(): number {
    return this.#clock.wall().getTime();
  }
}

/** An open client at one endpoint. May reject with whatever its SDK throws when no answer could be read. */
export type Session = {
  generate(call: ProviderCall, moment: Moment): Promise<ProviderReply>;
  /** Ends its sockets. */
  close(): Promise<void>;
};

/** What one provider is to the adapter. */
export type Connector<Opened extends Session> = {
  readonly kind: ProviderKind;
  open(endpoint: Endpoint): Promise<Opened>;
  /** Undefined where the provider has no moderation check. May reject like a session. */
  readonly moderate: ((session: Opened, prompt: string, signal: AbortSignal) => Promise<Moderation>) | undefined;
};

/** Rejects only with RangeError, for a call to an endpoint it was not given: a broken plan, not a failed call. */
export function createAdapter<Opened extends Session>(connector: Connector<Opened>, options: AdapterOptions): Provider {
  const { kind, open, moderate } = connector;
  const endpoints = new Map(options.endpoints.filter(({ provider }) => provider === kind).map((endpoint) => [endpoint.id, endpoint]));
  const sessions = new Map<string, Promise<Opened>>();
  /** How to end the calls in flight. Not one signal they all listen to: ten thousand listeners cost a walk over all of them for each. */
  const running = new Set<() => void>();
  let isClosed = false;

  /**
   * Ends with what `work` ends with, or with `given` as soon as the caller aborts or this adapter is closed; the SDK hears the
   * same signal, and closing ends its sockets. One promise and one listener, because ten thousand calls may wait like this.
   */
  const untilAborted = <End>(caller: AbortSignal, given: (wasSent: boolean) => End, work: () => Promise<End>): Promise<End> => {
    if (caller.aborted || isClosed) return Promise.resolve(given(false));
    return new Promise((resolve) => {
      const settle = (end: End): void => {
        caller.removeEventListener('abort', abort);
        running.delete(abort);
        resolve(end);
      };
      const abort = (): void => settle(given(true));
      caller.addEventListener('abort', abort);
      running.add(abort);
      void work().then(settle);
    });
  };

  const unknown = (id: EndpointId): RangeError => new RangeError(`endpoint must be one of ${kind}'s, got "${id}"`);
  const endpointOf = (id: EndpointId): Endpoint => {
    const endpoint = endpoints.get(id);
    if (endpoint === undefined) throw unknown(id);
    return endpoint;
  };
  const sessionAt = (endpoint: Endpoint): Promise<Opened> => {
    const session = sessions.get(endpoint.id) ?? open(endpoint);
    sessions.set(endpoint.id, session);
    return session;
  };

  function generate(call: ProviderCall, signal: AbortSignal): Promise<ProviderReply> {
    const endpoint = endpoints.get(call.endpoint);
    if (endpoint === undefined) return Promise.reject(unknown(call.endpoint));
    return untilAborted(signal, cancelled, async () => {
      const moment = new Moment(signal, options.clock);
      try {
        return await (await sessionAt(endpoint)).generate(call, moment);
      } catch (error) {
        const secrets = { apiKey: endpoint.apiKey, prompt: call.prompt };
        return failed(failureOf(judgeException(error), { message: publicMessage(describeException(error), secrets) }));
      }
    });
  }

  /** Never `refused` unless the provider said so: whatever goes wrong makes the check unavailable. */
  async function moderateWith(ask: NonNullable<typeof moderate>, prompt: string, id: EndpointId, callerSignal: AbortSignal) {
    const endpoint = endpointOf(id);
    return untilAborted(
      callerSignal,
      () => unavailable('cancelled'),
      async () => {
        try {
          return await ask(await sessionAt(endpoint), prompt, callerSignal);
        } catch (error) {
          return unavailable(publicMessage(describeException(error), { apiKey: endpoint.apiKey, prompt }));
        }
      },
    );
  }

  return {
    generate,
    ...(moderate && { moderate: (prompt, id, signal) => moderateWith(moderate, prompt, id, signal) }),
    async ready() {
      await Promise.all([...[...endpoints.values()].map(sessionAt), loadPixels()]);
    },
    async close() {
      isClosed = true;
      for (const abort of [...running]) abort();
      const open = [...sessions.values()];
      sessions.clear();
      await Promise.allSettled(open.map(async (session) => (await session).close()));
    },
  };
}

function cancelled(wasSent: boolean): ProviderReply {
  return failed(
    wasSent
      ? failureOf(CANCELLED, { message: 'cancelled after it was sent' })
      : failureOf(NEVER_SENT, { message: 'cancelled before it was sent' }),
  );
}

function unavailable(reason: string): Moderation {
  return { kind: 'unavailable', reason };
}

function failed(failure: Extract<ProviderReply, { kind: 'failed' }>['failure']): ProviderReply {
  return { kind: 'failed', failure, requestId: undefined };
}
