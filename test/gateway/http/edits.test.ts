// Edits through the gateway with OpenAI's own client, before the sandbox; and what hostile senders get, on raw sockets.
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EditSettings, editsEndpoint } from '../../../src/gateway/http/endpoints/edits.ts';
import type { Doors } from '../../../src/system/network/guarded-connector.ts';
import { maskOf, picture, pngClaiming } from '../../providers/support/pictures.ts';
import { HttpWorld } from '../support/http-world.ts';
import { EditEventSchema, ErrorSchema, ImagesResponseSchema } from '../support/openai-shapes.ts';
import { BOUNDARY, formBytes, type TestPart } from '../uploads/support.ts';

const settings: EditSettings = {
  limits: { uploadBytes: 8_000_000, referenceBytes: 4_000_000, bodyTimeoutMs: 60_000 },
  imageUrls: { allow: false, hosts: [] },
};
let world: HttpWorld;
let folder: string;

beforeAll(async () => {
  world = await HttpWorld.open({ endpoints: [editsEndpoint(() => settings)] });
  folder = await mkdtemp(join(tmpdir(), 'edits-'));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

const png = await picture(640, 480, 'png');
const jpeg = await picture(640, 480, 'jpeg');
const mask = await maskOf(640, 480);
const file = (bytes: Buffer, name: string, type: string) => toFile(bytes, name, { type });
const uri = (bytes: Buffer, type = 'image/png') => `data:${type};base64,${bytes.toString('base64')}`;

const measure = (encoded: string | undefined) => sharp(Buffer.from(encoded ?? '', 'base64')).metadata();

describe("an edit by OpenAI's client", () => {
  it('of one picture is answered in the shape of OpenAI, and the picture is used', async () => {
    const reply = await world.client().images.edit({
      model: 'gpt-image-2',
      quality: 'low',
      prompt: 'add a fox',
      size: '1024x1024',
      image: await file(png, 'a.png', 'image/png'),
    });
    const { data, usage } = ImagesResponseSchema.parse(reply);
    expect(usage?.input_tokens_details.image_tokens).toBeGreaterThan(0);
    expect(await measure(data[0]?.b64_json)).toMatchObject({ format: 'png', width: 1024, height: 1024 });
    expect(world.sandbox.ledger().at(-1)).toMatchObject({ references: 1, outcome: 'delivered' });
  });

  it('of several pictures, with a mask and every other field, reaches the provider', async () => {
    const image = [await file(png, 'a.png', 'image/png'), await file(jpeg, 'b.jpg', 'image/jpeg')];
    const reply = await world.client().images.edit({
      model: 'gpt-image-2',
      prompt: 'add a fox',
      image,
      mask: await file(mask, 'm.png', 'image/png'),
      n: 2,
      size: '1024x1024',
      quality: 'low',
      output_format: 'jpeg',
      output_compression: 80,
      background: 'auto',
      user: 'somebody',
      input_fidelity: 'high',
    });
    const { data, output_format, image_router } = ImagesResponseSchema.parse(reply);
    expect([data.length, output_format]).toEqual([2, 'jpeg']);
    expect(image_router.warnings).toContainEqual(expect.objectContaining({ detail: expect.stringContaining('input_fidelity') }));
    expect(world.sandbox.ledger().at(-1)).toMatchObject({ references: 2 });
  });

  it('of a file that is streamed from disk, chunked, is read', async () => {
    const path = join(folder, 'fox.png');
    await writeFile(path, png);
    const reply = await world
      .client()
      .images.edit({ model: 'gpt-image-2', quality: 'low', prompt: 'a fox', image: createReadStream(path) });
    expect(ImagesResponseSchema.parse(reply).data).toHaveLength(1);
  });

  it('that streams gets the events of an edit', async () => {
    const stream = await world.client().images.edit({
      model: 'gpt-image-2',
      quality: 'low',
      prompt: 'a fox',
      image: await file(png, 'a.png', 'image/png'),
      stream: true,
      partial_images: 2,
    });
    const events = [];
    for await (const event of stream) events.push(EditEventSchema.parse(event));
    expect(events.at(-1)?.type).toBe('image_edit.completed');
    expect(events.slice(0, -1).every(({ type }) => type === 'image_edit.partial_image')).toBe(true);
  });

  it('may carry the fields of the router, as form fields and as headers', async () => {
    const body = {
      prompt: 'a fox',
      image: await file(png, 'a.png', 'image/png'),
      latency_budget_ms: 120_000,
      max_cost_usd: 0.5,
      on_late: 'degrade',
    };
    const reply = ImagesResponseSchema.parse(await world.client().images.edit(body, { headers: { 'x-text-accuracy': 'none' } }));
    expect(reply.image_router.deadline_left_ms).toBeGreaterThan(0);
  });

  it('that is wrong raises the error class of its status', async () => {
    const image = await file(Buffer.from('<svg/>'), 'a.svg', 'image/svg+xml');
    const wrong = world.client().images.edit({ prompt: 'a fox', image });
    await expect(wrong).rejects.toThrow(OpenAI.BadRequestError);
    await expect(wrong).rejects.toMatchObject({
      status: 400,
      code: 'invalid_image_file',
      param: 'image[0]',
      type: 'invalid_request_error',
    });
  });

  it('with a broken picture behind a right header is refused before money is spent', async () => {
    const before = world.sandbox.ledger().length;
    const broken = Buffer.concat([png.subarray(0, png.length >> 1), Buffer.alloc(png.length >> 1)]);
    const wrong = world.client().images.edit({ prompt: 'a fox', image: await file(broken, 'a.png', 'image/png') });
    await expect(wrong).rejects.toMatchObject({ status: 400, param: 'image[0]' });
    expect(world.sandbox.ledger()).toHaveLength(before);
  });
});

describe('an edit as JSON', () => {
  it('is the same edit', async () => {
    const body = {
      model: 'gpt-image-2',
      quality: 'low',
      prompt: 'a fox',
      images: [{ image_url: uri(png) }],
      mask: { image_url: uri(mask) },
    };
    const reply = await world.post('/v1/images/edits', body);
    expect(ImagesResponseSchema.parse(await reply.json()).data).toHaveLength(1);
    expect(world.sandbox.ledger().at(-1)).toMatchObject({ references: 1, outcome: 'delivered' });
  });

  it('asked again with the same Idempotency-Key is not made again, in whatever form the pictures come', async () => {
    const headers = { 'idempotency-key': 'edit-once' };
    const json = { prompt: 'a fox', images: [{ image_url: uri(png) }] };
    const first = await world.post('/v1/images/edits', json, headers);
    const made = world.sandbox.ledger().length;
    const form = new FormData();
    form.set('image[]', new File([new Uint8Array(png)], 'other-name.png'));
    form.set('prompt', 'a fox');
    const second = await fetch(`${world.url}/v1/images/edits`, { method: 'POST', headers, body: form });
    expect(await second.json()).toEqual(await first.json());
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(world.sandbox.ledger()).toHaveLength(made);
  });

  it('gets no picture from a URL, unless the operator allows it', async () => {
    const body = { prompt: 'a fox', images: [{ image_url: 'https://pictures.example/a.png' }] };
    const reply = await world.post('/v1/images/edits', body);
    expect(reply.status).toBe(400);
    expect(ErrorSchema.parse(await reply.json()).error).toMatchObject({ code: 'image_url_not_allowed', param: 'images[0].image_url' });
  });
});

describe('an edit of pictures by URL, where the operator allows it', () => {
  it('fetches them from the checked address, and says nothing of addresses it does not like', async () => {
    const targets: string[] = [];
    const pictures = createServer((_request, response) => void response.writeHead(200, { 'content-type': 'image/png' }).end(png));
    await once(pictures.listen(0, '127.0.0.1'), 'listening');
    const { port } = pictures.address() as AddressInfo;
    const doors: Doors = {
      resolve: async (name) => (name === 'pictures.example' ? ['93.184.215.14'] : ['10.0.0.7']),
      dial: async ({ address }) => {
        targets.push(address);
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      },
    };
    const open = await HttpWorld.open({
      endpoints: [editsEndpoint(() => ({ ...settings, imageUrls: { allow: true, hosts: [] } }), doors)],
    });
    const editOf = (...urls: string[]) =>
      open.post('/v1/images/edits', { prompt: 'a fox', images: urls.map((url) => ({ image_url: url })) });
    const reply = await editOf('https://pictures.example/a.png', uri(jpeg, 'image/jpeg'));
    expect(ImagesResponseSchema.parse(await reply.json()).data).toHaveLength(1);
    expect(open.sandbox.ledger().at(-1)).toMatchObject({ references: 2 });
    const inside = await editOf('https://inside.example/');
    const { error } = ErrorSchema.parse(await inside.json());
    expect([inside.status, error.code]).toEqual([400, 'image_url_unusable']);
    expect(error.message).not.toMatch(/10\.0|private/);
    expect(targets).toEqual(['93.184.215.14']);
    await open.close();
    pictures.closeAllConnections();
    pictures.close();
  });
});

type Sent = { readonly status: number | undefined; readonly code: string | undefined; readonly text: string };

/** Sends bytes on a socket of its own, and goes on with `more` until it is answered or cut off. */
function sendRaw(head: readonly string[], content: Uint8Array, more: (() => Buffer) | undefined = undefined): Promise<Sent> {
  return new Promise((resolve) => {
    const socket = connect(world.server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      if (/\r\n\r\n.*\}$/s.test(text)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      resolve({ status: status === undefined ? undefined : Number(status), code: /"code":"(\w+)"/.exec(text)?.[1], text });
    });
    socket.write(`POST /v1/images/edits HTTP/1.1\r\nhost: localhost\r\n${head.join('\r\n')}\r\n\r\n`);
    socket.write(content);
    const pour = (): void => {
      if (more === undefined || socket.destroyed) return;
      if (socket.write(more())) setImmediate(pour);
      else socket.once('drain', pour);
    };
    pour();
  });
}

const FORM = `content-type: multipart/form-data; boundary=${BOUNDARY}`;
const sendForm = (bytes: Uint8Array, type = FORM) => sendRaw([type, `content-length: ${bytes.byteLength}`], bytes);
const chunk = (bytes: Uint8Array) => Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
const image: TestPart = { name: 'image[]', content: png, fileName: 'a.png', type: 'image/png' };
const prompt: TestPart = { name: 'prompt', content: 'a fox' };

describe('a hostile edit', () => {
  it.each([
    ['seventeen pictures', formBytes([prompt, ...Array.from({ length: 17 }, () => image)]), 400, 'invalid_value'],
    ['a huge text', formBytes([{ name: 'prompt', content: 'x'.repeat(1_000_000) }, image]), 413, 'request_too_large'],
    [
      'a picture of more than its limit',
      formBytes([{ ...image, content: Buffer.concat([png, Buffer.alloc(4_000_000)]) }]),
      413,
      'request_too_large',
    ],
    [
      'more than a body may have',
      formBytes([prompt, ...Array.from({ length: 9 }, () => ({ ...image, content: Buffer.concat([png, Buffer.alloc(1_000_000)]) }))]),
      413,
      'request_too_large',
    ],
    ['an SVG', formBytes([prompt, { ...image, content: '<svg xmlns="http://www.w3.org/2000/svg"/>' }]), 400, 'invalid_image_file'],
    [
      'a PNG of 2 kB that claims 40000x40000',
      formBytes([prompt, { ...image, content: pngClaiming(40_000, 40_000) }]),
      400,
      'invalid_image_file',
    ],
    ['another type than declared', formBytes([prompt, { ...image, type: 'image/webp' }]), 400, 'invalid_image_file'],
    ['a form cut short', formBytes([prompt, image]).subarray(0, -100), 400, 'invalid_multipart'],
    ['no picture', formBytes([prompt]), 400, 'missing_required_parameter'],
    ['no prompt', formBytes([image]), 400, 'missing_required_parameter'],
    ['a misspelt field', formBytes([prompt, image, { name: 'qualty', content: 'low' }]), 400, 'unknown_parameter'],
  ])('with %s is refused', async (_name, bytes, status, code) => {
    const sent = await sendForm(bytes);
    expect(sent).toMatchObject({ status, code });
    ErrorSchema.parse(JSON.parse(sent.text.slice(sent.text.indexOf('\r\n\r\n') + 4)));
    expect(sent.text).toMatch(/\r\nx-content-type-options: nosniff\r\n/);
  });

  it.each([
    ['of another boundary', 'content-type: multipart/form-data; boundary=other', 400],
    ['without a boundary', 'content-type: multipart/form-data', 400],
    ['of another type', 'content-type: application/x-www-form-urlencoded', 415],
    ['of no type', 'x-no: type', 415],
  ])('%s is refused', async (_name, type, status) => {
    expect(await sendForm(formBytes([prompt, image]), type)).toMatchObject({ status });
  });

  it('that never ends is answered at its limit, also when its sender goes on', async () => {
    const start = chunk(formBytes([{ ...image, content: png }], '').subarray(0, -2));
    const sent = await sendRaw([FORM, 'transfer-encoding: chunked'], start, () => chunk(Buffer.alloc(65_536)));
    expect(sent).toMatchObject({ status: 413, code: 'request_too_large' });
  });

  it('with a bomb is answered at the bomb, also when its sender goes on', async () => {
    const start = chunk(formBytes([{ ...image, content: pngClaiming(40_000, 40_000) }], '').subarray(0, -2));
    const sent = await sendRaw([FORM, 'transfer-encoding: chunked'], start, () => chunk(Buffer.alloc(65_536)));
    expect(sent).toMatchObject({ status: 400, code: 'invalid_image_file' });
  });

  it('whose sender leaves half way lets go of what it held, and nothing is spent', async () => {
    const before = world.sandbox.ledger().length;
    const ended = world.ended().length;
    await new Promise<void>((resolve) => {
      const socket = connect(world.server.port, '127.0.0.1', () => {
        socket.write(`POST /v1/images/edits HTTP/1.1\r\nhost: localhost\r\n${FORM}\r\ncontent-length: 1000000\r\n\r\n`);
        socket.write(formBytes([prompt, image], ''), () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
    await expect.poll(() => world.ended().length).toBeGreaterThan(ended);
    expect(world.ended().at(-1)).toMatchObject({ endpoint: '/v1/images/edits' });
    expect(world.sandbox.ledger()).toHaveLength(before);
  });

  it('sent slower than allowed is answered with 408', async () => {
    const slow = await HttpWorld.open({
      endpoints: [editsEndpoint(() => ({ ...settings, limits: { ...settings.limits, bodyTimeoutMs: 50 } }))],
    });
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(slow.server.port, '127.0.0.1');
      socket.write(`POST /v1/images/edits HTTP/1.1\r\nhost: localhost\r\n${FORM}\r\ncontent-length: 1000000\r\n\r\n`);
      socket.once('data', (piece) => {
        resolve(piece.toString());
        socket.destroy();
      });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
    await slow.close();
  });

  it('is turned away with 503 when it would be more than the gateway may hold, which it does not stay', async () => {
    const small = await HttpWorld.open({ endpoints: [editsEndpoint(() => settings)], limits: { heldBytes: 60_000 } });
    const editOf = (bytes: Buffer) => small.post('/v1/images/edits', { prompt: 'a fox', images: [{ image_url: uri(bytes) }] });
    for (let round = 0; round < 3; round += 1) {
      const reply = await editOf(Buffer.concat([png, Buffer.alloc(60_000)]));
      expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
      await reply.arrayBuffer();
    }
    const reply = await editOf(png);
    expect(reply.status).toBe(200);
    await reply.arrayBuffer();
    await small.close();
  });
});
