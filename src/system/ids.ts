// Identifiers: random, 128 bits, url-safe, with a prefix that says what they name.
import { randomBytes } from 'node:crypto';

export interface Ids {
  /** `next('req')` -> `req_3f9c...` */
  next(prefix: string): string;
}

export function systemIds(): Ids {
  return { next: (prefix) => `${prefix}_${randomBytes(16).toString('hex')}` };
}
