import { describe, expect, it } from 'vitest';
import { createKeyRing, REMEMBERED_MS } from '../../../src/gateway/keys/key-ring.ts';
import { hashSecret, isSecret, newToken, parseToken } from '../../../src/gateway/keys/token.ts';
import { NO_LIMITS } from '../../../src/gateway/limits/no-limits.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { dataFolder, overlaid } from '../support/state-world.ts';

const secrets = systemSecrets();
const plain = { name: 'n', scopes: ['images'] as const, limits: NO_LIMITS };

describe('recognising a key', () => {
  it('asks the store once in a while, and obeys a revocation by another process within five real seconds', async () => {
    const dataDir = await dataFolder();
    const clock = manualClock(20);
    const here = openSqliteStores({ dataDir, clock, owner: 'here' }).store;
    const there = openSqliteStores({ dataDir, clock, owner: 'there' }).store;
    let lookups = 0;
    const counting = overlaid(here, {
      findKey: (id) => {
        lookups += 1;
        return here.findKey(id);
      },
    });
    const ring = createKeyRing(counting, clock, secrets);
    const { token, key } = await ring.create(plain);
    for (let round = 0; round < 3; round += 1) expect(await ring.recognise(token)).toMatchObject({ id: key.id });
    expect(lookups).toBe(1);
    await createKeyRing(there, clock, secrets).revoke(key.id);
    clock.advance(REMEMBERED_MS * clock.speed);
    expect(await ring.recognise(token)).toBeUndefined();
    await here.close();
    await there.close();
  });

  it('forgets at once what is revoked here, also when it was asked for meanwhile', async () => {
    const store = openSqliteStores({ dataDir: await dataFolder(), clock: manualClock(), owner: 'one' }).store;
    const ring = createKeyRing(store, manualClock(), secrets);
    const { token, key } = await ring.create(plain);
    const [isRevoked] = await Promise.all([ring.revoke(key.id), ring.recognise(token)]);
    expect(isRevoked).toBe(true);
    expect(await ring.recognise(token)).toBeUndefined();
    await store.close();
  });
});

describe('a token', () => {
  it('is 32 random bytes that only their own salted hash matches', () => {
    const [one, other] = [newToken(secrets), newToken(secrets)];
    const [salt, otherSalt] = [Buffer.from('a'), Buffer.from('b')];
    expect(Buffer.from(one.secret, 'base64url')).toHaveLength(32);
    expect(isSecret(one.secret, salt, hashSecret(one.secret, salt))).toBe(true);
    expect(isSecret(other.secret, salt, hashSecret(one.secret, salt))).toBe(false);
    expect(isSecret(one.secret, otherSalt, hashSecret(one.secret, salt))).toBe(false);
    expect(isSecret(one.secret, salt, new Uint8Array())).toBe(false);
  });

  it('is nothing but a token', () => {
    for (const text of [
      '',
      'ir_',
      'ir_0123456789abcdef_short',
      `ir_0123456789ABCDEF_${'a'.repeat(43)}`,
      `ir_0123456789abcdef_${'a'.repeat(44)}`,
    ]) {
      expect(parseToken(text)).toBeUndefined();
    }
  });
});
