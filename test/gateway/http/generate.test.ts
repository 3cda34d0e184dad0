// The contract with programs that know only OpenAI: its own client, unchanged, against the gateway; every reply is held to
// OpenAI's shapes.
import OpenAI from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HttpWorld } from '../support/http-world.ts';
import { ErrorSchema, ImagesResponseSchema, ModelListSchema, ModelSchema } from '../support/openai-shapes.ts';

let world: HttpWorld;
beforeAll(async () => {
  world = await HttpWorld.open({ aliases: { 'gpt-image-1': 'standard' } });
});
afterAll(() => world.close());

describe('a generation through the official client', () => {
  it('answers in the shape of OpenAI, with a picture of the pixels it names', async () => {
    const reply = await world.client().images.generate({ prompt: 'a red fox in the snow', model: 'gpt-image-2', quality: 'low' });
    const parsed = ImagesResponseSchema.parse(reply);
    const { width, height, format } = await sharp(Buffer.from(parsed.data[0]?.b64_json ?? '', 'base64')).metadata();
    expect(`${width}x${height}`).toBe(parsed.size);
    expect(format).toBe(parsed.output_format);
    expect(parsed.usage?.total_tokens).toBeGreaterThan(0);
    expect(parsed.image_router.route).toBe('gpt-image-2-low');
  });

  it('says in headers what the body says', async () => {
    const { data, response } = await world.client().images.generate({ prompt: 'a red fox', model: 'preview' }).withResponse();
    const about = ImagesResponseSchema.parse(data).image_router;
    expect(response.headers.get('x-image-router-route')).toBe(about.route);
    expect(response.headers.get('x-image-router-tier')).toBe('preview');
    expect(response.headers.get('x-image-router-trace-id')).toBe(about.id);
    expect(response.headers.get('x-image-router-cost-usd')).toBe(String(about.cost_usd.billed));
    expect(response.headers.get('x-image-router-deadline-left-ms')).toBe(String(about.deadline_left_ms));
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
  });

  it('delivers n pictures, each whole', async () => {
    const reply = await world.client().images.generate({ prompt: 'a red fox', model: 'preview', n: 3, output_format: 'jpeg' });
    const parsed = ImagesResponseSchema.parse(reply);
    expect(parsed.data).toHaveLength(3);
    for (const { b64_json } of parsed.data) {
      const { format } = await sharp(Buffer.from(b64_json, 'base64'))
        .stats()
        .then(() => sharp(Buffer.from(b64_json, 'base64')).metadata());
      expect(format).toBe('jpeg');
    }
  });

  it.each([
    ['auto', undefined],
    ['premium', 'premium'],
    ['gpt-image-2-medium', 'standard'],
    ['gpt-image-2', undefined],
    ['gpt-image-1', 'standard'],
  ])('takes the model name %s', async (model, tier) => {
    const reply = ImagesResponseSchema.parse(await world.client().images.generate({ prompt: 'a red fox', model }));
    if (tier !== undefined) expect(reply.image_router.tier).toBe(tier);
  });

  it('reads numbers and switches that came as text, and takes null and "auto" for nothing', async () => {
    const body = {
      prompt: 'a red fox',
      model: 'preview',
      n: '2',
      size: 'auto',
      quality: 'auto',
      background: 'auto',
      user: null,
      stream: 'false',
    };
    const reply = ImagesResponseSchema.parse(await (await world.post('/v1/images/generations', body)).json());
    expect(reply.data).toHaveLength(2);
  });

  it('takes its own fields from headers, and prefers the body', async () => {
    const headers = { 'x-latency-budget-ms': '50000', 'x-policy': 'no-such-policy' };
    const reply = await world.post('/v1/images/generations', { prompt: 'a red fox', policy: 'default' }, headers);
    const { image_router: about } = ImagesResponseSchema.parse(await reply.json());
    expect(Math.round((about.deadline_left_ms + about.elapsed_ms) / 10) * 10).toBe(50_000);
  });

  it('says what it ignored', async () => {
    const reply = await world.client().images.generate({ prompt: 'a red fox', model: 'preview', moderation: 'low' });
    const { warnings } = ImagesResponseSchema.parse(reply).image_router;
    expect(warnings).toContainEqual({ code: 'field-ignored', detail: expect.stringContaining('moderation') });
  });

  it('settles what each request cost, and keeps its trace', async () => {
    const before = world.gatekeeper.settled.length;
    const reply = ImagesResponseSchema.parse(await world.client().images.generate({ prompt: 'a red fox', model: 'preview' }));
    await world.app.idle();
    expect(world.gatekeeper.settled.slice(before)).toEqual([
      { billed: Math.round(reply.image_router.cost_usd.billed * 1e6), possiblyBilled: 0 },
    ]);
    expect(world.gatekeeper.openLeases).toBe(0);
    const trace = await world.get(`/v1/traces/${reply.image_router.id}`);
    expect(await trace.json()).toMatchObject({
      object: 'trace',
      id: reply.image_router.id,
      events: expect.arrayContaining([expect.objectContaining({ kind: 'attempt-end' })]),
    });
  });

  it('forwards an end user only as a hash that differs between keys', async () => {
    await world.client().images.generate({ prompt: 'a red fox', model: 'preview', user: 'alice@example.com' });
    expect(JSON.stringify(world.told)).not.toContain('alice');
  });
});

