import { GoogleGenAI } from '@google/genai';
import OpenAI, { toFile } from 'openai';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { redPng } from './pictures-in.ts';
import { contents, jsonOf, LOW, postOpenai, sandboxForTest } from './support.ts';

const STREAM = { ...LOW, stream: true, partial_images: 2 } as const;
/** A call that is still being streamed when its partial images are drawn, at the tests' speed. */
const SLOW = { ...STREAM, quality: 'high' } as const;

type Event = { readonly name: string | undefined; readonly data: Record<string, unknown> };

/** The events of an SSE body; a part that is no whole event is dropped, as SDKs do. */
function eventsIn(body: string): readonly Event[] {
  return body
    .split(/\r?\n\r?\n/)
    .slice(0, -1)
    .map((block) => ({
      name: /^event: (.*)$/m.exec(block)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}') as Record<string, unknown>,
    }));
}

const clientOf = (sandbox: Sandbox): OpenAI => new OpenAI({ apiKey: 'sk-sandbox', baseURL: sandbox.endpoints[0].baseUrl, maxRetries: 0 });
const geminiOf = (sandbox: Sandbox): GoogleGenAI =>
  new GoogleGenAI({ apiKey: 'sk-sandbox', httpOptions: { baseUrl: sandbox.endpoints[1].baseUrl, apiVersion: 'v1beta' } });

