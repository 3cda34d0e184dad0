// Links that let whoever holds them get one thing for a while, without a key: a browser that shows a picture sends none. What
// is signed is the method, the path, whose it is and when it ends to be good; what is not signed cannot be asked for. The
// secret is made by whichever gateway on the store asks first, is another every month, and the month's number is the key's id
// in the link: a secret that got out is of no use once its month and the next are over. Secrets are fetched ahead of their
// month, so that signing and checking wait for nothing. A key that is revoked leaves the links made with it good to their end.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { CancelTimer, Clock } from '../../system/clock.ts';
import type { Secrets } from '../../system/secrets.ts';
import type { PictureLinks } from '../http/jobs/job-parts.ts';
import type { Store } from '../store/store.ts';

export type SignedLinksOptions = {
  readonly store: Pick<Store, 'sharedSecret'>;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** Real milliseconds a link is good for. Default: a quarter of an hour, long enough for a page that was opened and left. */
  readonly lifeMs?: number;
  /** Hears of a month's secret that could not be fetched; it is asked for again. */
  readonly onTrouble?: (error: unknown) => void;
};

const LIFE_MS = 15 * 60_000;
const MONTH_MS = 30 * 86_400_000;
const FETCH_MS = 3_600_000;
const SECRET_BYTES = 32;
/** Of SHA-256, in base64url. */
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/;

/** Rejects with StoreError when the store cannot be asked. */
export async function openSignedLinks(options: SignedLinksOptions): Promise<SignedLinks> {
  const links = new SignedLinks(options);
  await links.fetch();
  links.keepFetching();
  return links;
}

export class SignedLinks implements PictureLinks {
  readonly #options: SignedLinksOptions;
  readonly #lifeMs: number;
  /** By month. */
  #known: ReadonlyMap<number, Uint8Array> = new Map();
  #stopTimer: CancelTimer | undefined;

  constructor(options: SignedLinksOptions) {
    this.#options = options;
    this.#lifeMs = (options.lifeMs ?? LIFE_MS) * options.clock.speed;
  }

  /** The path with a query that proves who made it, and when it ends to be good: milliseconds since 1970, of the world. */
  sign(path: string, principal: string): { readonly path: string; readonly expiresAt: number } {
    const { month: key, secret } = this.#current();
    const expiresAt = Math.floor(this.#now() + this.#lifeMs);
    const query = new URLSearchParams({ expires: String(expiresAt), owner: principal, key: String(key) });
    query.set('signature', signatureOf(secret, { path, principal, expiresAt, key }).toString('base64url'));
    return { path: `${path}?${query}`, expiresAt };
  }

  /** Whose link it is; undefined when it is not one of ours, was changed, or is too old. */
  principalOf(path: string, query: URLSearchParams): string | undefined {
    const [expires, principal, key, signature] = ['expires', 'owner', 'key', 'signature'].map((name) => only(query, name));
    if (expires === undefined || principal === undefined || key === undefined || signature === undefined) return undefined;
    const secret = /^\d{1,6}$/.test(key) ? this.#known.get(Number(key)) : undefined;
    if (secret === undefined || !/^\d{1,15}$/.test(expires) || !SIGNATURE.test(signature)) return undefined;
    const expected = signatureOf(secret, { path, principal, expiresAt: Number(expires), key: Number(key) });
    if (!timingSafeEqual(expected, Buffer.from(signature, 'base64url'))) return undefined;
    return Number(expires) > this.#now() ? principal : undefined;
  }

  /** Secrets of this month, of the one before, whose links may still be good, and of the one that comes. */
  async fetch(): Promise<void> {
    const { store, secrets } = this.#options;
    const month = this.#month();
    const months = [month - 1, month, month + 1];
    const found = await Promise.all(months.map((each) => store.sharedSecret(`links/${each}`, () => secrets.bytes(SECRET_BYTES))));
    this.#known = new Map(months.flatMap((each, index) => (found[index] === undefined ? [] : [[each, found[index]]])));
  }

  keepFetching(): void {
    const { clock, onTrouble } = this.#options;
    this.#stopTimer = clock.timer(
      FETCH_MS * clock.speed,
      () => {
        this.fetch().catch((error: unknown) => onTrouble?.(error));
        this.keepFetching();
      },
      { background: true },
    );
  }

  close(): void {
    this.#stopTimer?.();
  }

  /** The latest there is, when the store was away for a whole month. */
  #current(): { readonly month: number; readonly secret: Uint8Array } {
    const known = [...this.#known].filter(([month]) => month <= this.#month());
    const [month, secret] = known.at(-1) ?? [];
    if (month === undefined || secret === undefined) throw new Error('invariant: links are opened before they are signed');
    return { month, secret };
  }

  #now(): number {
    return this.#options.clock.wall().getTime();
  }

  #month(): number {
    return Math.floor(this.#now() / MONTH_MS);
  }
}

type Signed = { readonly path: string; readonly principal: string; readonly expiresAt: number; readonly key: number };

/** JSON, because a text put together of parts can be taken apart in two ways. */
function signatureOf(secret: Uint8Array, { path, principal, expiresAt, key }: Signed): Buffer {
  return createHmac('sha256', secret)
    .update(JSON.stringify(['image-router link', 'GET', path, principal, expiresAt, key]))
    .digest();
}

/** Undefined also when it is there twice: two readers might each take another. */
function only(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}
