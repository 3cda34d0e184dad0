// Connections to hosts that a caller named. The name is resolved here, once, its addresses are checked, and the socket is
// opened to a checked address: between check and use nothing is asked again, so a name cannot change its mind. A lookup
// hook would not do, because sockets skip it for addresses written as such.
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { buildConnector } from 'undici';
import { publicAddressesOf, type Resolve } from './address-guard.ts';

/** `servername`: whose certificate is expected; undefined where the URL itself names an address. */
export type Target = { readonly address: string; readonly port: number; readonly servername: string | undefined };
/** Opens an encrypted connection to exactly this address. Rejects when it cannot, or when the signal aborts. */
export type Dial = (target: Target, signal: AbortSignal) => Promise<Socket>;
/** How the gateway reaches the outside; tests hand in their own, so that nothing leaves the machine. */
export type Doors = { readonly resolve: Resolve; readonly dial: Dial };

/** Further addresses are tried when one does not answer, so that a host half reachable by IPv6 works. */
const MOST_ADDRESSES = 4;

/** The host has no address, or one that is not public. Deliberately one error for both. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/** For undici's `connect` option. `signal` ends a connection still being made. */
export function guardedConnector({ resolve, dial }: Doors, signal: AbortSignal): buildConnector.connector {
  return ({ hostname, protocol, port }, callback) => {
    const open = async (): Promise<Socket> => {
      if (protocol !== 'https:') throw new AddressRefused('only https is spoken to hosts that callers name');
      const addresses = await unlessAborted(publicAddressesOf(hostname, resolve), signal);
      if (addresses === undefined) throw new AddressRefused('the host has no address, or one that is not public');
      const servername = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : undefined;
      return dialFirst(addresses.slice(0, MOST_ADDRESSES), { port: Number(port) || 443, servername }, dial, signal);
    };
    open().then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error instanceof Error ? error : new Error('cannot connect'), null),
    );
  };
}

async function dialFirst(addresses: readonly string[], rest: Omit<Target, 'address'>, dial: Dial, signal: AbortSignal): Promise<Socket> {
  let failure: unknown;
  for (const address of addresses) {
    signal.throwIfAborted();
    try {
      return await unlessAborted(dial({ address, ...rest }, signal), signal);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** A resolver cannot be called off, and undici waits for its connector even when the request was aborted. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The machine's resolver and real TLS sockets. */
export const machineDoors: Doors = {
  resolve: async (hostname) => (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address),
  dial: ({ address, port, servername }, signal) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, ALPNProtocols: ['http/1.1'], ...(servername === undefined ? {} : { servername }) });
      const abort = (): void => void socket.destroy(new Error('aborted while connecting'));
      signal.addEventListener('abort', abort, { once: true });
      socket.once('close', () => signal.removeEventListener('abort', abort));
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        resolve(socket);
      });
    }),
};
