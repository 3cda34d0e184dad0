// The socket: what strangers send slowly, in excess or not at all; what clients do not take; and an orderly end.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Endpoint } from '../../../src/gateway/http/endpoint.ts';
import { sendPieces } from '../../../src/gateway/http/send-pieces.ts';
import { HttpWorld, type WorldOptions } from '../support/http-world.ts';
import { PRICE, StubRouter } from '../support/stub-router.ts';

const worlds: HttpWorld[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const world of worlds.splice(0)) await world.close();
});

async function open(options: WorldOptions = {}) {
  const router = new StubRouter();
  const world = await HttpWorld.open({ router, speed: 1, ...options });
  worlds.push(world);
  return { world, router };
}

/** A connection that says what it is told; `text` grows with what comes back. */
function dial(world: HttpWorld) {
  const socket = connect(world.server.port, '127.0.0.1');
  sockets.push(socket);
  const heard = { socket, text: '', isClosed: false };
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    heard.text += chunk;
  });
  socket.on('close', () => {
    heard.isClosed = true;
  });
  socket.on('error', () => undefined);
  return heard;
}

const BODY = JSON.stringify({ prompt: 'a red fox', model: 'preview' });
const HEAD = headOf(BODY);

function headOf(body: string): string {
  return `POST /v1/images/generations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
}

/** The usual request, with further fields. */
function post(more: object): string {
  const body = JSON.stringify({ ...JSON.parse(BODY), ...more });
  return headOf(body) + body;
}

async function* onePiece(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
}

describe('what arrives badly', () => {
  it('headers that never end are cut off with 408', async () => {
    const { world } = await open({ limits: { headersTimeoutMs: 100, bodyTimeoutMs: 100 } });
    const heard = dial(world);
    heard.socket.write('GET /v1/models HTTP/1.1\r\nhost: localhost\r\n');
    await world.until(() => heard.isClosed);
    expect(heard.text).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
  });

  it('a body that never ends is cut off, and nothing is made', async () => {
    const { world, router } = await open({ limits: { headersTimeoutMs: 100, bodyTimeoutMs: 100 } });
    const heard = dial(world);
    heard.socket.write(HEAD + BODY.slice(0, 10));
    await world.until(() => heard.isClosed);
    expect(heard.text).toContain('408');
    expect(router.calls).toHaveLength(0);
  });

  it('headers beyond the limit are 431', async () => {
    const { world } = await open();
    const heard = dial(world);
    heard.socket.write(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`);
    await world.until(() => heard.isClosed);
    expect(heard.text).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/);
  });

  it.each(['nonsense\r\n\r\n', 'GET http://[ HTTP/1.1\r\nhost: localhost\r\n\r\n', 'GET / HTTP/1.1\r\nhost: a b\r\n\r\n'])(
    'what is no request is 400 in the same shape: %j',
    async (sent) => {
      const { world } = await open();
      const heard = dial(world);
      heard.socket.write(sent);
      await world.until(() => heard.text.includes('"error"'));
      expect(heard.text).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"malformed_request"/);
    },
  );

  it.each([
    ['nonsense', 'nonsense\r\n\r\n', 400],
    ['no URL', 'GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['no host', 'GET /v1/models HTTP/1.1\r\n\r\n', 400],
    ['slow headers', 'GET /v1/models HTTP/1.1\r\nhost: x\r\n', 408],
    ['a slow body', HEAD + BODY.slice(0, 10), 408],
    ['long headers', `GET /v1/models HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('also what is answered before it is a request has an id: %s', async (_, sent, status) => {
    const { world } = await open({ limits: { headersTimeoutMs: 100, bodyTimeoutMs: 100 } });
    const heard = dial(world);
    heard.socket.write(sent);
    await world.until(() => heard.text.includes('"error"'));
    const [head = '', body = ''] = heard.text.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*\r\nx-request-id: req_[0-9a-f]{32}(\r\n|$)`));
    const { error } = JSON.parse(body);
    if (status === 431) expect(error.problems).toEqual([{ field: 'headers', rule: 'must be at most 16384 bytes together' }]);
  });

  it('a body that is announced too large is refused unread, and the connection ends', async () => {
    const { world } = await open();
    const heard = dial(world);
    heard.socket.write(
      'POST /v1/images/generations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9999999\r\n\r\n{',
    );
    await world.until(() => heard.isClosed);
    expect(heard.text).toMatch(/^HTTP\/1\.1 413 /);
    expect(heard.text).toContain('connection: close');
  });
});

