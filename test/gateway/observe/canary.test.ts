// Canaries in every place a caller or a provider can put words into: a whole gateway over both real adapters, before a
// provider that quotes all it was sent in its errors. Log, metrics, and spans are then searched for pieces of them.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compose } from '../../../src/compose.ts';
import { LOOPBACK } from '../../../src/gateway/gatekeeper.ts';
import { createApp } from '../../../src/gateway/http/app.ts';
import { editsEndpoint } from '../../../src/gateway/http/endpoints/edits.ts';
import type { ImageRouter } from '../../../src/index.ts';
import { resolveOptions } from '../../../src/options.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { FakeGatekeeper, FakeIdempotency, FakeTraces } from '../support/fakes.ts';
import { LIMITS } from '../support/http-world.ts';
import { type Collector, type Observed, observe, startCollector } from './support.ts';

const CANARIES = {
  prompt: 'a heron-canary-5e1f8a perched on a quiet crate of oranges',
  callerKey: 'ir_canarycallerkey77aa31bb',
  upstreamKey: 'sk-canaryupstream9042ccdd',
  user: 'canary-user-0b2c41ee77',
  picture: 'canary-picture-bytes-9d04f1',
  link: 'canary-signature-63b0aa19',
  query: 'canary-query-71c2e5d3',
  header: 'canary-header-18f0b6c4',
  path: 'canary-path-55d9a0e2',
  model: 'canary-model-c7720b1f',
  policy: 'canary-policy-0ae4d8b3',
} as const;

/** Pieces long enough to be no accident. */
const PIECE = 12;

function piecesOf(text: string): readonly string[] {
  return Array.from({ length: Math.max(0, text.length - PIECE + 1) }, (_, at) => text.slice(at, at + PIECE));
}

/** A canary's pieces as they are, and in base64 wherever it stood in what was encoded. */
function tracesOf(canary: string): readonly string[] {
  const encoded = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.from('-'.repeat(offset) + canary).toString('base64');
    return piecesOf(text.slice(4, -4));
  });
  return [...piecesOf(canary), ...encoded];
}

/** A picture with the canary in a comment of its own. */
async function canaryPicture(): Promise<Buffer> {
  const plain = await sharp({ create: { width: 1024, height: 1024, channels: 3, background: '#224466' } })
    .png()
    .toBuffer();
  const body = Buffer.from(`tEXtComment\0${CANARIES.picture}`, 'latin1');
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  const end = plain.length - 12;
  return Buffer.concat([plain.subarray(0, end), chunk, plain.subarray(end)]);
}

type Answer = { readonly status: number; readonly type?: string; readonly body: string };

/** A provider that answers what the test says, to whatever is asked. */
class Upstream {
  readonly server: Server;
  answer: (heard: string) => Answer = () => ({ status: 500, body: '' });
  asked = 0;

  constructor() {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.asked += 1;
        const heard = `${request.headers.authorization} ${request.url} ${Buffer.concat(parts).toString('latin1').slice(0, 2_000)}`;
        const { status, type = 'application/json', body } = this.answer(heard);
        response.writeHead(status, { 'content-type': type, 'x-request-id': 'req-upstream' }).end(body);
      });
    });
  }

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }
}

function quoting(status: number, code: string) {
  return (heard: string): Answer => {
    const message = `${code}: key ${CANARIES.upstreamKey}, see https://blob.example/error?sig=${CANARIES.link} for ${heard}`;
    return { status, body: JSON.stringify({ error: { message, code, type: code, status: code } }) };
  };
}

const upstream = new Upstream();
let picture: Buffer;
let collector: Collector;
let observed: Observed;
let router: ImageRouter;
let app: ReturnType<typeof createApp>;

beforeAll(async () => {
  const clock = systemClock(20);
  const url = await upstream.listen();
  picture = await canaryPicture();
  collector = await startCollector();
  const options = resolveOptions({
    endpoints: [
      { id: 'openai', provider: 'openai', baseUrl: `${url}/v1`, apiKey: CANARIES.upstreamKey },
      { id: 'google', provider: 'google', baseUrl: url, apiKey: CANARIES.upstreamKey },
    ],
    speed: 20,
  });
  observed = await observe({
    clock,
    logLevel: 'trace',
    otlpEndpoint: collector.url,
    health: () => router.health(),
    load: () => app.load(),
  });
  router = compose(options, { clock, listener: observed.observer.listener });
  await router.ready();
  const gatekeeper = new FakeGatekeeper();
  gatekeeper.keys.set(CANARIES.callerKey, { ...LOOPBACK, id: 'key_public' });
  const settings = { aliases: {}, limits: { ...LIMITS, uploadBytes: 2 ** 24, referenceBytes: 2 ** 23 }, heartbeatMs: 15_000 };
  app = createApp(
    {
      router: () => router,
      options: () => options,
      settings: () => settings,
      gatekeeper,
      idempotency: new FakeIdempotency(),
      traces: new FakeTraces(),
      clock,
      ids: systemIds(),
      observer: observed.observer,
      isDraining: () => false,
    },
    [editsEndpoint(() => ({ ...settings, imageUrls: { allow: false, hosts: [] } }))],
  );
});

