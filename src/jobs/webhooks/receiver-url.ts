// Which URLs webhooks may be sent to. Asked when an endpoint is made, for a clear error, and again at every try: rules change,
// and what is in the store is not trusted. Whether the host's addresses are public is asked at every try, by the connection.
import { isLoopbackHost } from '../../system/network/loopback-host.ts';

const PORTS: ReadonlySet<string> = new Set(['', '443', '8443']);
const LONGEST_URL = 2_048;

export type ReceiverUrl =
  | { readonly kind: 'public' | 'loopback'; readonly url: URL }
  /** Continues "the URL". */
  | { readonly kind: 'unusable'; readonly reason: string };

/** `allowInsecureLoopback`: http to this very machine, on any port. */
export function readReceiverUrl(text: string, allowInsecureLoopback: boolean): ReceiverUrl {
  if (text.length > LONGEST_URL) return unusable(`must be at most ${LONGEST_URL} characters`);
  const url = URL.parse(text);
  if (url === null) return unusable('is no URL');
  if (url.username !== '' || url.password !== '') return unusable('must not carry a user name or password');
  if (allowInsecureLoopback && url.protocol === 'http:' && isLoopbackHost(url.hostname)) return { kind: 'loopback', url };
  if (url.protocol !== 'https:') return unusable('must be an https URL');
  if (!PORTS.has(url.port)) return unusable('must use port 443 or 8443');
  return { kind: 'public', url };
}

function unusable(reason: string): ReceiverUrl {
  return { kind: 'unusable', reason };
}
