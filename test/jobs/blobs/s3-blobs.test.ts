import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { BlobStore } from '../../../src/jobs/blob-store.ts';
import { openS3Blobs, type S3BlobsOptions } from '../../../src/jobs/blobs/s3-blobs.ts';
import { missingS3Server, type S3Server, startS3Server } from '../../support/s3-server.ts';
import { blobStoreContract } from './contract.ts';

const missing = missingS3Server();
if (missing !== undefined) console.warn(`skipped: blobs on a real S3 server, because ${missing}`);

function settingsFor(endpoint: string, changes: Partial<S3BlobsOptions> = {}): S3BlobsOptions {
  return { name: 'pictures', prefix: 'image-router/', region: 'default', endpoint, pathStyle: true, timeoutMs: 20_000, ...changes };
}

describe.skipIf(missing !== undefined)(`blobs on a real S3 server${missing === undefined ? '' : ` (${missing})`}`, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
    process.env.AWS_ACCESS_KEY_ID = server.accessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = server.secretAccessKey;
    const client = new S3Client({ endpoint: server.endpoint, region: 'default', forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'pictures' }));
    client.destroy();
  }, 180_000);
  afterAll(async () => {
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    await server?.close();
  });

  blobStoreContract(async () => {
    const [one, other] = await Promise.all([openS3Blobs(settingsFor(server.endpoint)), openS3Blobs(settingsFor(server.endpoint))]);
    return { one, other, close: async () => void (await Promise.all([one.close(), other.close()])) };
  });

  it('lists and removes more than one answer holds', async () => {
    const blobs = await opened(settingsFor(server.endpoint, { prefix: 'many/' }));
    const names = Array.from({ length: 1_050 }, (_, index) => `b${String(index).padStart(5, '0')}`);
    for (let start = 0; start < names.length; start += 50)
      await Promise.all(names.slice(start, start + 50).map((name) => blobs.put(name, Uint8Array.of(1), 'image/png')));
    const seen: string[] = [];
    for await (const { name } of blobs.list()) seen.push(name);
    expect(seen.sort()).toEqual(names);
    await blobs.remove(names);
    for await (const { name } of blobs.list()) expect.unreachable(name);
  }, 120_000);

  it('keeps prefixes apart', async () => {
    const [mine, theirs] = [
      await opened(settingsFor(server.endpoint, { prefix: 'mine/' })),
      await opened(settingsFor(server.endpoint, { prefix: 'theirs/' })),
    ];
    await mine.put('same', Uint8Array.of(1), 'image/png');
    expect(await theirs.get('same')).toBeUndefined();
    for await (const { name } of theirs.list()) expect.unreachable(name);
  });

  it('says at once that a bucket is not there, or that it is closed to these credentials', async () => {
    await expect(openS3Blobs(settingsFor(server.endpoint, { name: 'nowhere' }))).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/the bucket nowhere at http.* cannot be used: NoSuchBucket/),
    });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another');
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(openS3Blobs(settingsFor(server.endpoint))).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('SignatureDoesNotMatch'),
    });
  });
});

async function opened(options: S3BlobsOptions): Promise<BlobStore> {
  const blobs = await openS3Blobs(options);
  onTestFinished(() => blobs.close());
  return blobs;
}

/** A server in the bucket's place that does what it is told. */
async function stub(answer: (response: ServerResponse) => void): Promise<string> {
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => answer(response));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a bucket in trouble', () => {
  beforeAll(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'k');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
  });
  afterAll(() => void vi.unstubAllEnvs());

  it('names the package that is missing', async () => {
    const load = () => Promise.reject(new Error('Cannot find package'));
    await expect(openS3Blobs(settingsFor('http://127.0.0.1:9', { load }))).rejects.toMatchObject({
      code: 'invalid_config',
      remedy: expect.stringContaining('npm install @aws-sdk/client-s3'),
    });
  });

  it('lets a gateway start while it is away, and is a StoreError to whoever needs it', async () => {
    const blobs = await opened(settingsFor(await stub((response) => void response.writeHead(503).end())));
    await expect(blobs.put('x', Uint8Array.of(1), 'image/png')).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' });
    await expect(blobs.get('x')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(blobs.remove(['x'])).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('lets a gateway start while nobody listens there', async () => {
    const blobs = await opened(settingsFor('http://127.0.0.1:9'));
    await expect(blobs.get('x')).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('is given up when it does not answer, and when it stops in the middle of a picture', async () => {
    const silent = await stub(() => undefined);
    const blobs = await opened(settingsFor(silent, { timeoutMs: 300 }));
    await expect(blobs.put('x', Uint8Array.of(1), 'image/png')).rejects.toThrow('did not answer within 300 ms');
    const halting = await stub((response) => void response.writeHead(200, { 'content-length': '1000' }).write('half'));
    const halted = await opened(settingsFor(halting, { timeoutMs: 300 }));
    await expect(halted.get('x')).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('that keeps what it was to remove says how much', async () => {
    const error = '<Error><Key>x</Key><Code>AccessDenied</Code><Message>no</Message></Error>';
    const xml = `<?xml version="1.0"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${error}</DeleteResult>`;
    const blobs = await opened(
      settingsFor(await stub((response) => void response.writeHead(200, { 'content-type': 'application/xml' }).end(xml))),
    );
    await expect(blobs.remove(['x', 'y'])).rejects.toThrow('kept 1 of 2 pictures: AccessDenied');
  });
});
