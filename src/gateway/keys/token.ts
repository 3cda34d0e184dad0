// A gateway key: `ir_<public id>_<secret>`. The id finds the record; the secret is 32 random bytes that are shown once and
// stored only as a salted hash. A fast keyed hash is right for them: nobody can try 2^256 secrets, however fast.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../../system/secrets.ts';

export type Token = { readonly id: string; readonly secret: string };

const SECRET_BYTES = 32;
const ID_BYTES = 8;
const SALT_BYTES = 16;
const FORM = /^ir_([0-9a-f]{16})_([\w-]{43})$/;

export function newToken(secrets: Secrets): Token {
  return {
    id: Buffer.from(secrets.bytes(ID_BYTES)).toString('hex'),
    secret: Buffer.from(secrets.bytes(SECRET_BYTES)).toString('base64url'),
  };
}

export function formatToken({ id, secret }: Token): string {
  return `ir_${id}_${secret}`;
}

/** Undefined for what cannot be a key. */
export function parseToken(text: string): Token | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function newSalt(secrets: Secrets): Uint8Array {
  return secrets.bytes(SALT_BYTES);
}

export function hashSecret(secret: string, salt: Uint8Array): Uint8Array {
  return createHmac('sha256', salt).update(secret).digest();
}

/** In the same time whatever the secrets are. */
export function isSecret(secret: string, salt: Uint8Array, hash: Uint8Array): boolean {
  const made = hashSecret(secret, salt);
  return made.byteLength === hash.byteLength && timingSafeEqual(made, hash);
}
