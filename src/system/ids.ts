// Identifiers: random, 128 bits, url-safe, with a prefix that says what they name. The random bytes are fetched for many ids
// at once, because asking for them takes longer than everything else about an id.
import { randomBytes } from 'node:crypto';

export interface Ids {
  /** `next('req')` -> `req_3f9c...` */
  next(prefix: string): string;
}

const ID_BYTES = 16;
const IDS_PER_FETCH = 128;

export function systemIds(): Ids {
  let stock = Buffer.alloc(0);
  return {
    next: (prefix) => {
      if (stock.length === 0) stock = randomBytes(ID_BYTES * IDS_PER_FETCH);
      const id = stock.toString('hex', 0, ID_BYTES);
      stock = stock.subarray(ID_BYTES);
      return `${prefix}_${id}`;
    },
  };
}
