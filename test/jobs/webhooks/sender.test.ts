// Failure point 18: a receiver of webhooks that is down for a day, slow, answers with a redirect, with 410 or without end, or is
// replayed; and one at an address that nobody may be made to ask.
import { Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { StoreError } from '../../../src/domain/store-error.ts';
import type { WebhookEndpoint } from '../../../src/jobs/webhook-store.ts';
import { RETRY_DELAYS_MS } from '../../../src/jobs/webhooks/schedule.ts';
import { newSecret, ROTATION_MS, rotated } from '../../../src/jobs/webhooks/secret.ts';
import type { Target } from '../../../src/system/network/guarded-connector.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { answerWith, type Received, Receiver } from '../support/receiver.ts';
import { SendingWorld } from '../support/sending-world.ts';

const HOUR_MS = 3_600_000;
const secretOf = ({ secrets }: WebhookEndpoint): string => secrets[0]?.secret ?? '';

function firstOf({ got: [received] }: Receiver): Received {
  if (received === undefined) throw new Error('nothing came');
  return received;
}

function verified({ body, headers }: Received, secret: string): unknown {
  const texts = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : []));
  return new Webhook(secret).verify(body, Object.fromEntries(texts));
}

afterEach(() => void vi.useRealTimers());

describe('a receiver that works', () => {
  it('gets what happened, at once, in a form that the standard’s own library verifies', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    const endpoint = await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    const [told] = await world.tries(1);
    expect(told).toMatchObject({ outcome: 'delivered', attempt: { at: world.now, status: 204, failure: undefined } });
    const received = firstOf(receiver);
    expect(verified(received, secretOf(endpoint))).toMatchObject({
      type: 'job.completed',
      data: { object: 'image.job', status: 'completed' },
    });
    expect(received).toMatchObject({ path: '/hook?for=me', headers: { 'content-type': 'application/json', 'user-agent': 'image-router' } });
    expect(received.headers['webhook-id']).toBe(told?.delivery.id);
    expect(() => verified(received, newSecret(systemSecrets()))).toThrow('No matching signature');
    expect(() => verified({ ...received, body: received.body.replace('completed', 'failed') }, secretOf(endpoint))).toThrow();
  });

  it('gets links that can be followed as they are where it is known how others reach the gateway, and signed like that', async () => {
    const [world, receiver] = [await SendingWorld.open({}, undefined, 'https://images.example.com'), await Receiver.open()];
    const endpoint = await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    await world.tries(1);
    const received = firstOf(receiver);
    const url = expect.stringMatching(/^https:\/\/images\.example\.com\/v1\/images\/jobs\//);
    expect(verified(received, secretOf(endpoint))).toMatchObject({ data: { url, images: [{ url }] } });
  });

  it('can tell a replay: five minutes later the same message is refused by the standard’s library', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    const endpoint = await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    await world.tries(1);
    const received = firstOf(receiver);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 4 * 60_000 });
    expect(verified(received, secretOf(endpoint))).toBeDefined();
    vi.setSystemTime(Date.now() + 2 * 60_000);
    expect(() => verified(received, secretOf(endpoint))).toThrow('too old');
  });

  it('verifies by the old secret and by the new while one is being changed, and a day later by the new alone', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    const old = await world.endpoint(receiver.url);
    const secret = newSecret(systemSecrets());
    const changed = { ...old, secrets: rotated(old, secret, world.now + ROTATION_MS) };
    await world.store.changeEndpoint('key', old.id, () => changed);
    world.sender.start();
    await world.complete();
    await world.tries(1);
    world.advance(ROTATION_MS);
    await world.complete();
    await world.tries(2);
    const [during, after] = receiver.got;
    if (during === undefined || after === undefined) throw new Error('two were sent');
    for (const valid of [secretOf(old), secret]) expect(verified(during, valid)).toBeDefined();
    expect(verified(after, secret)).toBeDefined();
    expect(() => verified(after, secretOf(old))).toThrow('No matching signature');
  });

  it('is told the same under the same id when its owner asks for it again', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    const [first] = await world.tries(1);
    expect(await world.store.redeliver('key', first?.delivery.id ?? '', world.now)).toBe('queued');
    world.sender.wake();
    await world.tries(2);
    const [one, other] = receiver.got;
    expect([other?.headers['webhook-id'], other?.body]).toEqual([one?.headers['webhook-id'], one?.body]);
  });
});