describe('models', () => {
  it('are listed as OpenAI lists them: auto, tiers, routes, models and aliases', async () => {
    const list = await world.client().models.list();
    const { data } = ModelListSchema.parse({ object: list.object, data: list.data });
    const ids = data.map(({ id }) => id);
    for (const id of ['auto', 'preview', 'standard', 'premium', 'gpt-image-2-low', 'gpt-image-2', 'gpt-image-1']) expect(ids).toContain(id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('can be looked at one by one', async () => {
    const model = ModelSchema.parse(await world.client().models.retrieve('gpt-image-2-high'));
    expect(model).toMatchObject({ id: 'gpt-image-2-high', owned_by: 'openai', image_router: { kind: 'route' } });
  });

  it("that do not exist are the client's NotFoundError, naming the near miss", async () => {
    const error = await world
      .client()
      .images.generate({ prompt: 'a red fox', model: 'gpt-imag-2' })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model', error: { remedy: 'did you mean "gpt-image-2"?' } });
    await expect(world.client().models.retrieve('dall-e-3')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

const ExplanationSchema = z.looseObject({
  feasible: z.boolean(),
  attempts: z.array(z.unknown()).optional(),
  offers: z.array(z.looseObject({ change: z.string() })).optional(),
});
const RoutesSchema = z.looseObject({
  data: z.array(
    z.looseObject({
      route: z.string(),
      latency_ms: z.strictObject({ p50: z.number(), p95: z.number() }),
      price_usd: z.strictObject({ expected: z.number(), ceiling: z.number() }),
    }),
  ),
});

describe('what can be looked at', () => {
  it('explains a request without sending anything', async () => {
    const before = world.sandbox.ledger().length;
    const reply = await world.post('/v1/images/explain', { prompt: 'a poster that says "SALE TODAY"', latency_budget_ms: 60_000 });
    const explained = ExplanationSchema.parse(await reply.json());
    expect(explained).toMatchObject({
      object: 'image.explanation',
      feasible: true,
      need: { text_accuracy: 'some', latency_budget_ms: 60_000 },
    });
    expect(explained.attempts?.length).toBeGreaterThan(0);
    expect(world.sandbox.ledger()).toHaveLength(before);
  });

  it('explains what is not feasible, with what would be', async () => {
    const reply = await world.post('/v1/images/explain', {
      prompt: 'a red fox',
      model: 'premium',
      latency_budget_ms: 5_000,
      on_late: 'fail',
    });
    const explained = ExplanationSchema.parse(await reply.json());
    expect(explained).toMatchObject({ feasible: false, binding: 'deadline' });
    expect(explained.offers?.map(({ change }) => change)).toContain('latency_budget_ms');
  });

  it('lists routes with breaker, latency and price', async () => {
    const { data } = RoutesSchema.parse(await (await world.get('/v1/routes')).json());
    const row = data.find(({ route }) => route === 'gpt-image-2-low');
    expect(row).toMatchObject({ object: 'route', id: 'gpt-image-2-low@openai', breaker: { state: 'closed', reason: null }, waiting: 0 });
    expect(row?.latency_ms.p95).toBeGreaterThan(row?.latency_ms.p50 ?? Infinity);
    expect(row?.price_usd.expected).toBeGreaterThan(0);
  });

  it('answers a trace that is not there with 404', async () => {
    const reply = await world.get('/v1/traces/req_nothing');
    expect(reply.status).toBe(404);
    expect(ErrorSchema.parse(await reply.json()).error.code).toBe('trace_not_found');
  });
});
