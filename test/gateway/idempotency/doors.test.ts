import { describe, expect, it } from 'vitest';
import { DOORS, fingerprintAt } from '../../../src/gateway/idempotency/doors.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import type { Idempotency, IdempotencyClaim, Principal } from '../../../src/gateway/ports.ts';
import { openPostgresStores } from '../../../src/gateway/store/postgres/open-postgres.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describePostgres, freshDatabase } from '../../support/postgres.ts';
import { dataFolder, stateIn } from '../support/state-world.ts';

const ME: Principal = { id: 'me', scopes: ['images'], limits: NO_LIMITS };
const WAITED = fingerprintAt('generation', { asked: 'fox', rest: '' });
const AS_JOB = fingerprintAt('job', { asked: 'fox', rest: 'async' });
const ANSWER = { status: 200, headers: {}, body: [Buffer.from('{}')] };

function first(claim: IdempotencyClaim): Extract<IdempotencyClaim, { kind: 'first' }> {
  if (claim.kind !== 'first') throw new Error(claim.kind);
  return claim;
}
const refusedFor = (words: RegExp) => ({
  kind: 'conflict',
  status: 422,
  code: 'idempotency_mismatch',
  message: expect.stringMatching(words),
});

/** Two gateways on one store. */
function oneKeyAtTwoGateways(open: () => Promise<readonly [Idempotency, Idempotency]>): void {
  it('is one request, of any number of doors that ask at the same moment', async () => {
    const gateways = await open();
    for (let turn = 0; turn < 20; turn += 1) {
      const claims = await Promise.all(
        DOORS.map((door, index) => {
          const { claim } = gateways[(index + turn) % 2 === 0 ? 0 : 1];
          return claim(ME, `key ${turn}`, fingerprintAt(door, { asked: 'fox', rest: '' }));
        }),
      );
      expect(claims.map((claim) => (claim.kind === 'conflict' ? claim.status : claim.kind)).sort()).toEqual([422, 422, 422, 'first']);
      for (const claim of claims) if (claim.kind === 'first') await claim.complete(ANSWER);
    }
  });

  it('is free for another door once nothing was begun, and for none after an answer', async () => {
    const [here, there] = await open();
    await first(await here.claim(ME, 'k', WAITED)).abandon();
    const claim = first(await there.claim(ME, 'k', AS_JOB));
    expect(await here.claim(ME, 'k', WAITED)).toMatchObject(refusedFor(/belongs to a job/));
    await claim.complete(ANSWER);
    expect(await here.claim(ME, 'k', WAITED)).toMatchObject(refusedFor(/belongs to a job.*Repeat it as a job/));
    expect(await here.claim(ME, 'k', AS_JOB)).toMatchObject({ kind: 'replay' });
  });
}

describe('one Idempotency-Key at two gateways on a folder', () => {
  oneKeyAtTwoGateways(async () => {
    const dataDir = await dataFolder();
    return [(await stateIn(dataDir)).idempotency, (await stateIn(dataDir)).idempotency];
  });
});

describePostgres('one Idempotency-Key at two gateways on PostgreSQL', () => {
  oneKeyAtTwoGateways(async () => {
    const [url, dataDir] = [await freshDatabase(), await dataFolder()];
    const gatewayOf = async (owner: string): Promise<Idempotency> => {
      const stores = await openPostgresStores({ url, clock: systemClock(1), owner });
      return (await stateIn(dataDir, { stores })).idempotency;
    };
    return [await gatewayOf('one'), await gatewayOf('other')];
  });
});

describe('the refusal at another door', () => {
  it('sends whoever has lost patience back to the call that runs, or has its answer', async () => {
    const { idempotency } = await stateIn(await dataFolder());
    const claim = first(await idempotency.claim(ME, 'k', WAITED));
    const back = refusedFor(/belongs to a request to \/v1\/images\/generations.*Repeat it without Prefer: respond-async/);
    expect(await idempotency.claim(ME, 'k', AS_JOB)).toMatchObject(back);
    await claim.complete(ANSWER);
    expect(await idempotency.claim(ME, 'k', AS_JOB)).toMatchObject(back);
  });

  it('asks for a new key where another request is meant, or repeating the first brings nothing', async () => {
    const dataDir = await dataFolder();
    const state = await stateIn(dataDir);
    const { idempotency } = state;
    await first(await idempotency.claim(ME, 'failed', WAITED)).complete({ ...ANSWER, status: 504 });
    await first(await idempotency.claim(ME, 'other', WAITED)).complete(ANSWER);
    first(await idempotency.claim(ME, 'left', WAITED)).leave();
    await idempotency.claim(ME, 'cut', WAITED);
    const another = fingerprintAt('job', { asked: 'hare', rest: 'async' });
    expect(await idempotency.claim(ME, 'other', another)).toMatchObject(refusedFor(/generations.*Use a new key for a new request/));
    expect(await idempotency.claim(ME, 'failed', AS_JOB)).toMatchObject(refusedFor(/refused or failed.*Use a new key/));
    expect(await idempotency.claim(ME, 'left', AS_JOB)).toMatchObject(refusedFor(/cut off.*Use a new key/));
    await state.close();
    const again = await stateIn(dataDir);
    expect(await again.idempotency.claim(ME, 'cut', AS_JOB)).toMatchObject(refusedFor(/cut off.*Use a new key/));
    // Whoever repeats what was cut off hears of it as before: a job is found, or accepted, by this name.
    expect(await again.idempotency.claim(ME, 'cut', WAITED)).toMatchObject({ status: 409, name: expect.stringMatching(/^ans_/) });
  });
});
