// A gateway's state in a process of its own, spending as fast as it can until it is killed. It says `settled` after each
// settlement of the keyed principal that was acknowledged, `claimed` once a claim runs, and `written` once what loopback spent
// is in the books. The clock runs far ahead of the machine's, as in a fast sandbox.
import { microUsd } from '../../../src/domain/money.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { Ask, Lease, Principal } from '../../../src/gateway/ports.ts';
import { openState } from '../../../src/gateway/state.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';

const say = (word: string): boolean => process.stdout.write(`${word}\n`);
const cost = { billed: microUsd(0.000007), possiblyBilled: microUsd(0) };
const times = { traceTtlMs: 3_600_000, idempotencyTtlMs: 86_400_000 };
const state = await openState({
  dataDir: process.argv[2] ?? '',
  clock: systemClock(1_000),
  ids: systemIds(),
  requireKeys: false,
  ...times,
});

const limits = { ...NO_LIMITS, usdPerDay: 100, usdPerMonth: 100, concurrent: 50 };
const keyed: Principal = { id: 'keyed', scopes: ['images'], limits };
const loopback = await state.gatekeeper.authenticate(new Headers());
if ('status' in loopback) throw new Error(loopback.message);

async function lease(principal: Principal, requestId: string): Promise<Lease> {
  const ask: Ask = { requestId, images: 1, mostMicroUsd: microUsd(0.0001), policy: undefined, model: 'auto' };
  const given = await state.gatekeeper.admit(principal, ask);
  if ('status' in given) throw new Error(given.message);
  return given;
}

async function spend(lane: number): Promise<void> {
  for (let round = 0; ; round += 1) {
    const place = await lease(keyed, `keyed ${lane} ${round}`);
    await place.settle(cost);
    say('settled');
  }
}

await state.idempotency.claim(keyed, 'cut off', 'f');
say('claimed');
for (let index = 0; index < 10; index += 1) await (await lease(loopback, `loopback ${index}`)).settle(cost);
await lease(loopback, 'still open');
await lease(keyed, 'still open, keyed');
const isWritten = async (): Promise<boolean> => (await state.spendOf('loopback')).some(({ billed }) => billed === 70);
while (!(await isWritten())) await new Promise((resolve) => setTimeout(resolve, 10));
say('written');
await Promise.all(Array.from({ length: 16 }, (_, lane) => spend(lane)));
