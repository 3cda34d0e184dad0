// Where no key is needed, being on this machine is the key. A browser on this machine is, too, and shows pages of strangers:
// a form of theirs may be posted here without asking, and a name of theirs may lead to this address from one moment to the
// next, so that their page reads here as if it were at home. What browsers send tells whose page it was: with every post its
// origin, with every request the name it was sent to. Programs that are no browsers send only that name.
import { isLoopbackHost } from '../../system/network/loopback-host.ts';
import { Refusal } from './refusal.ts';

/** A name of this machine that was read already: nearly all requests come by the same one. */
let lastOwn: string | undefined;

/** Throws Refusal 403 for a request that a page from elsewhere has, or may have, a browser make. */
export function refuseForeignPage(request: Pick<Request, 'headers' | 'url'>): void {
  const { headers } = request;
  // HTTP/1.0 and a request without a socket may come without the header: then the URL is all there is.
  const host = headers.get('host') ?? new URL(request.url).host;
  if (host !== lastOwn) {
    if (!isOnThisMachine(`http://${host}`)) throw foreignHost();
    lastOwn = host;
  }
  const origin = headers.get('origin');
  // Pictures and frames in a page, and links, are asked for without an origin. To a browser localhost and 127.0.0.1 are two sites.
  const isElsewhere = origin === null ? headers.get('sec-fetch-site') === 'cross-site' : !isOnThisMachine(origin);
  if (isElsewhere) throw foreignOrigin();
}

/** Names below `localhost` belong to nobody (RFC 6761): no stranger's page can have one. */
function isOnThisMachine(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return isLoopbackHost(hostname) || hostname.endsWith('.localhost');
}

function foreignHost(): Refusal {
  return new Refusal({
    status: 403,
    code: 'foreign_host',
    message: 'Without a key this gateway is called by a name of this machine only, and the Host header names another.',
    remedy: 'call it by 127.0.0.1 or localhost, or send a key',
  });
}

function foreignOrigin(): Refusal {
  return new Refusal({
    status: 403,
    code: 'foreign_origin',
    message: 'Pages of other sites may not use this gateway while it asks for no key.',
    remedy: 'start the gateway with --require-keys and send a key',
  });
}