function postStream(sandbox: Sandbox, body: unknown = contents('a cat'), face = 'google'): Promise<Response> {
  return fetch(`${sandbox.url}/${face}/v1beta/models/gemini-3-pro-image:streamGenerateContent?alt=sse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-goog-api-key': 'sk-sandbox' },
    body: JSON.stringify(body),
  });
}

async function collect<Item>(stream: AsyncIterable<Item>): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('a stream at openai', () => {
  it('sends its partial images, then the finished one with its usage, and no more', async () => {
    const sandbox = await sandboxForTest();
    const response = await postOpenai(sandbox, SLOW);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-request-id')).toBe(sandbox.ledger()[0]?.id);
    const body = await response.text();
    const events = eventsIn(body);
    expect(events.map((event) => event.name)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ]);
    expect(events.map((event) => event.data.type)).toEqual(events.map((event) => event.name));
    expect(events.map((event) => event.data.partial_image_index)).toEqual([0, 1, undefined]);
    expect(events[2]?.data).toMatchObject({ size: '1024x1024', quality: 'high', usage: { output_tokens: 7024 + 200 } });
    expect(sandbox.ledger()).toMatchObject([{ partialImages: 2, outcome: 'delivered', bytesOut: Buffer.byteLength(body) }]);
    expect(sandbox.ledger()[0]?.billed).toBe((7024 + 200) * 30 + 2 * 5);
  });

  it('sends partial images of the same size and format that come nearer to the finished one', async () => {
    const sandbox = await sandboxForTest();
    const events = eventsIn(await (await postOpenai(sandbox, { ...SLOW, output_format: 'webp', partial_images: 3 })).text());
    const images = events.map((event) => Buffer.from(String(event.data.b64_json), 'base64'));
    const raws = await Promise.all(images.map((image) => sharp(image).removeAlpha().resize(128).raw().toBuffer()));
    const last = raws.at(-1) ?? Buffer.alloc(0);
    const distances = raws.map((raw) => raw.reduce((sum, value, at) => sum + Math.abs(value - (last[at] ?? 0)), 0));
    expect(distances).toEqual([...distances].sort((a, b) => b - a));
    for (const image of images) expect(await sharp(image).metadata()).toMatchObject({ format: 'webp', width: 1024, height: 1024 });
  });

  it('without partial images is one event', async () => {
    const sandbox = await sandboxForTest();
    const events = eventsIn(await (await postOpenai(sandbox, { ...LOW, stream: true })).text());
    expect(events.map((event) => event.name)).toEqual(['image_generation.completed']);
  });

  it('of several images completes each, and its events add up to the bill', async () => {
    const sandbox = await sandboxForTest();
    const events = eventsIn(await (await postOpenai(sandbox, { ...SLOW, quality: 'low', n: 2, partial_images: 1 })).text());
    const usages = events.flatMap((event) => (event.name?.endsWith('completed') ? [event.data.usage as OpenAI.ImagesResponse.Usage] : []));
    expect(usages).toHaveLength(2);
    const [input, output] = [usages.reduce((sum, u) => sum + u.input_tokens, 0), usages.reduce((sum, u) => sum + u.output_tokens, 0)];
    expect(sandbox.ledger()[0]?.billed).toBe(input * 5 + output * 30);
  });

  it('speaks early: headers and first partial image are there long before the end', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'slow', factor: 4 });
    const response = await postOpenai(sandbox, SLOW);
    const headersAtMs = sandbox.nowMs();
    await response.body?.getReader().read();
    const row = sandbox.ledger()[0];
    expect(row?.outcome).toBe('generating');
    expect(headersAtMs - (row?.arrivedMs ?? 0)).toBeLessThan((row?.generationMs ?? 0) / 2);
  });

  it('that cannot begin is answered as any other call', async () => {
    const sandbox = await sandboxForTest();
    expect((await postOpenai(sandbox, { ...STREAM, size: '1x1' })).status).toBe(400);
    sandbox.inject({ fault: 'outage' });
    expect((await postOpenai(sandbox, STREAM)).status).toBe(503);
  });

  it('of an edit has events of its own name, through the official SDK', async () => {
    const sandbox = await sandboxForTest();
    const image = await toFile(await redPng(), 'red.png', { type: 'image/png' });
    const events = await collect(await clientOf(sandbox).images.edit({ ...LOW, image, stream: true, partial_images: 1 }));
    expect(events.map((event) => event.type)).toEqual(['image_edit.partial_image', 'image_edit.completed']);
  });

  it('that is refused half-way says so in an event, which the SDK throws without a status', async () => {
    const sandbox = await sandboxForTest();
    const stream = await clientOf(sandbox).images.generate({ ...LOW, prompt: 'a cat [moderation-output]', stream: true });
    const failure = collect(stream);
    await expect(failure).rejects.toBeInstanceOf(OpenAI.APIError);
    await expect(failure).rejects.toMatchObject({ status: undefined, code: 'moderation_blocked', type: 'image_generation_user_error' });
  });
});

describe('a broken stream', () => {
  const generate = (sandbox: Sandbox) => clientOf(sandbox).images.generate(SLOW);

  it('sse-error: partial images may come, then an error event', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'sse-error' });
    const events = eventsIn(await (await postOpenai(sandbox, SLOW)).text());
    expect(events.at(-1)).toMatchObject({ name: 'error', data: { type: 'error', error: { type: 'server_error' } } });
    await expect(generate(sandbox).then(collect)).rejects.toMatchObject({ status: undefined, type: 'server_error' });
    expect(sandbox.ledger()).toMatchObject([{ outcome: 'failed', billed: 0 }, {}]);
  });

  it('sse-no-completed: it ends properly without its last event, billed, and the SDK says nothing', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'sse-no-completed' });
    const events = await collect(await generate(sandbox));
    expect(events.map((event) => event.type)).toEqual(['image_generation.partial_image', 'image_generation.partial_image']);
    expect(sandbox.ledger()).toMatchObject([{ outcome: 'lost', fault: 'sse-no-completed' }]);
    expect(sandbox.ledger()[0]?.billed).toBeGreaterThan(200_000);
  });

  it('sse-truncated: it ends inside its last event, which the SDK cannot parse', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'sse-truncated', fraction: 0.9 });
    expect(eventsIn(await (await postOpenai(sandbox, SLOW)).text())).toHaveLength(2);
    const client = new OpenAI({ apiKey: 'sk-sandbox', baseURL: sandbox.endpoints[0].baseUrl, maxRetries: 0, logLevel: 'off' });
    await expect(client.images.generate(SLOW).then(collect)).rejects.toBeInstanceOf(SyntaxError);
    expect(sandbox.ledger()).toMatchObject([{ outcome: 'lost' }, { outcome: 'lost' }]);
  });

  it('sse-hang: partial images come, and then nothing ever', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'sse-hang' });
    const leave = new AbortController();
    const reader = (await postOpenai(sandbox, SLOW, { signal: leave.signal })).body?.getReader();
    await expect.poll(() => sandbox.ledger()[0]?.outcome, { interval: 5, timeout: 10_000 }).toBe('lost');
    expect((await reader?.read())?.done).toBe(false);
    expect(sandbox.stats().inFlight).toBe(1);
    leave.abort();
  });

  it('reset-mid-body: the connection breaks inside the stream', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'reset-mid-body' });
    await expect(generate(sandbox).then(collect)).rejects.toThrow();
  });

  it('idle-cut: spared while it speaks in time, cut where it falls silent', async () => {
    const sandbox = await sandboxForTest();
    const mend = sandbox.inject({ fault: 'idle-cut', afterMs: 150_000 });
    expect((await collect(await generate(sandbox))).length).toBe(3);
    mend();
    sandbox.inject({ fault: 'idle-cut', afterMs: 20_000 });
    await expect((await postOpenai(sandbox, { ...LOW, quality: 'high', stream: true })).text()).rejects.toThrow();
  });

  it('strikes only streams', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'sse-error' });
    expect((await postOpenai(sandbox, LOW)).status).toBe(200);
    expect(sandbox.stats().faults).toEqual({});
  });
});

describe('a stream at google', () => {
  it('thinks, shows its picture, and ends with the usage', async () => {
    const sandbox = await sandboxForTest();
    const response = await postStream(sandbox);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = eventsIn(await response.text());
    expect(events.map((event) => event.name)).toEqual([undefined, undefined, undefined]);
    const json = JSON.stringify(events.map((event) => event.data));
    expect(json).toMatch(/"thought":true[\s\S]*"inlineData"[\s\S]*"finishReason":"STOP"[\s\S]*"candidatesTokenCount":1120/);
  });

  it('passes through the official SDK, also on the aggregator', async () => {
    const sandbox = await sandboxForTest();
    const chunks = await collect(await geminiOf(sandbox).models.generateContentStream({ model: 'gemini-3-pro-image', contents: 'a cat' }));
    const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
    expect(parts.filter((part) => part.inlineData !== undefined)).toHaveLength(1);
    expect(chunks.at(-1)?.candidates?.[0]?.finishReason).toBe('STOP');
    expect((await postStream(sandbox, contents('a cat'), 'agg')).status).toBe(200);
  });

  it('sse-error: ends with an error chunk the SDK throws', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'sse-error' });
    const generate = () => geminiOf(sandbox).models.generateContentStream({ model: 'gemini-3-pro-image', contents: 'a cat' });
    await expect(generate().then(collect)).rejects.toThrow(/UNAVAILABLE/);
  });

  it('sse-no-completed: the thought comes, the picture does not', async () => {
    const sandbox = await sandboxForTest();
    sandbox.inject({ fault: 'sse-no-completed' });
    expect(eventsIn(await (await postStream(sandbox)).text())).toHaveLength(1);
    expect(sandbox.ledger()).toMatchObject([{ outcome: 'lost' }]);
  });

  it('continuation: unless told not to, the SDK asks again by itself, and both calls are billed', async () => {
    for (const automaticContinuation of [true, false]) {
      const sandbox = await sandboxForTest();
      sandbox.inject({ fault: 'continuation' });
      const config = { automaticContinuation };
      const result = await geminiOf(sandbox).models.generateContent({ model: 'gemini-3-pro-image', contents: 'a cat', config });
      const hasPicture = result.candidates?.[0]?.content?.parts?.some((part) => part.inlineData !== undefined) ?? false;
      expect(hasPicture).toBe(automaticContinuation);
      const billed = sandbox.ledger().map((row) => row.billed);
      expect(billed).toHaveLength(automaticContinuation ? 2 : 1);
      expect(billed[0]).toBe(2 * 2 + 300 * 12);
    }
  });
});

describe('a world without waiting', () => {
  it('answers at once, whole or streamed, with tiny pictures of the asked size', async () => {
    const sandbox = await sandboxForTest({ latency: 'none', pictures: 'tiny', imagesPerMinute: Number.POSITIVE_INFINITY });
    const body = await jsonOf(await postOpenai(sandbox, { ...LOW, quality: 'high', size: '1536x1024' }));
    const image = Buffer.from((body.data as readonly { readonly b64_json: string }[])[0]?.b64_json ?? '', 'base64');
    expect(await sharp(image).metadata()).toMatchObject({ format: 'png', width: 1536, height: 1024 });
    expect(image.length).toBeLessThan(2_000);
    expect(eventsIn(await (await postOpenai(sandbox, SLOW)).text())).toHaveLength(3);
    expect(sandbox.ledger().map((row) => row.generationMs)).toEqual([0, 0]);
  });
});
