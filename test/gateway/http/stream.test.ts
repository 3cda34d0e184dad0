// Streams through the official client: OpenAI's events in OpenAI's order, with previews from whichever provider is fast.
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HttpWorld } from '../support/http-world.ts';
import { ErrorEventSchema, GenerationEventSchema } from '../support/openai-shapes.ts';
import { PIXEL, resultOf, StubRouter } from '../support/stub-router.ts';

type Params = OpenAI.ImageGenerateParamsStreaming & { preview?: boolean; latency_budget_ms?: number };

async function collect(world: HttpWorld, params: Omit<Params, 'stream'>) {
  const stream = await world.client().images.generate({ stream: true, ...params } as Params);
  const seen = [];
  for await (const event of stream) seen.push(GenerationEventSchema.parse(event));
  return seen;
}

describe('a stream before the sandbox', () => {
  let world: HttpWorld;
  beforeAll(async () => {
    world = await HttpWorld.open();
  });
  afterEach(() => world.sandbox.clearFaults());
  afterAll(() => world.close());

  it('ends with one completed event, in the shape of OpenAI', async () => {
    const seen = await collect(world, { prompt: 'a red fox', model: 'gpt-image-2', quality: 'low' });
    expect(seen.map(({ type }) => type)).toEqual(['image_generation.completed']);
  });

  it('shows at most as many interim pictures as were asked for, counted from 0', async () => {
    const seen = await collect(world, { prompt: 'a red fox', model: 'gpt-image-2', quality: 'medium', partial_images: 1 });
    const partials = seen.filter((event) => event.type === 'image_generation.partial_image');
    expect(partials.map((event) => event.partial_image_index)).toEqual([0]);
    expect(seen.at(-1)?.type).toBe('image_generation.completed');
  });

  it('shows the preview first, as partial image 0, and the final as completed', async () => {
    const seen = await collect(world, { prompt: 'a red fox', model: 'gpt-image-2', quality: 'high', preview: true, partial_images: 1 });
    expect(seen[0]).toMatchObject({ type: 'image_generation.partial_image', partial_image_index: 0, image_router: { preview: true } });
    expect(seen.at(-1)).toMatchObject({ type: 'image_generation.completed', quality: 'high' });
    const indices = seen.flatMap((event) => (event.type === 'image_generation.partial_image' ? [event.partial_image_index] : []));
    expect(indices).toEqual(indices.map((_, index) => index));
  });

  it('completes every one of n pictures, and counts tokens once', async () => {
    const seen = await collect(world, { prompt: 'a red fox', model: 'gpt-image-2', quality: 'low', n: 2 });
    const completed = seen.filter((event) => event.type === 'image_generation.completed');
    expect(completed).toHaveLength(2);
    expect(completed.filter((event) => event.usage.total_tokens > 0)).toHaveLength(1);
  });

  it('that cannot begin is a plain HTTP error with its own status', async () => {
    const params = { prompt: 'a red fox', model: 'premium', latency_budget_ms: 5_000, on_late: 'fail', stream: true };
    const reply = await world.post('/v1/images/generations', params);
    expect(reply.status).toBe(422);
    expect(reply.headers.get('content-type')).toBe('application/json');
  });
});

describe('a stream before a router that is moved by hand', () => {
  let world: HttpWorld;
  let router: StubRouter;
  beforeAll(async () => {
    router = new StubRouter();
    world = await HttpWorld.open({ router, heartbeatMs: 20 });
  });
  afterAll(() => world.close());

  async function begin() {
    const before = router.calls.length;
    const reply = world.post('/v1/images/generations', { prompt: 'a red fox', stream: true, partial_images: 2, preview: true });
    await world.until(() => router.calls.length > before);
    const call = router.calls[before];
    if (call === undefined) throw new Error('no call');
    call.begin();
    return { call, reply: await reply };
  }

  it('is kept open by comments, which the client never shows', async () => {
    const { call, reply } = await begin();
    const reader = reply.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe(': keep-alive\n\n');
    call.deliver();
    await reader?.cancel();
  });

  it('that fails once it has begun ends with an error event, which the client throws', async () => {
    const before = router.calls.length;
    const stream = world.client().images.generate({ prompt: 'a red fox', stream: true });
    await world.until(() => router.calls.length > before);
    router.calls[before]?.begin();
    const events = await stream;
    router.calls[before]?.fail('refused');
    const error = await (async () => {
      for await (const _ of events);
    })().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ code: 'moderation_blocked', type: 'image_generation_user_error' });
  });

  it('writes the error event as OpenAI does', async () => {
    const { call, reply } = await begin();
    call.fail('providers_failed');
    const text = await reply.text();
    const data = /event: error\ndata: (.*)\n\n$/.exec(text)?.[1];
    expect(ErrorEventSchema.parse(JSON.parse(data ?? '')).error.code).toBe('providers_failed');
  });

  it('writes the payload as it came from the provider', async () => {
    const { call, reply } = await begin();
    await call.options.onPreview?.(resultOf('req_preview', [PIXEL]));
    call.deliver(PIXEL);
    const text = await reply.text();
    expect(text.split(PIXEL.toString('latin1'))).toHaveLength(3);
  });

  it('asks for no interim pictures of several images, which could not be told apart, and says so', async () => {
    const before = router.calls.length;
    const seen = collect(world, { prompt: 'a red fox', n: 2, partial_images: 1 });
    await world.until(() => router.calls.length > before);
    expect(router.calls[before]?.options.onPartial).toBeUndefined();
    router.calls[before]?.begin();
    router.calls[before]?.deliver(PIXEL, PIXEL);
    const detail = 'partial_images has no effect: they are shown of one image, and n is above 1';
    const told = { type: 'image_generation.completed', image_router: { warnings: [{ code: 'field-ignored', detail }] } };
    expect(await seen).toMatchObject([told, told]);
  });

  it('whose client leaves gives the render up and records what it may have cost', async () => {
    const { call, reply } = await begin();
    const settled = world.gatekeeper.settled.length;
    await reply.body?.cancel();
    await world.until(() => call.isAborted);
    await world.app.idle();
    expect(world.gatekeeper.settled.slice(settled)).toEqual([{ billed: 0, possiblyBilled: 5_900 }]);
  });
});