describe('a receiver that is down', () => {
  it('for more than a day gets it when it is back, under the same id, having been asked by the standard’s schedule', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    const endpoint = await world.endpoint(receiver.url);
    await receiver.goDown();
    world.sender.start();
    await world.complete();
    for (let tries = 1; world.clock.now() < 24 * HOUR_MS; tries += 1) {
      const told = (await world.tries(tries)).at(-1);
      expect(told).toMatchObject({ outcome: 'to-be-retried', attempt: { status: undefined, failure: 'cannot be reached' } });
      const [waiting] = await world.deliveriesOf(endpoint);
      const delayMs = (waiting?.nextTryAt ?? 0) - world.now;
      const planned = RETRY_DELAYS_MS[tries - 1] ?? Number.NaN;
      expect(delayMs).toBeGreaterThanOrEqual(planned * 0.9);
      expect(delayMs).toBeLessThanOrEqual(planned * 1.1);
      if (world.clock.now() + delayMs >= 24 * HOUR_MS) await receiver.comeUp();
      world.advance(delayMs);
    }
    const delivered = await world.tries(8);
    expect(delivered.map(({ outcome }) => outcome)).toEqual([...Array(7).fill('to-be-retried'), 'delivered']);
    expect(receiver.got.map(({ headers }) => headers['webhook-id'])).toEqual([delivered[0]?.delivery.id]);
    expect(await world.deliveriesOf(endpoint)).toMatchObject([{ state: 'delivered', nextTryAt: undefined }]);
  });

  it('for good is given up after ten tries over three days, and its record says why', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    receiver.answer = answerWith(500);
    const endpoint = await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    for (let tries = 1; tries <= RETRY_DELAYS_MS.length; tries += 1) {
      await world.tries(tries);
      const [waiting] = await world.deliveriesOf(endpoint);
      world.advance((waiting?.nextTryAt ?? 0) - world.now);
    }
    const told = await world.tries(10);
    expect(told.at(-1)?.outcome).toBe('given-up');
    expect(world.clock.now()).toBeGreaterThan(0.9 * (75 * HOUR_MS + 35 * 60_000));
    expect(await world.deliveriesOf(endpoint)).toMatchObject([
      { state: 'given-up', tries: Array(10).fill({ failure: 'answered with status 500' }) },
    ]);
    expect(new Set(receiver.got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });
});

describe('a receiver that is slow', () => {
  it('is given up after twenty seconds and asked again later', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    receiver.answer = () => undefined;
    const endpoint = await world.endpoint(receiver.url);
    world.sender.start();
    const came = receiver.next();
    await world.complete();
    await came;
    world.advance(19_999);
    expect(world.told).toEqual([]);
    // Nobody else sends it meanwhile, and somebody does if this one dies.
    const ask = { most: 5, perEndpoint: 5, at: world.now, leaseMs: 1 };
    expect(await world.store.due('another', ask)).toEqual([]);
    world.advance(1);
    const [told] = await world.tries(1);
    expect(told).toMatchObject({ outcome: 'to-be-retried', attempt: { failure: 'did not answer within 20 seconds', tookMs: 20_000 } });
    expect(await world.deliveriesOf(endpoint)).toMatchObject([{ state: 'waiting' }]);
  });

  it('holds up nobody but itself, however much waits for it', async () => {
    const world = await SendingWorld.open({ concurrency: 6, perEndpoint: 3 });
    const [slow, quick] = [await Receiver.open(), await Receiver.open()];
    slow.answer = () => undefined;
    await world.endpoint(slow.url, { principal: 'slow' });
    await world.endpoint(quick.url, { principal: 'quick' });
    for (let count = 0; count < 30; count += 1) await world.complete('slow');
    world.sender.start();
    for (let count = 1; count <= 10; count += 1) {
      await world.complete('quick');
      expect((await world.tries(count)).at(-1)).toMatchObject({ outcome: 'delivered', delivery: { principal: 'quick' } });
    }
    expect(slow.got).toHaveLength(3);
  });
});

