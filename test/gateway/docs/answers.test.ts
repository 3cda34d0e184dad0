// Real answers, held to the schemas that are published of them: strict, so that a field nobody described is found here.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANSWER_SCHEMAS, type AnswerName } from '../../../src/gateway/docs/answer-schemas.ts';
import { HttpWorld } from '../support/http-world.ts';

let world: HttpWorld;
beforeAll(async () => {
  world = await HttpWorld.open({ jobs: 'made', aliases: { 'dall-e-3': 'preview' } });
});
afterAll(() => world.close());

const PATIENT = { size: '1024x1024', latency_budget_ms: 600_000 };
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

async function jsonOf(response: Promise<Response>): Promise<unknown> {
  return JSON.parse(await (await response).text());
}

/** The data of every event, in order. */
async function eventsOf(response: Promise<Response>): Promise<readonly unknown[]> {
  const text = await (await response).text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']): unknown => JSON.parse(data));
}

function hold(name: AnswerName, answer: unknown): void {
  expect(ANSWER_SCHEMAS[name].safeParse(answer).error?.issues ?? [], name).toEqual([]);
}

describe('answers are as they are described', () => {
  it('images and their trace', async () => {
    const answer = await jsonOf(world.post('/v1/images/generations', { ...PATIENT, prompt: 'two foxes', n: 2, moderation: 'low' }));
    hold('Images', answer);
    const { image_router: about } = ANSWER_SCHEMAS.Images.parse(answer);
    hold('Trace', await jsonOf(world.get(`/v1/traces/${about.id}`)));
  });

  it('events of a generation, with previews and interim pictures', async () => {
    const stream = { ...PATIENT, prompt: 'a fox', model: 'standard', stream: true };
    const asked = [{ preview: true }, { partial_images: 2 }];
    const events = await Promise.all(asked.map((more) => eventsOf(world.post('/v1/images/generations', { ...stream, ...more }))));
    for (const event of events.flat()) hold('GenerationEvent', event);
    expect(events.map((each) => each.length > 1)).toEqual([true, true]);
  });

  it('events of an edit', async () => {
    const body = { ...PATIENT, prompt: 'a fox', images: [{ image_url: `data:image/png;base64,${PIXEL}` }], stream: true };
    const events = await eventsOf(world.post('/v1/images/edits', body));
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) hold('EditEvent', event);
  });

  it('jobs, their lists and events, and images waited for', async () => {
    const accepted = await jsonOf(
      world.post('/v1/images/jobs', { prompt: 'two foxes', model: 'standard', n: 2, preview: true, moderation: 'low' }),
    );
    hold('Job', accepted);
    const { id } = ANSWER_SCHEMAS.Job.parse(accepted);
    const events = await eventsOf(world.get(`/v1/images/jobs/${id}/events`));
    expect(events.length).toBeGreaterThan(3);
    for (const event of events) hold('JobEvent', event);
    hold('Job', await jsonOf(world.get(`/v1/images/jobs/${id}`)));
    hold('Job', await jsonOf(world.post(`/v1/images/jobs/${id}/upgrade`, {})));
    hold('Job', await jsonOf(world.post(`/v1/images/jobs/${id}/cancel`, {})));
    hold('JobList', await jsonOf(world.get('/v1/images/jobs?limit=1')));
    const waited = world.post('/v1/images/generations', { prompt: 'a fox', model: 'preview' }, { prefer: 'respond-async, wait=60' });
    hold('Images', await jsonOf(waited));
  });

  it('batches, their lists and results, and deletions', async () => {
    const row = JSON.stringify({ prompt: 'a fox', model: 'preview', custom_id: 'a' });
    const sent = { method: 'POST', headers: { 'content-type': 'application/jsonl' }, body: row };
    const accepted = await jsonOf(fetch(`${world.url}/v1/images/batches?max_cost_usd=1`, sent));
    hold('Batch', accepted);
    const { id } = ANSWER_SCHEMAS.Batch.parse(accepted);
    await world.until(() => world.batches.kept.get(id)?.batch.endedAt !== undefined);
    hold('Batch', await jsonOf(world.get(`/v1/images/batches/${id}`)));
    hold('BatchList', await jsonOf(world.get('/v1/images/batches')));
    hold('BatchResult', await jsonOf(world.get(`/v1/images/batches/${id}/results`)));
    hold('Deletion', await jsonOf(fetch(`${world.url}/v1/data`, { method: 'DELETE' })));
    expect(world.jobs.kept.size + world.batches.kept.size).toBe(0);
  });

  it('explanations, of what can be done and of what cannot', async () => {
    for (const body of [PATIENT, { ...PATIENT, preview: true, model: 'standard' }, { latency_budget_ms: 500 }])
      hold('Explanation', await jsonOf(world.post('/v1/images/explain', { ...body, prompt: 'a sign that says "Open"' })));
  });

  it('lists, single entries and probes', async () => {
    hold('ModelList', await jsonOf(world.get('/v1/models')));
    hold('Model', await jsonOf(world.get('/v1/models/dall-e-3')));
    hold('RouteList', await jsonOf(world.get('/v1/routes')));
    hold('Liveness', await jsonOf(world.get('/livez')));
    hold('Readiness', await jsonOf(world.get('/readyz')));
  });

  it('errors: of the request, of the path, of the limits', async () => {
    hold('Error', await jsonOf(world.post('/v1/images/generations', { prompt: '', n: 99 })));
    hold('Error', await jsonOf(world.post('/v1/images/generations', { prompt: 'a fox', latency_budget_ms: 5 })));
    hold('Error', await jsonOf(world.get('/v1/nowhere')));
  });
});
