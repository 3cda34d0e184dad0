// Where no key is needed, being on this machine is the key. A browser on this machine is, too, and shows pages of strangers:
// a form of theirs may be posted here without asking, under any name that leads to this address. What browsers send with
// every post tells whose page it was; programs that are no browsers send none of it.
import { isLoopbackHost } from '../../system/network/loopback-host.ts';
import { Refusal } from './refusal.ts';

/** Throws Refusal 403 for a request that a page from elsewhere has a browser make. */
export function refuseForeignPage(headers: Headers): void {
  const origin = headers.get('origin');
  if (origin === null || (URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname))) return;
  throw new Refusal({
    status: 403,
    code: 'foreign_origin',
    message: 'Pages of other sites may not use this gateway while it asks for no key.',
    remedy: 'start the gateway with --require-keys and send a key',
  });
}