describe('the owner of receivers that are slow', () => {
  it('holds no more places than its endpoints may have together, however often it removes them and makes new ones', async () => {
    const world = await SendingWorld.open({ concurrency: 8, perEndpoint: 2, endpointsPerKey: 2 });
    const [slow, quick] = [await Receiver.open(), await Receiver.open()];
    slow.answer = () => undefined;
    await world.endpoint(quick.url, { principal: 'quick' });
    world.sender.start();
    for (let turn = 1; turn <= 4; turn += 1) {
      const endpoints = [await world.endpoint(slow.url, { principal: 'slow' }), await world.endpoint(slow.url, { principal: 'slow' })];
      for (let count = 0; count < 3; count += 1) await world.complete('slow');
      await world.complete('quick');
      expect((await world.tries(turn)).at(-1)).toMatchObject({ outcome: 'delivered', delivery: { principal: 'quick' } });
      await vi.waitFor(() => expect(slow.got).toHaveLength(4));
      for (const { id } of endpoints) await world.store.removeEndpoint('slow', id);
    }
    // Its places are its own again when its receivers were hung up on.
    await world.endpoint(slow.url, { principal: 'slow' });
    await world.complete('slow');
    world.advance(20_000);
    await vi.waitFor(() => expect(slow.got).toHaveLength(5));
  });
});

describe('a receiver that answers strangely', () => {
  it.each([301, 302, 307, 308])('with a redirect (%i) is not followed: a failure', async (status) => {
    const [world, receiver, elsewhere] = [await SendingWorld.open(), await Receiver.open(), await Receiver.open()];
    receiver.answer = answerWith(status, { location: elsewhere.url });
    await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    expect(await world.tries(1)).toMatchObject([
      { outcome: 'to-be-retried', attempt: { status, failure: expect.stringContaining('redirect') } },
    ]);
    expect(elsewhere.got).toEqual([]);
  });

  it('with 410 is never asked again, and its endpoint is disabled until its owner enables it', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    receiver.answer = answerWith(410);
    const endpoint = await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    expect(await world.tries(1)).toMatchObject([{ outcome: 'endpoint-disabled', attempt: { status: 410 } }]);
    expect(await world.store.endpoint('key', endpoint.id)).toMatchObject({
      disabled: { at: world.now, reason: 'the receiver answered 410' },
    });
    expect(await world.deliveriesOf(endpoint)).toMatchObject([{ state: 'given-up' }]);
    await world.complete();
    world.advance(100 * HOUR_MS);
    expect(await world.deliveriesOf(endpoint)).toHaveLength(1);
    await world.store.changeEndpoint('key', endpoint.id, (now) => ({ ...now, disabled: undefined }));
    receiver.answer = answerWith(204);
    await world.complete();
    expect((await world.tries(2)).at(-1)).toMatchObject({ outcome: 'delivered' });
  });

  it('with 410 at an address that its owner has replaced meanwhile says nothing of the new one, which gets it at once', async () => {
    const [world, old, replaced] = [await SendingWorld.open(), await Receiver.open(), await Receiver.open()];
    const endpoint = await world.endpoint(old.url);
    old.answer = (response) => {
      const change = world.store.changeEndpoint('key', endpoint.id, (now) => ({ ...now, url: replaced.url }));
      void change.then(() => response.writeHead(410).end());
    };
    world.sender.start();
    await world.complete();
    const told = await world.tries(2);
    expect(told.map(({ outcome, attempt: { status } }) => [outcome, status])).toEqual([
      ['to-be-retried', 410],
      ['delivered', 204],
    ]);
    expect(await world.store.endpoint('key', endpoint.id)).toMatchObject({ url: replaced.url, disabled: undefined });
    expect(replaced.got.map(({ headers }) => headers['webhook-id'])).toEqual([told[0]?.delivery.id]);
  });

  it('and breaks off after its status is taken at its word', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    receiver.answer = (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => void response.destroy());
    };
    await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    expect(await world.tries(1)).toMatchObject([{ outcome: 'delivered', attempt: { status: 200 } }]);
  });

  it('without end is read to 64 KB and no further', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    const WHOLE = 256 * 1024 * 1024;
    let written = 0;
    receiver.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const piece = Buffer.alloc(64 * 1024, 'x');
      const more = (): void => {
        while (!response.destroyed && written < WHOLE) {
          written += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
      };
      more();
    };
    await world.endpoint(receiver.url);
    world.sender.start();
    await world.complete();
    expect(await world.tries(1)).toMatchObject([{ outcome: 'delivered', attempt: { status: 200 } }]);
    // What the kernel's buffers take is written all the same.
    expect(written).toBeLessThan(WHOLE / 8);
  });
});

