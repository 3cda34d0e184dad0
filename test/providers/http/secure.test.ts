import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWire, type Wire } from '../../../src/providers/wire.ts';
import { judgeException } from '../../../src/providers/wire-error.ts';

/** A certificate for localhost that nobody else trusts; undefined without OpenSSL on this machine. */
function selfSigned(): { readonly key: Buffer; readonly cert: Buffer } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'image-router-tls-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  try {
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const certificate = selfSigned();
const BODY = JSON.stringify({ big: '- '.repeat(1_500_000) });

describe.skipIf(certificate === undefined)('the wire to an encrypted endpoint', () => {
  let server: Server;
  let wire: Wire;
  let sockets = 0;
  const resumed: boolean[] = [];
  const url = (host = 'localhost'): string => `https://${host}:${(server.address() as AddressInfo).port}/v1`;
  beforeAll(async () => {
    server = createServer(certificate ?? {}, (request, response) => {
      const isLong = request.url === '/v1/long';
      response.writeHead(200, { connection: request.url === '/v1/close' ? 'close' : 'keep-alive' });
      response.end(isLong ? BODY : JSON.stringify({ host: request.headers.host }));
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      sockets += 1;
      resumed.push(socket.isSessionReused());
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    wire = await openWire({ proxyUrl: undefined });
  });
  afterAll(async () => {
    await wire.close();
    server.close();
  });

  it('sends nothing to a server whose certificate nobody vouches for', async () => {
    const failure: unknown = await wire.fetch(url()).catch((error: unknown) => error);
    expect(judgeException(failure)).toMatchObject({ fault: 'connection-refused', billed: 'no' });
  });

  it('reads long answers whole over one connection, and resumes its session on the next', async () => {
    const usual = getCACertificates('default');
    setDefaultCACertificates([...usual, String(certificate?.cert)]);
    try {
      sockets = 0;
      expect(await (await wire.fetch(`${url()}/long`)).text()).toBe(BODY);
      expect(await (await wire.fetch(`${url()}/close`)).json()).toEqual({ host: new URL(url()).host });
      expect(sockets).toBe(1);
      expect(await (await wire.fetch(`${url()}/long`)).text()).toBe(BODY);
      expect([sockets, resumed.at(-1)]).toEqual([2, true]);
    } finally {
      setDefaultCACertificates(usual);
    }
  });

  it('sends nothing to a server with another name in its certificate', async () => {
    const usual = getCACertificates('default');
    setDefaultCACertificates([...usual, String(certificate?.cert)]);
    try {
      const failure: unknown = await wire.fetch(url('127.0.0.1')).catch((error: unknown) => error);
      expect(judgeException(failure)).toMatchObject({ fault: 'connection-refused', billed: 'no' });
    } finally {
      setDefaultCACertificates(usual);
    }
  });
});
