// The money of several scenes, from both sides: what the router counts and what the sandbox's ledger says.

import { addUsd, type MicroUsd } from '../../domain/money.ts';
import { addCosts } from '../../domain/result.ts';
import type { Episode } from './episode.ts';

export type Books = { readonly billed: MicroUsd; readonly possiblyBilled: MicroUsd; readonly ledger: MicroUsd | undefined };

/** Both sides' sums over all scenes. */
export function booksOf(episodes: readonly Episode[]): Books {
  const ledgers = episodes.flatMap(({ ledgerBilled }) => (ledgerBilled === undefined ? [] : [ledgerBilled]));
  return {
    ...addCosts(...episodes.map(({ cost }) => cost)),
    ledger: ledgers.length === 0 ? undefined : addUsd(...ledgers),
  };
}
