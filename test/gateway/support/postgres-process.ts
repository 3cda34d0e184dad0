// A process on a PostgreSQL database, as far as its stores go, and its sudden end.
import { vi } from 'vitest';
import { openPostgres, type Postgres, type PostgresOptions } from '../../../src/gateway/store/postgres/postgres.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { query } from '../../support/postgres.ts';

/** Judges others by their sessions alone, so that a test need not wait. */
export function postgresFor(url: string, owner: string, changes: Partial<PostgresOptions> = {}): Promise<Postgres> {
  return openPostgres({ url, clock: systemClock(1), owner, silentMs: 0, connections: 4, ...changes });
}

/** As for a process that is killed: its session ends, and nothing of it is heard. Resolves when the server has seen it. */
export async function kill(url: string, { session, owner }: Postgres): Promise<void> {
  await session.close();
  const held = `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND classid::bigint = (image_router.lock_of('${owner}') >> 32) & 4294967295 AND objid::bigint = image_router.lock_of('${owner}') & 4294967295`;
  await vi.waitFor(async () => {
    const [row] = await query(url, held);
    if (row?.n !== 0) throw new Error('its session has not ended yet');
  });
}
