import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { ProxyAgent } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openWire, type Wire } from '../../src/providers/wire.ts';
import { describeException, judgeException } from '../../src/providers/wire-error.ts';

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
    expect(sockets).toBe(1);
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
    await expect(response.text()).rejects.toMatchObject({ code: 'ECONNRESET' });
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

  it('leaves the next call on a connection alone when the reader of the one before leaves late', async () => {
    const arrived = Promise.withResolvers<ServerResponse>();
    const ports = new Set<number | undefined>();
    const { wire, url } = await wireTo((request, response) => {
      ports.add(request.socket.remotePort);
      if (request.method === 'POST') return arrived.resolve(response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      // More than its reader is handed at once, and less than makes it hold the sender back.
      for (let part = 0; part < 5; part += 1) response.write(Buffer.alloc(25_000));
      response.end();
    });
    const streamed = await wire.fetch(url);
    const reader = streamed.body?.getReader();
    await reader?.read();
    // The rest of the stream arrives, and its connection is free for another call.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const next = wire.fetch(url, { method: 'POST', body: '{}' });
    const response = await arrived.promise;
    expect(ports.size).toBe(1);
    await reader?.cancel().catch(() => undefined);
    response.end('{"still":"there"}');
    expect(await (await next).json()).toEqual({ still: 'there' });
  });

  it.each([
    ['of announced length', 'content-length'],
    ['in chunks', 'chunked'],
    ['until the connection closes', 'close'],
  ])('reads megabytes %s as they were sent', async (_, how) => {
    const text = JSON.stringify({ big: Array.from({ length: 200_000 }, (_unused, index) => index.toString(36)).join(' ') });
    const { wire, url } = await wireTo((_request, response) => {
      if (how === 'close') {
        response.socket?.end(`HTTP/1.0 200 OK\r\n\r\n${text}`);
        return;
      }
      response.writeHead(200, how === 'chunked' ? {} : { 'content-length': Buffer.byteLength(text) });
      for (let at = 0; at < text.length; at += 300_000) response.write(text.slice(at, at + 300_000));
      response.end();
    });
    for (let call = 0; call < 3; call += 1) expect(await (await wire.fetch(url)).text()).toBe(text);
  });

  it('keeps calls apart that run side by side', async () => {
    const { wire, url } = await wireTo(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.end(JSON.stringify({ echo: body.repeat(50_000) }));
    });
    const echoes = Array.from({ length: 20 }, async (_unused, index) => {
      const answer = (await (await wire.fetch(url, { method: 'POST', body: `<${index}>` })).json()) as { echo: string };
      expect(answer.echo).toBe(`<${index}>`.repeat(50_000));
    });
    await Promise.all(echoes);
  });

  it('does not use a connection again whose server answered before it had read everything', async () => {
    let sockets = 0;
    const { wire, url, server } = await wireTo((request, response) => {
      request.pause();
      response.writeHead(413).end('{}');
    });
    server.on('connection', () => {
      sockets += 1;
    });
    for (let call = 0; call < 2; call += 1) {
      expect((await wire.fetch(url, { method: 'POST', body: new Uint8Array(32 * 1024 * 1024) })).status).toBe(413);
    }
    expect(sockets).toBe(2);
  });

  it.each([
    ['plain text', 'sk-plain', '{"prompt":"fox"}'],
    ['text of every script', 'sk-plain', '{"prompt":"Füchse 狐 🦊"}'],
    ['a header beyond ASCII', 'clé', '{"prompt":"Füchse 狐 🦊"}'],
    ['bytes', 'clé', Buffer.from('Füchse 狐 🦊')],
  ])('sends %s as it is', async (_, key, body) => {
    const { wire, url } = await wireTo(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      response.end(JSON.stringify({ key: request.headers.authorization, body: Buffer.concat(parts).toString() }));
    });
    const answer = await wire.fetch(url, { method: 'POST', headers: { authorization: key }, body });
    expect(await answer.json()).toEqual({ key, body: body.toString() });
  });

  it('sends no header that could end another', async () => {
    const { wire, url } = await wireTo((_, response) => response.end());
    const headers = { 'x-a': 'b\r\nx-c: d' };
    // What a Headers object would refuse comes here as a plain object of an SDK.
    await expect(
      wire.fetch(url, {
        headers: Object.assign(new Headers(), {
          *[Symbol.iterator]() {
            yield* Object.entries(headers);
          },
        }),
      }),
    ).rejects.toThrow(TypeError);
  });

  it('says that nothing was sent when there is no connection', async () => {
    const { wire, url, server } = await wireTo((_, response) => response.end());
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    const failure: unknown = await wire.fetch(url, { method: 'POST', body: '{}' }).catch((error: unknown) => error);
    expect(judgeException(failure)).toMatchObject({ fault: 'connection-refused', billed: 'no' });
    expect(describeException(failure)).toContain('ECONNREFUSED');
  });

  it('fails calls in flight when it is closed, and takes none afterwards', async () => {
    const arrived = Promise.withResolvers<void>();
    const { wire, url } = await wireTo(() => arrived.resolve());
    const call = wire.fetch(url);
    await Promise.all([arrived.promise.then(() => wire.close()), expect(call).rejects.toThrow('closed')]);
    await expect(wire.fetch(url)).rejects.toThrow('closed');
  });

  it('goes through a proxy where one is named, without limits of undici’s own', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('{"through":true}');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = 'http://provider.invalid/v1/x?a=1';
    const proxied = await openWire({ proxyUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
    const dispatch = vi.spyOn(ProxyAgent.prototype, 'dispatch');
    expect(await (await proxied.fetch(url)).json()).toEqual({ through: true });
    expect(asked).toEqual([url]);
    expect(dispatch.mock.calls[0]?.[0]).toMatchObject({ headersTimeout: 0, bodyTimeout: 0 });
    dispatch.mockRestore();
    await proxied.close();
    proxy.close();
  });
});
