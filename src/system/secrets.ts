// Bytes nobody can guess, for keys and salts.
import { randomBytes } from 'node:crypto';

export interface Secrets {
  bytes(count: number): Uint8Array;
}

export function systemSecrets(): Secrets {
  return { bytes: (count) => randomBytes(count) };
}