describe('a receiver that nobody may be made to ask', () => {
  it('at a private address is never dialled; when its name leads to a public one, that address is', async () => {
    const receiver = await Receiver.open();
    let addresses = ['10.0.0.1'];
    const dialled: Target[] = [];
    const world = await SendingWorld.open(
      { allowInsecureLoopback: false },
      {
        resolve: async () => addresses,
        dial: async (target) => {
          dialled.push(target);
          return new Socket().connect(receiver.port, '127.0.0.1');
        },
      },
    );
    const endpoint = await world.endpoint('https://receiver.example/hook');
    world.sender.start();
    await world.complete();
    expect(await world.tries(1)).toMatchObject([
      { outcome: 'to-be-retried', attempt: { failure: 'the host has no address, or one that is not public' } },
    ]);
    expect([dialled, receiver.got]).toEqual([[], []]);
    addresses = ['8.8.8.8'];
    const [waiting] = await world.deliveriesOf(endpoint);
    world.advance((waiting?.nextTryAt ?? 0) - world.now);
    expect((await world.tries(2)).at(-1)).toMatchObject({ outcome: 'delivered' });
    expect(dialled).toEqual([{ address: '8.8.8.8', port: 443, servername: 'receiver.example' }]);
  });

  it.each(['https://127.0.0.1/', 'https://[::1]/', 'https://169.254.169.254/latest', 'https://[::ffff:10.0.0.1]/', 'https://0.0.0.0/'])(
    '%s is refused at every try, whatever was checked when it was stored',
    async (url) => {
      const world = await SendingWorld.open({ allowInsecureLoopback: true });
      await world.endpoint(url);
      world.sender.start();
      await world.complete();
      expect(await world.tries(1)).toMatchObject([{ attempt: { failure: 'the host has no address, or one that is not public' } }]);
    },
  );

  it('over http is refused at every try unless it is this machine and the operator allows that', async () => {
    const receiver = await Receiver.open();
    const world = await SendingWorld.open({ allowInsecureLoopback: false });
    await world.endpoint(receiver.url);
    await world.endpoint('http://receiver.example/');
    world.sender.start();
    await world.complete();
    const told = await world.tries(2);
    for (const { attempt } of told) expect(attempt.failure).toBe('the URL must be an https URL');
    expect(receiver.got).toEqual([]);
  });
});

describe('a sender', () => {
  it('goes on when the store was away, and tells of it', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    await world.endpoint(receiver.url);
    const away = vi.spyOn(world.store, 'due').mockRejectedValueOnce(new StoreError('away'));
    world.sender.start();
    await world.complete();
    await vi.waitFor(() => expect(away).toHaveBeenCalled());
    world.sender.wake();
    expect(await world.tries(1)).toMatchObject([{ outcome: 'delivered' }]);
    expect(world.troubles).toHaveLength(1);
  });

  it('that closes gives up what it sends, which is due again at once for others', async () => {
    const [world, receiver] = [await SendingWorld.open(), await Receiver.open()];
    receiver.answer = () => undefined;
    const endpoint = await world.endpoint(receiver.url);
    world.sender.start();
    const came = receiver.next();
    await world.complete();
    await came;
    const closed = world.sender.close();
    await vi.waitFor(() => {
      world.clock.advance(5_000);
      expect(world.told).toHaveLength(1);
    });
    await closed;
    const [waiting] = await world.deliveriesOf(endpoint);
    expect(waiting).toMatchObject({ state: 'waiting', tries: [{ failure: 'the gateway stopped while it was sent' }] });
    expect(waiting?.nextTryAt).toBeLessThanOrEqual(world.now);
    expect(await world.store.due('another', { most: 5, perEndpoint: 5, at: world.now, leaseMs: 1 })).toHaveLength(1);
  });
});
