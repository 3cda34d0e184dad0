// Where the processes of a fleet keep what they share.
import { openSqliteStores, type Stores } from '../../../src/gateway/store/open-sqlite.ts';
import { openPostgresStores } from '../../../src/gateway/store/postgres/open-postgres.ts';
import { systemClock } from '../../../src/system/clock.ts';

/** `folder`: pictures and the provider's ledger, and the store itself where there is no database. */
export type FleetPlace = { readonly folder: string; readonly url?: string };

export async function openFleetStores({ folder, url }: FleetPlace, owner: string): Promise<Stores> {
  const clock = systemClock(1);
  return url === undefined ? openSqliteStores({ dataDir: folder, clock, owner }) : openPostgresStores({ url, clock, owner });
}
