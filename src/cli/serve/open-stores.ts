// Where a gateway, a worker or `keys` finds what processes share: a database where DATABASE_URL names one, else a file in the
// data folder. The URL holds a password, so it comes from the environment and nowhere else.
import { openSqliteStores, type Stores } from '../../gateway/store/open-sqlite.ts';
import type { Clock } from '../../system/clock.ts';
import type { Environment } from '../io.ts';

export type StorePlace = { readonly dataDir: string; readonly databaseUrl: string | undefined };

export function databaseUrlIn(env: Environment): string | undefined {
  return env.DATABASE_URL || undefined;
}

/** Keys are made where the gateway that is to know them looks for them. */
export function createKeyLine({ dataDir, databaseUrl }: StorePlace): string {
  const line = 'image-router keys create --name NAME';
  return databaseUrl === undefined ? `${line} --data ${dataDir}` : `DATABASE_URL=... ${line}`;
}

/** Rejects with ImageRouterError `invalid_config` when the folder or the database cannot be used. */
export async function openStores({ dataDir, databaseUrl }: StorePlace, clock: Clock, owner: string): Promise<Stores> {
  if (databaseUrl === undefined) return openSqliteStores({ dataDir, clock, owner });
  // Loaded only where there is a database: it takes a tenth of a second.
  const { openPostgresStores } = await import('../../gateway/store/postgres/open-postgres.ts');
  return openPostgresStores({ url: databaseUrl, clock, owner });
}
