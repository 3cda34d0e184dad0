// Which addresses the gateway may connect to on somebody else's word: public unicast ones and nothing more. Every special
// range is refused, and so is every IPv6 form that carries an IPv4 address inside (mapped, compatible, NAT64, 6to4,
// Teredo): no resolver needs them, and a list of allowed ranges cannot forget one as a list of forbidden ones can.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The only IPv6 block from which global unicast addresses are handed out (RFC 3513, IANA). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Public by its number, yet inside every Azure machine it is the host agent that hands out configuration. */
const METADATA_IN_PUBLIC_SPACE: ReadonlySet<string> = new Set(['168.63.129.16']);

/** For a dotted IPv4 or an IPv6 address; false for anything else, a zone id included. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%') || METADATA_IN_PUBLIC_SPACE.has(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST);
}

/** A host name to its addresses, all of them; rejects when there are none. Asked once for each connection. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/**
 * What a host stands for, every address checked; `undefined` when it has none or one of them is not public. The two are
 * not told apart, or an error message would let callers map the network behind the gateway.
 */
export async function publicAddressesOf(hostname: string, resolve: Resolve): Promise<readonly string[] | undefined> {
  const literal = hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(literal) === 0 ? await resolve(hostname).catch(() => []) : [literal];
  return addresses.length > 0 && addresses.every(isPublicAddress) ? addresses : undefined;
}
