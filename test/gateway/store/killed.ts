// A gateway's store in a process of its own, to be killed: one reservation settled, one left open, one claim running. Its
// argument is a data folder, or the URL of a PostgreSQL database.
import { microUsd } from '../../../src/domain/money.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { openPostgres } from '../../../src/gateway/store/postgres/postgres.ts';
import { PostgresStore } from '../../../src/gateway/store/postgres/postgres-store.ts';
import { systemClock } from '../../../src/system/clock.ts';

const place = process.argv[2] ?? '';
const common = { clock: systemClock(1), owner: 'killed' };
const store = place.startsWith('postgres:')
  ? new PostgresStore(await openPostgres({ url: place, ...common }))
  : openSqliteStores({ dataDir: place, ...common }).store;
const at = 1_795_608_000_000;
await store.beat(at);
for (const id of ['settled', 'open']) {
  await store.reserve({ id, principal: 'key', images: 1, microUsd: microUsd(0.0001), limits: NO_LIMITS, at, keptBy: 'gateway' });
}
await store.settle('settled', { billed: microUsd(0.00004), possiblyBilled: microUsd(0) });
await store.claim({ principal: 'key', key: 'running', fingerprint: 'f', file: 'never', at });
process.stdout.write('ready\n');
setInterval(() => undefined, 1_000);
