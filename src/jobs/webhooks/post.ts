// One try: a POST to a URL that a caller named. https to addresses that were checked, one connection to one of them, no
// redirect, nothing kept from one try to the next. Of the answer the status counts; its body is read to 64 KB, so that a
// receiver may end what it does, and thrown away: what it says is told to nobody.
import type { Dispatcher } from 'undici';
import type { Clock } from '../../system/clock.ts';
import { AnsweredTooLate, askOnce } from '../../system/network/ask-once.ts';
import { AddressRefused, type Doors } from '../../system/network/guarded-connector.ts';
import { readReceiverUrl } from './receiver-url.ts';

export type PostRules = {
  readonly allowInsecureLoopback: boolean;
  /** Real milliseconds for everything: name, connection, answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly doors: Doors;
};

/** `failure` undefined: the receiver took it. Says nothing of addresses and ports behind a host's name. */
export type Posted = { readonly status: number | undefined; readonly failure: string | undefined };

const MOST_READ = 64 * 1024;
const STOPPED = 'the gateway stopped while it was sent';

/** Never rejects. `signal`: the sender stops. */
export async function post(
  text: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  rules: PostRules,
  signal: AbortSignal,
): Promise<Posted> {
  const receiver = readReceiverUrl(text, rules.allowInsecureLoopback);
  if (receiver.kind === 'unusable') return failed(`the URL ${receiver.reason}`);
  const { url, kind } = receiver;
  const question = { url, method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body } as const;
  const { timeoutMs, clock } = rules;
  try {
    return await askOnce(question, { timeoutMs, clock, doors: kind === 'public' ? rules.doors : undefined }, signal, judged);
  } catch (error) {
    if (signal.aborted) return failed(STOPPED);
    if (error instanceof AnsweredTooLate) return failed(`did not answer within ${timeoutMs / 1_000} seconds`);
    return failed(error instanceof AddressRefused ? 'the host has no address, or one that is not public' : 'cannot be reached');
  }
}

/** The status is known by now: whatever becomes of the rest changes nothing. */
async function readSome(body: Dispatcher.ResponseData['body']): Promise<void> {
  let bytes = 0;
  try {
    for await (const piece of body) {
      bytes += piece instanceof Uint8Array ? piece.byteLength : 0;
      if (bytes > MOST_READ) break;
    }
  } catch {
    // Cut off, or too slow.
  }
}

async function judged({ statusCode: status, body }: Dispatcher.ResponseData): Promise<Posted> {
  await readSome(body);
  if (status >= 200 && status < 300) return { status, failure: undefined };
  const isRedirect = status >= 300 && status < 400;
  return { status, failure: isRedirect ? 'answered with a redirect, which is not followed' : `answered with status ${status}` };
}

function failed(failure: string): Posted {
  return { status: undefined, failure };
}
