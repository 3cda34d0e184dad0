// A gateway's store in a process of its own, to be killed: one reservation settled, one left open, one claim running.

import { microUsd } from '../../../src/domain/money.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { openSqliteStore } from '../../../src/gateway/store/sqlite-store.ts';
import { systemClock } from '../../../src/system/clock.ts';

const store = openSqliteStore({ dataDir: process.argv[2] ?? '', clock: systemClock(1), owner: 'killed' });
const at = 1_795_608_000_000;
await store.beat(at);
for (const id of ['settled', 'open']) {
  await store.reserve({ id, principal: 'key', images: 1, microUsd: microUsd(0.0001), limits: NO_LIMITS, at, keptBy: 'gateway' });
}
await store.settle('settled', { billed: microUsd(0.00004), possiblyBilled: microUsd(0) });
await store.claim({ principal: 'key', key: 'running', fingerprint: 'f', file: 'never', at });
process.stdout.write('ready\n');
setInterval(() => undefined, 1_000);
