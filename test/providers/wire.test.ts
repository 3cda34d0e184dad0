import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { openWire, type Wire } from '../../src/providers/wire.ts';

const open: { server: Server; wire: Wire }[] = [];
afterEach(async () => {
  for (const { server, wire } of open.splice(0)) {
    await wire.close();
    server.close();
    server.closeAllConnections();
  }
});

async function wireTo(listener: RequestListener): Promise<{ wire: Wire; url: string; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wire = await openWire({ proxyUrl: undefined });
  open.push({ server, wire });
  return { wire, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/x?a=1` };
}

describe('the wire', () => {
  it('closes its sockets when it is closed, idle ones too', async () => {
    const { wire, url, server } = await wireTo((_, response) => response.end('{}'));
    await (await wire.fetch(url)).text();
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))));
    expect(await connections()).toBe(1);
    await wire.close();
    while ((await connections()) > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await connections()).toBe(0);
  });

  it('keeps its sockets for the next calls', async () => {
    let sockets = 0;
    const { wire, url, server } = await wireTo((_, response) => response.end('{}'));
    server.on('connection', () => {
      sockets += 1;
    });
    for (let call = 0; call < 20; call += 1) await (await wire.fetch(url)).json();
    // The next call may come before undici knows that the last one has ended; then there are two, and they take turns.
    expect(sockets).toBeLessThanOrEqual(2);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('understands an answer compressed as %s although nobody asked for it', async (encoding, compress) => {
    const { wire, url } = await wireTo((request, response) => {
      expect(request.headers['accept-encoding']).toBeUndefined();
      response.writeHead(200, { 'content-encoding': encoding }).end(compress('{"a":1}'));
    });
    expect(await (await wire.fetch(url)).json()).toEqual({ a: 1 });
  });

  it('follows no redirect', async () => {
    const { wire, url } = await wireTo((_, response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end());
    expect((await wire.fetch(url, { method: 'POST', body: 'secret' })).status).toBe(307);
  });

  it('sends a form whole, with its length', async () => {
    const form = new FormData();
    form.append('image', new Blob([new Uint8Array(100_000)]), 'a.png');
    const { wire, url } = await wireTo(async (request, response) => {
      let length = 0;
      for await (const chunk of request) length += chunk.length;
      response.end(JSON.stringify({ length, told: Number(request.headers['content-length']), type: request.headers['content-type'] }));
    });
    const heard = (await (await wire.fetch(url, { method: 'POST', body: form })).json()) as { length: number; told: number; type: string };
    expect(heard.length).toBe(heard.told);
    expect(heard.type).toMatch(/^multipart\/form-data; boundary=/);
  });

  it('rejects at once for a signal that is aborted already, and sends nothing', async () => {
    let heard = 0;
    const { wire, url } = await wireTo((_, response) => {
      heard += 1;
      response.end();
    });
    await expect(wire.fetch(url, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    expect(heard).toBe(0);
  });

  it('fails the body when the connection breaks inside it', async () => {
    const { wire, url } = await wireTo((_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"half":', () => response.destroy());
    });
    const response = await wire.fetch(url);
    await expect(response.text()).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
  });

  it('holds a stream back while nobody reads it, and closes it when its reader leaves', async () => {
    let written = 0;
    const left = Promise.withResolvers<void>();
    const { wire, url } = await wireTo((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
      };
      response.on('drain', more).on('close', left.resolve);
      more();
    });
    const response = await wire.fetch(url);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await left.promise;
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });
});