afterAll(async () => {
  await router.close();
  await observed.observer.close();
  upstream.server.closeAllConnections();
  upstream.server.close();
  await collector.close();
});

const HEADERS = {
  authorization: `Bearer ${CANARIES.callerKey}`,
  'x-custom': CANARIES.header,
  traceparent: CANARIES.header,
  cookie: `session=${CANARIES.header}`,
};

async function ask(path: string, body: unknown, headers: Record<string, string> = {}): Promise<number> {
  const init = { method: 'POST', headers: { ...HEADERS, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
  const response = await app.request(`${path}?token=${CANARIES.query}`, init);
  await response.arrayBuffer();
  return response.status;
}

async function askForm(): Promise<number> {
  const form = new FormData();
  form.set('prompt', CANARIES.prompt);
  form.set('user', CANARIES.user);
  form.set('image', new Blob([new Uint8Array(picture)], { type: 'image/png' }), `${CANARIES.path}.png`);
  const response = await app.request('/v1/images/edits', { method: 'POST', headers: HEADERS, body: form });
  await response.arrayBuffer();
  return response.status;
}

describe('what a gateway tells of itself', () => {
  it('has no piece of a prompt, a picture, a key, a tenant, a link or a header in it, at the finest level', async () => {
    const image = { model: 'auto', prompt: CANARIES.prompt, user: CANARIES.user, latency_budget_ms: 60_000, size: '1024x1024' };
    const generations = '/v1/images/generations';
    const statuses: number[] = [];
    const delivered = { created: 1, data: [{ b64_json: picture.toString('base64') }], usage: { input_tokens: 9, output_tokens: 9 } };
    upstream.answer = () => ({ status: 200, body: JSON.stringify(delivered) });
    statuses.push(await ask(generations, { ...image, model: 'gpt-image-2-low' }));
    statuses.push(await askForm());
    statuses.push(
      await ask('/v1/images/edits', { ...image, images: [{ image_url: `data:image/png;base64,${picture.toString('base64')}` }] }),
    );
    upstream.answer = quoting(400, 'moderation_blocked');
    statuses.push(await ask(generations, image));
    upstream.answer = (heard) => ({ status: 502, type: 'text/html', body: `<html>${heard} ${CANARIES.upstreamKey}</html>` });
    statuses.push(await ask(generations, image));
    upstream.answer = quoting(401, 'invalid_api_key');
    statuses.push(await ask(generations, image), await askForm());
    statuses.push(await ask(generations, { ...image, model: CANARIES.model }));
    statuses.push(await ask(generations, { ...image, policy: CANARIES.policy }));
    statuses.push(await ask(generations, { ...image, [CANARIES.policy]: 1 }));
    statuses.push(await ask(generations, image, { authorization: `Bearer ${CANARIES.header}` }));
    statuses.push(await ask(`/v1/${CANARIES.path}`, image));
    statuses.push((await app.request(`/v1/traces/${CANARIES.path}`, { headers: HEADERS })).status);
    observed.observer.http({
      kind: 'request-defect',
      id: 'req_x',
      where: 'generate',
      error: new Error(Object.values(CANARIES).join('\n    at ')),
    });

    const metrics = await observed.observer.metricsText();
    await observed.observer.close();
    const told = [observed.text(), metrics, ...collector.bodies].join('\n');
    for (const [name, canary] of Object.entries(CANARIES)) {
      expect({ name, found: tracesOf(canary).filter((piece) => told.includes(piece)) }).toEqual({ name, found: [] });
    }

    // All of it was asked, refused and told as it should be: silence would prove nothing.
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 400, 502]);
    expect(statuses.slice(7)).toEqual([404, 400, 400, 401, 404, 404]);
    expect(upstream.asked).toBeGreaterThan(6);
    const events = new Set(observed.lines().map(({ event }) => event));
    for (const event of ['request', 'breaker-change', 'attempt-start', 'attempt-end', 'plan', 'end', 'defect'])
      expect(events).toContain(event);
    expect(observed.lines()).toContainEqual(expect.objectContaining({ to: 'open', reason: expect.stringContaining('bad-key') }));
    expect(collector.spans().length).toBeGreaterThan(statuses.length);
  });
});
