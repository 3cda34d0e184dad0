// What every adapter owes its callers, written once: a call settles exactly once and soon after its signal is aborted,
// nothing is sent for an aborted signal or after close, SDKs are loaded and clients made on first use, nothing is thrown.
// The two providers differ only in the session they open on an endpoint.
import type { Endpoint } from '../domain/endpoint.ts';
import type { ProviderKind } from '../domain/vocabulary.ts';
import type { Clock } from '../system/clock.ts';
import { loadPixels } from './pixels.ts';
import type { Provider, ProviderCall, ProviderReply } from './provider.ts';
import { publicMessage } from './public-message.ts';
import { CANCELLED, failureOf, NEVER_SENT } from './verdicts.ts';
import { describeException, judgeException } from './wire-error.ts';

export type AdapterOptions = {
  /** Those of another provider are ignored. */
  readonly endpoints: readonly Endpoint[];
  readonly clock: Clock;
};

/** What one call may know of the world. */
export type Moment = {
  readonly signal: AbortSignal;
  /** World milliseconds since the call was sent. */
  elapsedMs(): number;
  /** Milliseconds since 1970, in world time. */
  wallMs(): number;
};

/** An open client at one endpoint. May reject with whatever its SDK throws when no answer could be read. */
export type Session = { generate(call: ProviderCall, moment: Moment): Promise<ProviderReply> };

/** Rejects only with RangeError, for a call to an endpoint it was not given: a broken plan, not a failed call. */
export function createAdapter(kind: ProviderKind, options: AdapterOptions, open: (endpoint: Endpoint) => Promise<Session>): Provider {
  const endpoints = new Map(options.endpoints.filter(({ provider }) => provider === kind).map((endpoint) => [endpoint.id, endpoint]));
  const sessions = new Map<string, Promise<Session>>();
  const closing = new AbortController();

  const sessionAt = (endpoint: Endpoint): Promise<Session> => {
    const session = sessions.get(endpoint.id) ?? open(endpoint);
    sessions.set(endpoint.id, session);
    return session;
  };
  return {
    async generate(call, callerSignal) {
      const endpoint = endpoints.get(call.endpoint);
      if (endpoint === undefined) throw new RangeError(`endpoint must be one of ${kind}'s, got "${call.endpoint}"`);
      const signal = AbortSignal.any([callerSignal, closing.signal]);
      if (signal.aborted) return failed(failureOf(NEVER_SENT, { message: 'cancelled before it was sent' }));
      const startedAt = options.clock.now();
      const moment: Moment = {
        signal,
        elapsedMs: () => options.clock.now() - startedAt,
        wallMs: () => options.clock.wall().getTime(),
      };
      const work = generateAt(sessionAt(endpoint), call, moment).catch((error: unknown) =>
        failed(
          failureOf(judgeException(error), {
            message: publicMessage(describeException(error), { apiKey: endpoint.apiKey, prompt: call.prompt }),
          }),
        ),
      );
      return firstOf(work, signal);
    },
    async ready() {
      await Promise.all([...[...endpoints.values()].map(sessionAt), loadPixels()]);
    },
    async close() {
      closing.abort();
      sessions.clear();
    },
  };
}

/** A synchronous throw becomes a rejection, so that there is one way to fail. */
async function generateAt(opening: Promise<Session>, call: ProviderCall, moment: Moment): Promise<ProviderReply> {
  const session = await opening;
  return session.generate(call, moment);
}

/** The work's reply, or `cancelled` as soon as the signal is aborted; the SDK closes the socket by itself meanwhile. */
async function firstOf(work: Promise<ProviderReply>, signal: AbortSignal): Promise<ProviderReply> {
  const abort = Promise.withResolvers<ProviderReply>();
  const onAbort = (): void => abort.resolve(failed(failureOf(CANCELLED, { message: 'cancelled after it was sent' })));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([abort.promise, work]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function failed(failure: Extract<ProviderReply, { kind: 'failed' }>['failure']): ProviderReply {
  return { kind: 'failed', failure, requestId: undefined };
}
