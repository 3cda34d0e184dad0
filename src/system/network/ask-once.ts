// One request to a host that a caller named: one connection, which is closed when the answer was read, and one limit for
// everything, on the clock that is handed in. undici's plain request is used rather than a fetch: it neither follows, nor
// decompresses, nor remembers cookies, and nothing is kept from one request to the next.
import { Client, type Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { type Doors, guardedConnector } from './guarded-connector.ts';

export type Question = {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type AskRules = {
  /** Real milliseconds for everything: name, connection, answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Undefined: connected to as it is named, unchecked. */
  readonly doors: Doors | undefined;
};

/** Nothing was answered, or not all, within the time there was. */
export class AnsweredTooLate extends Error {
  override readonly name = 'AnsweredTooLate';
}

const HEADER_BYTES = 16 * 1024;

/** `read` has what is left of the time. Rejects with AnsweredTooLate, AddressRefused, what `read` throws, and what a socket may. */
export async function askOnce<Result>(
  { url, method, headers, body }: Question,
  { timeoutMs, clock, doors }: AskRules,
  signal: AbortSignal,
  read: (answer: Dispatcher.ResponseData) => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController();
  const within = AbortSignal.any([signal, stop.signal]);
  const stopTimer = clock.timer(timeoutMs * clock.speed, () => stop.abort());
  const client = new Client(url.origin, {
    ...(doors === undefined ? {} : { connect: guardedConnector(doors, within) }),
    maxHeaderSize: HEADER_BYTES,
    // The one limit is above.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const path = `${url.pathname}${url.search}`;
    const fixed = { 'accept-encoding': 'identity', 'user-agent': 'image-router' };
    const answer = await client.request({ method, path, headers: { ...fixed, ...headers }, body: body ?? null, signal: within });
    return await read(answer);
  } catch (error) {
    if (stop.signal.aborted) throw new AnsweredTooLate();
    throw error;
  } finally {
    stopTimer();
    client.destroy().catch(() => undefined);
  }
}
