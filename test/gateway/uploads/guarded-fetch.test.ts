// Pictures by URL. Resolver and dialler are the test's own: every connection ends at a server of this test on loopback,
// whatever address was checked, and the tests say which address that would have been.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FetchRules, fetchPicture } from '../../../src/gateway/uploads/guarded-fetch.ts';
import type { Target } from '../../../src/system/network/guarded-connector.ts';
import { picture, pngClaiming } from '../../providers/support/pictures.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { refusalOf } from './support.ts';

const png = await picture(64, 48, 'png');
const CANARY = 'secret-of-the-inside';
const seen: { url: string | undefined; host: string | undefined }[] = [];
let answer: RequestListener = (_request, response) => void response.end();
const server = createServer((request, response) => {
  seen.push({ url: request.url, host: request.headers.host });
  answer(request, response);
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'pictures.example': ['93.184.215.14'],
  'cdn.pictures.example': ['93.184.215.15'],
  'inside.example': ['10.0.0.7'],
  'metadata.example': ['169.254.169.254'],
  'both.example': ['93.184.215.14', '127.0.0.1'],
};

function world(changes: Partial<FetchRules> = {}) {
  const asked: string[] = [];
  const targets: Target[] = [];
  const clock = manualClock(10);
  const rules: FetchRules = {
    hosts: [],
    bytesLimit: 50_000_000,
    timeLimitMs: 10_000,
    clock,
    reserve: () => true,
    doors: {
      resolve: async (name) => {
        asked.push(name);
        const addresses = NAMES[name];
        if (addresses === undefined) throw new Error('ENOTFOUND');
        return addresses;
      },
      dial: async (target) => {
        targets.push(target);
        const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      },
    },
    ...changes,
  };
  const get = (url: string, isMask = false) => fetchPicture(url, 'images[0].image_url', isMask, rules, new AbortController().signal);
  return { asked, targets, clock, get };
}

const serve = (bytes: Uint8Array | string, headers: Record<string, string> = { 'content-type': 'image/png' }, status = 200): void => {
  answer = (_request, response) => void response.writeHead(status, headers).end(bytes);
};

describe('a picture named by URL', () => {
  it('is fetched from the one address that was checked, by its own name and path', async () => {
    serve(png, { 'content-type': 'image/png; charset=binary' });
    seen.length = 0;
    const { get, asked, targets } = world();
    expect(Buffer.from(await get('https://pictures.example:8443/a/fox.png?size=1#part'))).toEqual(png);
    expect(asked).toEqual(['pictures.example']);
    expect(targets).toEqual([{ address: '93.184.215.14', port: 8443, servername: 'pictures.example' }]);
    expect(seen).toEqual([{ url: '/a/fox.png?size=1', host: 'pictures.example:8443' }]);
  });

  const refusedUnasked: readonly (readonly [string, string])[] = [
    ['http://pictures.example/a.png', 'must be an https URL'],
    ['ftp://pictures.example/a.png', 'must be an https URL'],
    ['file:///etc/passwd', 'must be an https URL'],
    ['//pictures.example/a.png', 'is no URL'],
    ['https://user:key@pictures.example/a.png', 'must not carry a user name or password'],
    ['https://pictures.example:22/a.png', 'must use port 443 or 8443'],
    [`https://pictures.example/${'a'.repeat(8_192)}`, 'is no URL'],
  ];
  it.each(refusedUnasked)('%s is refused before a name is resolved', async (url, reason) => {
    const { get, asked, targets } = world();
    const refusal = await refusalOf(get(url));
    expect(refusal).toMatchObject({ status: 400, code: 'image_url_unusable', param: 'images[0].image_url' });
    expect(refusal.message).toBe(`The URL in images[0].image_url ${reason}.`);
    expect([asked, targets]).toEqual([[], []]);
  });

  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://127.0.0.1./',
    'https://0/',
    'https://①②⑦.0.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::1]/',
    'https://[2001:0:7f00:1::1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/',
    'https://168.63.129.16/',
    'https://100.64.0.1/',
    'https://255.255.255.255/',
    'https://inside.example/',
    'https://metadata.example/',
    'https://both.example/',
    'https://localhost/',
    'https://unknown.example/',
  ])('%s is never dialled, and all such hosts look the same from outside', async (url) => {
    const { get, targets } = world();
    expect((await refusalOf(get(url))).message).toBe('The URL in images[0].image_url names a host without a public address.');
    expect(targets).toEqual([]);
  });

  it('must be on an allowed host, where hosts are listed', async () => {
    serve(png);
    const { get, asked } = world({ hosts: ['Pictures.example'] });
    await get('https://PICTURES.example./a.png');
    for (const url of ['https://cdn.pictures.example/', 'https://notpictures.example/', 'https://pictures.example.evil.example/']) {
      expect((await refusalOf(get(url))).message).toContain('names a host that is not allowed here');
    }
    expect(asked).toEqual(['pictures.example']);
    const { get: getBelow } = world({ hosts: ['*.pictures.example'] });
    await getBelow('https://cdn.pictures.example/a.png');
    await refusalOf(getBelow('https://pictures.example/a.png'));
  });

  it.each([301, 302, 303, 307, 308])('is not followed through a %i', async (status) => {
    serve(CANARY, { location: 'https://127.0.0.1/', 'content-type': 'image/png' }, status);
    const { get, targets } = world();
    const refusal = await refusalOf(get('https://pictures.example/a.png'));
    expect(refusal.message).toContain('answers with a redirect, which is not followed');
    expect(targets).toHaveLength(1);
  });

  const unfit: readonly (readonly [string, Uint8Array | string, Record<string, string>, number, string])[] = [
    ['an error page', CANARY, { 'content-type': 'image/png' }, 404, 'answers with status 404'],
    ['text', CANARY, { 'content-type': 'text/html' }, 200, 'does not answer with a PNG, JPEG or WebP'],
    ['an SVG', '<svg/>', { 'content-type': 'image/svg+xml' }, 200, 'does not answer with a PNG, JPEG or WebP'],
    ['nothing declared', png, {}, 200, 'does not answer with a PNG, JPEG or WebP'],
    ['text in disguise', `<html>${CANARY}`, { 'content-type': 'image/png' }, 200, 'is no PNG, JPEG or WebP but text in angle brackets'],
    ['another type than declared', png, { 'content-type': 'image/webp' }, 200, 'is declared as image/webp but is a png'],
    ['a claim of 40000x40000', pngClaiming(40_000, 40_000), { 'content-type': 'image/png' }, 200, 'claims 40000x40000 pixels'],
    ['compressed', png, { 'content-type': 'image/png', 'content-encoding': 'gzip' }, 200, 'answers with a compressed body'],
    ['nothing', '', { 'content-type': 'image/png' }, 200, 'is empty'],
  ];
  it.each(unfit)('that is %s is refused without a word of it', async (_name, body, headers, status, reason) => {
    serve(body, headers, status);
    const refusal = await refusalOf(world().get('https://pictures.example/a.png'));
    expect(refusal.message).toContain(reason);
    expect(`${refusal.message} ${refusal.remedy}`).not.toContain(CANARY);
  });

  it('is refused by its stated length, and while it arrives when it states none', async () => {
    serve(png);
    expect((await refusalOf(world({ bytesLimit: png.length }).get('https://pictures.example/a.png'))).message).toContain(
      'must be smaller than',
    );
    let closed = (): void => undefined;
    const hungUp = new Promise<void>((resolve) => {
      closed = resolve;
    });
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' });
      response.write(png);
      const pour = (): void => void (response.write(Buffer.alloc(65_536)) ? setImmediate(pour) : response.once('drain', pour));
      pour();
      response.once('close', closed);
    };
    expect(await refusalOf(world({ bytesLimit: 1_000_000 }).get('https://pictures.example/a.png'))).toMatchObject({ status: 413 });
    await hungUp;
  });

  it('that is cut short, or whose server hangs up, is refused', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': '1000000' });
      response.write(png, () => response.destroy());
    };
    expect((await refusalOf(world().get('https://pictures.example/a.png'))).message).toContain('cannot be fetched');
  });

  it('that does not come in time is given up, whether name, answer or bytes are late', async () => {
    const lateAt = async (
      start: (late: () => void) => { get: (url: string) => Promise<unknown>; clock: { advance(ms: number): void } },
    ) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const { get, clock } = start(resolve);
      const refusal = refusalOf(get('https://pictures.example/a.png'));
      await promise;
      clock.advance(100_000);
      expect((await refusal).message).toBe('The URL in images[0].image_url did not answer within 10 seconds.');
    };
    await lateAt((late) => {
      const resolve = (): Promise<never> => {
        late();
        return new Promise(() => undefined);
      };
      return world({ doors: { resolve, dial: () => Promise.reject(new Error('unused')) } });
    });
    await lateAt((late) => {
      answer = () => late();
      return world();
    });
    await lateAt((late) => {
      answer = (_request, response) => {
        response.writeHead(200, { 'content-type': 'image/png' });
        response.write(png.subarray(0, 100), late);
      };
      return world();
    });
  });

  it('leaves no timer behind', async () => {
    serve(png);
    const { get, clock } = world();
    await get('https://pictures.example/a.png');
    expect(clock.timerCount).toBe(0);
  });
});
