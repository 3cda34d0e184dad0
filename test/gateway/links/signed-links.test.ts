import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { openSignedLinks, type SignedLinks } from '../../../src/gateway/links/signed-links.ts';
import type { Store } from '../../../src/gateway/store/store.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const PATH = '/v1/images/jobs/job_1/content/0';
const MINUTE_MS = 60_000;
const MONTH_MS = 30 * 86_400_000;

class SharedSecrets implements Pick<Store, 'sharedSecret'> {
  readonly made = new Map<string, Uint8Array>();
  isAway = false;

  async sharedSecret(name: string, make: () => Uint8Array): Promise<Uint8Array> {
    if (this.isAway) throw new Error('away');
    const secret = this.made.get(name) ?? make();
    this.made.set(name, secret);
    return secret;
  }
}

let store: SharedSecrets;
let clock: ManualClock;
let links: SignedLinks;
const open = (): Promise<SignedLinks> => openSignedLinks({ store, secrets: systemSecrets(), clock });
beforeEach(async () => {
  store = new SharedSecrets();
  clock = manualClock(1, new Date('2026-11-26T12:00:00Z'));
  links = await open();
});

function taken(link: string): { readonly path: string; readonly query: URLSearchParams } {
  const { pathname, searchParams } = new URL(link, 'http://gateway');
  return { path: pathname, query: searchParams };
}

function holder(by: SignedLinks, link: string): string | undefined {
  const { path, query } = taken(link);
  return by.principalOf(path, query);
}

describe('a signed link', () => {
  it('tells whose it is, to every gateway on the store, for a quarter of an hour and no longer', async () => {
    const { path, expiresAt } = links.sign(PATH, 'key_ä &=');
    expect(expiresAt).toBe(clock.wall().getTime() + 15 * MINUTE_MS);
    const another = await open();
    clock.advance(15 * MINUTE_MS - 1);
    expect([holder(links, path), holder(another, path)]).toEqual(['key_ä &=', 'key_ä &=']);
    clock.advance(1);
    expect([holder(links, path), holder(another, path)]).toEqual([undefined, undefined]);
  });

  it('is good for nothing once any character of it was changed', () => {
    const { path } = links.sign(PATH, 'key_1');
    const character = fc.constantFrom(...'abcXYZ0189-_/=&?.%');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: path.length - 1 }), character, (at, other) => {
        fc.pre(path[at] !== other);
        const changed = path.slice(0, at) + other + path.slice(at + 1);
        // The last character of base64 carries bits that say nothing: such a link is the same link.
        const isSame = Buffer.from(taken(changed).query.get('signature') ?? '', 'base64url').equals(
          Buffer.from(taken(path).query.get('signature') ?? '', 'base64url'),
        );
        fc.pre(!(isSame && at === path.length - 1));
        expect(holder(links, changed), changed).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('is good for its own picture, owner and end alone', () => {
    const { path } = links.sign(PATH, 'key_1');
    for (const [name, value] of [
      ['owner', 'key_2'],
      ['expires', '9999999999999'],
      ['expires', '-1'],
      ['expires', '1e15'],
      ['key', '0'],
      ['key', ''],
      ['signature', ''],
      ['signature', 'A'.repeat(43)],
    ] as const) {
      const { query } = taken(path);
      query.set(name, value);
      expect(links.principalOf(PATH, query), `${name}=${value}`).toBeUndefined();
    }
    for (const name of ['owner', 'expires', 'key', 'signature']) {
      const { query } = taken(path);
      query.append(name, query.get(name) ?? '');
      expect(links.principalOf(PATH, query), `${name} twice`).toBeUndefined();
      query.delete(name);
      expect(links.principalOf(PATH, query), `no ${name}`).toBeUndefined();
    }
    for (const other of ['/v1/images/jobs/job_1/content/1', '/v1/images/jobs/job_1/preview/0', '/v1/images/jobs/job_2/content/0', ''])
      expect(links.principalOf(other, taken(path).query), other).toBeUndefined();
  });

  it('cannot be made with an empty secret, nor with one of another kind', () => {
    const expires = clock.wall().getTime() + MINUTE_MS;
    const key = Math.floor(clock.wall().getTime() / MONTH_MS);
    for (const secret of ['', String(key)]) {
      const signature = createHmac('sha256', secret)
        .update(JSON.stringify(['image-router link', 'GET', PATH, 'key_1', expires, key]))
        .digest('base64url');
      const query = new URLSearchParams({ expires: String(expires), owner: 'key_1', key: String(key), signature });
      expect(links.principalOf(PATH, query)).toBeUndefined();
    }
  });

  it('outlives the change of secrets, which comes every month', async () => {
    const month = Math.floor(clock.wall().getTime() / MONTH_MS);
    clock.advance((month + 1) * MONTH_MS - clock.wall().getTime() - 1);
    const { path } = links.sign(PATH, 'key_1');
    clock.advance(5 * MINUTE_MS);
    const later = links.sign(PATH, 'key_1');
    expect([taken(path).query.get('key'), taken(later.path).query.get('key')]).toEqual([String(month), String(month + 1)]);
    expect([holder(links, path), holder(links, later.path), holder(await open(), path)]).toEqual(['key_1', 'key_1', 'key_1']);
  });

  it('is still made and known when the store is away while the month changes', async () => {
    store.isAway = true;
    clock.advance(MONTH_MS + 1);
    await Promise.resolve();
    expect(holder(links, links.sign(PATH, 'key_1').path)).toBe('key_1');
    store.isAway = false;
    await links.fetch();
    expect(store.made.size).toBe(4);
  });

  it('has a secret of 32 bytes that no other month has', () => {
    const made = [...store.made.values()].map((secret) => Buffer.from(secret).toString('hex'));
    expect(made.map((secret) => secret.length)).toEqual([64, 64, 64]);
    expect(new Set(made).size).toBe(3);
  });

  it('asks for nothing any more when it is closed', () => {
    links.close();
    expect(clock.timerCount).toBe(0);
  });
});
