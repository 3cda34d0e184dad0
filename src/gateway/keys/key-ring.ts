// Keys: made, listed, revoked, and recognised. A key that was recognised is remembered for a few seconds, so that the store is
// not asked for every request; a revocation holds everywhere after that time at most.
import { createHash } from 'node:crypto';
import type { Clock } from '../../system/clock.ts';
import type { Secrets } from '../../system/secrets.ts';
import type { KeyLimits, Scope } from '../ports.ts';
import type { Store, StoredKey } from '../store/store.ts';
import { formatToken, hashSecret, isSecret, newSalt, newToken, parseToken } from './token.ts';

/** How long a revoked key may still be taken by another gateway; real milliseconds. */
export const REMEMBERED_MS = 5_000;
const MOST_REMEMBERED = 10_000;

export type NewKey = { readonly name: string; readonly scopes: readonly Scope[]; readonly limits: KeyLimits };

export interface KeyRing {
  /** `token` is shown once; it cannot be had again. */
  create(key: NewKey): Promise<{ readonly token: string; readonly key: StoredKey }>;
  list(): Promise<readonly StoredKey[]>;
  revoke(id: string): Promise<boolean>;
  /** The key, unless it is unknown, wrong or revoked: which of them is nobody's business. */
  recognise(text: string): Promise<StoredKey | undefined>;
}

type Remembered = { readonly key: StoredKey; readonly until: number };

export function createKeyRing(store: Store, clock: Clock, secrets: Secrets): KeyRing {
  const remembered = new Map<string, Remembered>();
  const wallMs = (): number => clock.wall().getTime();
  // Compared with when the id is unknown, so that an unknown id takes as long as a wrong secret.
  const nobody = { salt: newSalt(secrets), hash: secrets.bytes(32) };

  async function recognise(text: string): Promise<StoredKey | undefined> {
    // The whole token: a cache by part of a key would let one key in with another's rights.
    const fingerprint = createHash('sha256').update(text).digest('base64');
    const known = remembered.get(fingerprint);
    if (known !== undefined && clock.now() < known.until) return known.key;
    remembered.delete(fingerprint);
    const token = parseToken(text);
    const key = token === undefined ? undefined : await store.findKey(token.id);
    const isRight = isSecret(token?.secret ?? '', key?.salt ?? nobody.salt, key?.hash ?? nobody.hash);
    if (key === undefined || !isRight || key.revokedAt !== undefined) return undefined;
    const [oldest] = remembered.keys();
    if (remembered.size >= MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    remembered.set(fingerprint, { key, until: clock.now() + REMEMBERED_MS * clock.speed });
    return key;
  }

  return {
    recognise,
    create: async ({ name, scopes, limits }) => {
      const token = newToken(secrets);
      const salt = newSalt(secrets);
      const hash = hashSecret(token.secret, salt);
      const key: StoredKey = { id: token.id, name, salt, hash, scopes, limits, createdAt: wallMs(), revokedAt: undefined };
      await store.addKey(key);
      return { token: formatToken(token), key };
    },
    list: () => store.listKeys(),
    revoke: async (id) => {
      const isRevoked = await store.revokeKey(id, wallMs());
      // Afterwards: whoever was recognised while the record was on its way is forgotten too.
      for (const [fingerprint, { key }] of remembered) if (key.id === id) remembered.delete(fingerprint);
      return isRevoked;
    },
  };
}
