import { afterEach, describe, expect, it, vi } from 'vitest';
import { StoreError } from '../../../../src/domain/store-error.ts';
import { NO_LIMITS } from '../../../../src/gateway/limits/no-limits.ts';
import { HttpWorld, type WorldOptions } from '../../support/http-world.ts';

let world: HttpWorld;
afterEach(() => world.close());
const open = async (options: WorldOptions = {}): Promise<void> => {
  world = await HttpWorld.open({ jobs: 'by-hand', ...options });
};

type Row = Readonly<Record<string, unknown>>;
const rowsOf = (count: number, more: Row = {}): readonly Row[] =>
  Array.from({ length: count }, (_, index) => ({ prompt: `fox ${index + 1}`, model: 'preview', custom_id: `fox-${index + 1}`, ...more }));
const linesOf = (rows: readonly unknown[]): string => rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n');

async function answered(response: Promise<Response>) {
  const answer = await response;
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}
const handIn = (rows: readonly unknown[], query = '', headers: Record<string, string> = {}) =>
  answered(
    fetch(`${world.url}/v1/images/batches${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/jsonl', ...headers },
      body: linesOf(rows),
    }),
  );
const look = (id: string) => answered(world.get(`/v1/images/batches/${id}`));
const ended = async (id: string): Promise<void> => world.until(() => world.batches.kept.get(id)?.batch.endedAt !== undefined);
const resultsOf = async (id: string) => {
  const text = await (await world.get(`/v1/images/batches/${id}/results`)).text();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
};

describe('a batch', () => {
  it('is accepted whole with 202, made, and gives its results in the order of its rows', async () => {
    await open({ jobs: 'made' });
    const { status, headers, body } = await handIn(rowsOf(12), '?concurrency=3');
    expect([status, body.object, body.rows, body.concurrency]).toEqual([202, 'image.batch', 12, 3]);
    expect(headers.get('location')).toBe(`/v1/images/batches/${body.id}`);
    await ended(body.id);
    expect((await look(body.id)).body).toMatchObject({ status: 'completed', counts: { completed: 12, queued: 0 }, progress: { share: 1 } });
    const results = await resultsOf(body.id);
    expect(results.map(({ row, custom_id, status: state }) => [row, custom_id, state])).toEqual(
      rowsOf(12).map(({ custom_id }, index) => [index + 1, custom_id, 'completed']),
    );
    const [{ images }] = results;
    expect((await fetch(images[0].url)).headers.get('content-type')).toBe('image/png');
    expect(world.sandbox.ledger()).toHaveLength(12);
    expect((await look(body.id)).body.cost_usd.billed).toBeGreaterThan(0);
  });

  it('never has more rows open than it allows', async () => {
    await open();
    const { body } = await handIn(rowsOf(7), '?concurrency=2');
    const openJobs = () => [...world.jobs.kept.values()].filter(({ job }) => job.state === 'queued');
    for (let done = 0; done < 7; done += 1) {
      await world.until(() => openJobs().length === Math.min(2, 7 - done));
      expect(world.jobs.kept.size).toBe(Math.min(7, done + 2));
      world.jobs.end(openJobs()[0]?.job.id ?? '', 'completed', {});
    }
    await ended(body.id);
  });

  it('one failed row fails no other, and says why', async () => {
    await open();
    const { body } = await handIn(rowsOf(3), '?concurrency=3');
    await world.until(() => world.jobs.kept.size === 3);
    const [first, second, third] = [...world.jobs.kept.keys()];
    world.jobs.end(second ?? '', 'failed', { error: { code: 'refused', message: 'no' } });
    expect(await resultsOf(body.id)).toMatchObject([{ row: 2, status: 'failed', error: { code: 'moderation_blocked' } }]);
    for (const id of [first, third]) world.jobs.end(id ?? '', 'completed', { images: [world.jobs.store(Buffer.from('picture'))] });
    await ended(body.id);
    expect((await look(body.id)).body.counts).toMatchObject({ completed: 2, failed: 1 });
    expect((await resultsOf(body.id)).map(({ row }) => row)).toEqual([1, 2, 3]);
  });

  it('reserves once the most all its rows may cost, and deals a smaller cap out to them', async () => {
    await open();
    await handIn(rowsOf(4));
    const [{ mostMicroUsd: worst } = { mostMicroUsd: 0 }] = world.gatekeeper.asks;
    const cap = (worst * 0.6) / 1_000_000;
    const { body } = await handIn(rowsOf(4), `?max_cost_usd=${cap}&concurrency=4`);
    const ask = world.gatekeeper.asks[1];
    expect(ask).toMatchObject({ requestId: body.id, images: 4, keptBy: 'job' });
    expect(ask?.mostMicroUsd).toBeLessThanOrEqual(cap * 1_000_000);
    const dealt = world.batches.kept.get(body.id)?.rows.map(({ maxCost }) => maxCost) ?? [];
    expect(dealt.reduce((sum, each) => sum + each, 0)).toBe(ask?.mostMicroUsd);
    const tooLittle = await handIn(rowsOf(4), '?max_cost_usd=0.0001');
    expect([tooLittle.status, tooLittle.body.error.code]).toEqual([422, 'price_cap_reached']);
  });

  it('takes lines of OpenAI’s batch files, and a form', async () => {
    await open();
    const line = { custom_id: 'a', method: 'POST', url: '/v1/images/generations', body: { prompt: 'a fox', model: 'preview' } };
    expect((await handIn([line])).status).toBe(202);
    const form = new FormData();
    form.append('file', new Blob([linesOf(rowsOf(2))], { type: 'application/jsonl' }), 'rows.jsonl');
    form.append('concurrency', '2');
    const { status, body } = await answered(fetch(`${world.url}/v1/images/batches`, { method: 'POST', body: form }));
    expect([status, body.rows, body.concurrency]).toEqual([202, 2, 2]);
  });

  it('tells a row’s mistakes as those of a single request are told, all of them, by the line of the file', async () => {
    await open();
    const { body } = await handIn([
      { prompt: 'fine', model: 'preview' },
      '{"prompt": x}',
      { prompt: 'x', n: 11, quality: 'hd' },
      { prompt: 'x', size: '1000x1000' },
      { prompt: 'x', sizee: '1024x1024' },
      { prompt: 'x', size: { width: 1 } },
      { prompt: 'x', model: 'previw' },
    ]);
    const { problems, message } = body.error;
    expect(problems).toMatchObject([
      { line: 2, field: 'the whole', rule: 'must be a JSON object: it goes wrong at column 12' },
      { line: 3, field: 'n', rule: 'must be at most 10', value: '11', remedy: expect.stringContaining('1 to 10 images') },
      { line: 3, field: 'quality', value: '"hd"', remedy: 'use one of low, medium, high' },
      { line: 4, field: 'size', rule: expect.stringContaining('multiples of 16'), value: '"1000x1000"', remedy: expect.any(String) },
      { line: 5, field: 'sizee', remedy: 'did you mean "size"?' },
      { line: 6, field: 'size', rule: 'must be a single value, not a list or an object' },
      { line: 7, field: 'model', remedy: 'did you mean "preview"?' },
    ]);
    expect(message).toBe('line 2, the whole: must be a JSON object: it goes wrong at column 12 (and 6 more)');
    const one = await handIn([{ prompt: 'x', n: 11 }]);
    expect(one.body.error.message).toBe('line 1, n: must be at most 10, got 11');
    expect((await handIn(Array.from({ length: 15 }, () => ({ prompt: 'x', n: 11, quality: 'hd' })))).body.error.problems).toHaveLength(20);
  });

  it('may begin with a byte order mark, as it is and as the file of a form', async () => {
    await open();
    const [first, ...others] = rowsOf(2).map((row) => JSON.stringify(row));
    const marked = [`\ufeff${first}`, ...others];
    expect((await handIn(marked)).body).toMatchObject({ rows: 2 });
    const form = new FormData();
    form.append('file', new Blob([linesOf(marked)], { type: 'application/jsonl' }), 'rows.jsonl');
    expect((await answered(fetch(`${world.url}/v1/images/batches`, { method: 'POST', body: form }))).body).toMatchObject({ rows: 2 });
    expect([...world.batches.kept.values()].map(({ rows }) => rows[0]?.customId)).toEqual(['fox-1', 'fox-1']);
    // Anywhere else it is a mistake.
    expect((await handIn([...others, `\ufeff${first}`])).body.error.problems).toMatchObject([{ line: 2, field: 'the whole' }]);
  });

  it('with a bad row is refused whole, each of the first twenty with its line, field and rule', async () => {
    await open();
    const { status, body } = await handIn([
      { prompt: 'fine', model: 'preview' },
      '{"prompt": ',
      { prompt: 'x', sizee: '1024x1024' },
      { prompt: '' },
      '',
      { prompt: 'x', model: 'premium' },
      { prompt: 'x', quality: 'high' },
      { prompt: 'x', model: 'gpt-image-2-high' },
      { prompt: 'x', images: [] },
      { prompt: 'x', custom_id: 'a' },
      { prompt: 'x', custom_id: 'a' },
      { prompt: 'x', stream: true },
      '[]',
    ]);
    expect([status, body.error.code]).toEqual([400, 'invalid_batch']);
    expect(body.error.problems.map(({ line, field }: { line: number; field: string }) => [line, field])).toEqual([
      [2, 'the whole'],
      [3, 'sizee'],
      [4, 'prompt'],
      [6, 'model'],
      [7, 'quality'],
      [8, 'model'],
      [9, 'images'],
      [11, 'custom_id'],
      [12, 'stream'],
      [13, 'the whole'],
    ]);
    expect(body.error.problems[3].rule).toContain('premium');
    expect((await handIn(Array.from({ length: 30 }, () => '{'))).body.error.problems).toHaveLength(20);
    expect(world.batches.kept.size).toBe(0);
    expect(world.gatekeeper.asks).toEqual([]);
  });

  it('of too many rows, of none, or with settings that cannot be is refused', async () => {
    await open();
    expect((await handIn(Array.from({ length: 10_001 }, () => '{}'))).body.error.message).toContain('10000');
    expect((await handIn([''])).status).toBe(400);
    for (const query of ['?concurrency=0', '?concurrency=1001', '?max_cost_usd=-1', '?max_cost=1'])
      expect((await handIn(rowsOf(1), query)).status, query).toBe(400);
    const plain = await answered(fetch(`${world.url}/v1/images/batches`, { method: 'POST', body: 'x' }));
    expect(plain.status).toBe(415);
    expect((await handIn(rowsOf(1), '', { 'content-encoding': 'gzip' })).body.error).toMatchObject({
      param: 'content-encoding',
      problems: [{ field: 'content-encoding' }],
    });
  });

  it('whose key may not use a model is refused by row', async () => {
    await open();
    world.gatekeeper.keys.set('key', { id: 'key', scopes: ['images'], limits: { ...NO_LIMITS, models: ['preview'] } });
    const { body } = await handIn([...rowsOf(1), { prompt: 'x', model: 'standard' }], '', { authorization: 'Bearer key' });
    expect(body.error.problems).toEqual([{ line: 2, field: 'model', rule: expect.stringContaining('standard') }]);
  });

  it('that the store does not take is 503, and gives its money back', async () => {
    await open();
    world.batches.trouble = new StoreError('full');
    const { status, headers } = await handIn(rowsOf(2));
    expect([status, Number(headers.get('retry-after')) > 0, world.gatekeeper.openLeases]).toEqual([503, true, 0]);
  });

  it('that is there though the store did not answer is accepted, and keeps its money', async () => {
    await open();
    const { accept } = world.batches;
    vi.spyOn(world.batches, 'accept').mockImplementationOnce(async (...args) => {
      await accept.apply(world.batches, args);
      throw new StoreError('no answer', { mayBeWritten: true });
    });
    const { status, body } = await handIn(rowsOf(2));
    expect([status, world.batches.kept.has(body.id), world.gatekeeper.openLeases]).toEqual([202, true, 1]);
    vi.spyOn(world.batches, 'accept').mockRejectedValueOnce(new StoreError('no answer', { mayBeWritten: true }));
    expect((await handIn(rowsOf(2))).status).toBe(503);
  });

  it('with the same Idempotency-Key is the same batch', async () => {
    await open();
    const once = { 'idempotency-key': 'file-1' };
    const [first, again] = [await handIn(rowsOf(2), '', once), await handIn(rowsOf(2), '', once)];
    expect(again.body.id).toBe(first.body.id);
    expect((await handIn(rowsOf(3), '', once)).status).toBe(422);
    expect(world.batches.kept.size).toBe(1);
  });

  it('is accepted under its Idempotency-Key when the gateway that had claimed it died before, and only once', async () => {
    await open();
    const name = `ans_${'7'.repeat(32)}`;
    world.idempotency.claim = async () => ({ kind: 'conflict', status: 409, code: 'idempotency_interrupted', message: 'cut off', name });
    const once = { 'idempotency-key': 'file-1' };
    const both = [await handIn(rowsOf(2), '', once), await handIn(rowsOf(2), '', once)];
    expect(both.map(({ status, body }) => [status, body.id])).toEqual(Array(2).fill([202, `batch_${'7'.repeat(32)}`]));
    expect(world.batches.kept.size).toBe(1);
  });

  it('that is cancelled begins no more rows, asks those that run to stop, and keeps what is done', async () => {
    await open();
    const { body } = await handIn(rowsOf(5), '?concurrency=2');
    await world.until(() => world.jobs.kept.size === 2);
    const [first, second] = [...world.jobs.kept.keys()];
    world.jobs.end(first ?? '', 'completed', { images: [world.jobs.store(Buffer.from('picture'))] });
    world.jobs.start(second ?? '');
    expect((await answered(world.post(`/v1/images/batches/${body.id}/cancel`, {}))).body.status).toBe('cancelling');
    await world.until(() => world.jobs.kept.get(second ?? '')?.job.isCancelAsked === true);
    world.jobs.end(second ?? '', 'cancelled', {});
    for (const { job } of [...world.jobs.kept.values()]) if (job.state === 'queued') await world.jobs.cancel(job.principal, job.id);
    await ended(body.id);
    expect((await look(body.id)).body).toMatchObject({ status: 'cancelled', counts: { completed: 1, cancelled: 4, queued: 0 } });
    expect((await resultsOf(body.id)).map(({ status }) => status)).toEqual([
      'completed',
      'cancelled',
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
  });

  it('of another key is unknown, and lists hold one’s own, newest first, page by page', async () => {
    await open();
    for (const id of ['ann', 'bob']) world.gatekeeper.keys.set(id, { id, scopes: ['images'], limits: NO_LIMITS });
    const ann = { authorization: 'Bearer ann' };
    const ids = [];
    for (let count = 0; count < 3; count += 1) ids.push((await handIn(rowsOf(1), '', ann)).body.id);
    const bob = { authorization: 'Bearer bob' };
    for (const path of ['', '/results']) expect((await world.get(`/v1/images/batches/${ids[0]}${path}`, bob)).status).toBe(404);
    expect((await world.post(`/v1/images/batches/${ids[0]}/cancel`, {}, bob)).status).toBe(404);
    const page = (await answered(world.get('/v1/images/batches?limit=2', ann))).body;
    const rest = (await answered(world.get(`/v1/images/batches?limit=2&after=${page.next}`, ann))).body;
    expect([...page.data, ...rest.data].map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort());
    expect((await answered(world.get('/v1/images/batches', bob))).body.data).toEqual([]);
  });
});