describe('what is not taken', () => {
  const BIG = new Uint8Array(8 * 1024 * 1024).fill(0x41);

  it('counts as held until the client has read it, and new work waits meanwhile', async () => {
    const { world, router } = await open({ limits: { heldBytes: 4 * 1024 * 1024 } });
    const heard = dial(world);
    heard.socket.pause();
    heard.socket.write(HEAD + BODY);
    await world.until(() => router.calls.length === 1);
    router.calls[0]?.deliver(BIG);
    await world.until(() => world.app.load().heldBytes > 0);
    const reply = await world.post('/v1/images/generations', BODY);
    expect({ status: reply.status, after: reply.headers.get('retry-after') }).toEqual({ status: 503, after: '1' });
    expect(await reply.json()).toMatchObject({ error: { code: 'overloaded', type: 'api_error' } });
    expect((await world.get('/readyz')).status).toBe(503);
    heard.socket.resume();
    await world.until(() => world.app.load().heldBytes === 0);
    expect((await world.get('/readyz')).status).toBe(200);
    // The rest is the kernel's by now, and this process reads it in its own time.
    await world.until(() => heard.text.length > BIG.length);
  });

  it.each([
    ['an answer', {}],
    ['events', { stream: true }],
  ])('is let go of with its connection, also while it waits behind another answer: %s', async (_, more) => {
    const { world, router } = await open({ limits: { heldBytes: 4 * 1024 * 1024 } });
    const heard = dial(world);
    heard.socket.write(HEAD + BODY + post(more));
    await world.until(() => router.calls.length === 2);
    router.calls[1]?.begin();
    router.calls[1]?.deliver(BIG);
    await world.until(() => world.app.load().heldBytes > 0);
    heard.socket.destroy();
    await world.until(() => world.ended().length === 2);
    await world.until(() => world.app.load().heldBytes === 0);
    expect((await world.get('/readyz')).status).toBe(200);
  });

  it.each([10_000, 3_000_000])('is let go of with its connection where it is sent in pieces, too: %i bytes', async (size) => {
    const pieces: Endpoint = {
      method: 'GET',
      path: '/pieces',
      scope: undefined,
      summary: 'in pieces',
      handle: async (call) => sendPieces(call, 200, {}, onePiece(new Uint8Array(size))),
    };
    const { world, router } = await open({ endpoints: [pieces] });
    const heard = dial(world);
    heard.socket.write(`${HEAD}${BODY}GET /pieces HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await world.until(() => router.calls.length === 1 && world.app.load().heldBytes > 0);
    heard.socket.destroy();
    await world.until(() => world.ended().length === 2);
    await world.until(() => world.app.load().heldBytes === 0);
  });

  it('is dropped when it comes second on its connection and the client takes only the first', async () => {
    const { world, router } = await open({ limits: { idleWriteMs: 100 } });
    const heard = dial(world);
    heard.socket.pause();
    heard.socket.write(HEAD + BODY + HEAD + BODY);
    await world.until(() => router.calls.length === 2);
    router.calls[1]?.deliver(BIG);
    await world.until(() => world.app.load().heldBytes > 0);
    router.calls[0]?.deliver();
    await world.until(() => world.ended().length === 2);
    expect(world.app.load().heldBytes).toBe(0);
  });

  it('is dropped when the client takes nothing for too long', async () => {
    const { world, router } = await open({ limits: { idleWriteMs: 100 } });
    const heard = dial(world);
    heard.socket.pause();
    heard.socket.write(HEAD + BODY);
    await world.until(() => router.calls.length === 1);
    router.calls[0]?.deliver(BIG);
    await world.until(() => world.ended().length === 1);
    expect(world.app.load().heldBytes).toBe(0);
  });

  it('is no reason to drop a client who waits for a render', async () => {
    const { world, router } = await open({ limits: { idleWriteMs: 50 } });
    const waiting = world.post('/v1/images/generations', BODY);
    await world.until(() => router.calls.length === 1);
    const heard = dial(world);
    heard.socket.pause();
    heard.socket.write(HEAD + BODY);
    await world.until(() => router.calls.length === 2);
    router.calls[1]?.deliver(BIG);
    // The one who came later and takes nothing has been dropped: the one who waits has waited longer than that.
    await world.until(() => world.ended().length === 1);
    router.calls[0]?.deliver();
    expect((await waiting).status).toBe(200);
  });

  it('as many requests as may wait do, and one more is turned away', async () => {
    const { world, router } = await open({ limits: { waitingRequests: 2 } });
    const waiting = [world.post('/v1/images/generations', BODY), world.post('/v1/images/generations', BODY)];
    await world.until(() => router.calls.length === 2);
    expect((await world.post('/v1/images/generations', BODY)).status).toBe(503);
    for (const call of router.calls) call.deliver();
    for (const reply of await Promise.all(waiting)) expect(reply.status).toBe(200);
  });
});

describe('a drain', () => {
  it('lets what runs end, turns new work away on open connections, and then closes', async () => {
    const { world, router } = await open();
    const [running, other] = [dial(world), dial(world)];
    running.socket.write(HEAD + BODY);
    // A connection that is open and not idle: its request is half sent.
    other.socket.write(HEAD);
    await world.until(() => router.calls.length === 1);
    await world.until(() => world.told.length === 2);
    const drained = world.server.drain(60_000);
    other.socket.write(BODY);
    await world.until(() => other.isClosed);
    expect(other.text).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"shutting_down"/);
    router.calls[0]?.deliver();
    await drained;
    await world.until(() => running.isClosed);
    expect(running.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(running.text).toContain('connection: close');
    await expect(world.get('/livez')).rejects.toThrow();
  });

  it('waits for no connection that was opened in advance, nor for ever for one whose request has only begun', async () => {
    const { world } = await open({ limits: { headersTimeoutMs: 500 } });
    const [silent, slow] = [dial(world), dial(world)];
    await once(silent.socket, 'connect');
    slow.socket.write(HEAD.slice(0, 10));
    await world.until(() => slow.socket.bytesWritten === 10);
    await world.server.drain(3_600_000);
    await world.until(() => silent.isClosed && slow.isClosed);
  });

  it('waits for no slow sender longer than it would without: neither for half a second request nor for half a body', async () => {
    const { world } = await open({ limits: { headersTimeoutMs: 300, bodyTimeoutMs: 300 } });
    const [second, body] = [dial(world), dial(world)];
    second.socket.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await world.until(() => second.text.endsWith('}'));
    second.socket.write('GET /livez HT');
    body.socket.write(HEAD + BODY.slice(0, 5));
    await world.until(() => world.told.length >= 3);
    await world.server.drain(3_600_000);
    await world.until(() => second.isClosed && body.isClosed);
    expect(body.text).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('begins nothing once it has given up, and has left nothing when it ends', async () => {
    const { world, router } = await open();
    const admission = Promise.withResolvers<void>();
    const admit = world.gatekeeper.admit.bind(world.gatekeeper);
    const asked = vi.spyOn(world.gatekeeper, 'admit').mockImplementation(async (...about) => {
      await admission.promise;
      return admit(...about);
    });
    const waiting = world.post('/v1/images/generations', BODY, { 'idempotency-key': 'one' });
    await world.until(() => asked.mock.calls.length === 1);
    const drained = world.server.drain(10);
    const givenUp = vi.spyOn(world.app, 'abortAll');
    await world.until(() => givenUp.mock.calls.length === 1);
    admission.resolve();
    await drained;
    await waiting.catch(() => undefined);
    expect({ begun: router.calls.length, open: world.gatekeeper.openLeases, ...world.app.load() }).toMatchObject({
      begun: 0,
      open: 0,
      running: 0,
      heldBytes: 0,
    });
  });

  it('answers new requests with 503 and closes their connections', async () => {
    const { world, router } = await open();
    const running = world.post('/v1/images/generations', BODY);
    await world.until(() => router.calls.length === 1);
    world.app.beginDrain();
    const reply = await world.post('/v1/images/generations', BODY);
    expect({ status: reply.status, connection: reply.headers.get('connection') }).toEqual({ status: 503, connection: 'close' });
    expect(await reply.json()).toMatchObject({ error: { code: 'shutting_down' } });
    expect((await world.get('/readyz')).status).toBe(503);
    expect((await world.get('/livez')).status).toBe(200);
    router.calls[0]?.deliver();
    expect((await running).status).toBe(200);
  });

  it('gives up at its limit what still runs: 503, with the spend recorded', async () => {
    const { world, router } = await open();
    const running = world.post('/v1/images/generations', BODY);
    await world.until(() => router.calls.length === 1);
    await world.server.drain(10);
    expect((await running).status).toBe(503);
    expect(router.calls[0]?.isAborted).toBe(true);
    expect(world.gatekeeper.settled).toEqual([{ billed: 0, possiblyBilled: PRICE }]);
  });
});
