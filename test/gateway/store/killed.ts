// A gateway's store in a process of its own, to be killed: one reservation settled, one left open, one claim running.
import type { Cost } from '../../../src/domain/result.ts';
import { NO_LIMITS, openSqliteStore } from '../../../src/gateway/store/sqlite-store.ts';
import { systemClock } from '../../../src/system/clock.ts';

const clock = systemClock(1);
const store = openSqliteStore({ dataDir: process.argv[2] ?? '', clock, owner: 'killed' });
const at = clock.wall().getTime();
await store.beat(at, 0);
for (const id of ['settled', 'open']) await store.reserve({ id, principal: 'key', images: 1, microUsd: 100, limits: NO_LIMITS, at });
await store.settle('settled', { billed: 40 as Cost['billed'], possiblyBilled: 0 as Cost['possiblyBilled'] });
await store.claim('key', 'running', 'f', at);
process.stdout.write('ready\n');
setInterval(() => undefined, 1_000);
