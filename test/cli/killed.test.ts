// Whole gateways and workers, killed without a word while they work: what was promised holds afterwards, and the books agree
// with the provider's.
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqliteStores } from '../../src/gateway/store/open-sqlite.ts';
import { systemClock } from '../../src/system/clock.ts';
import { describePostgres, freshDatabase } from '../support/postgres.ts';
import { openPlace, type Place } from './processes.ts';
import { run } from './terminal.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.close();
});
async function placeAt(drawing: number, databaseUrl?: string): Promise<Place> {
  const place = await openPlace(drawing, databaseUrl);
  places.push(place);
  return place;
}

const LOW = { model: 'gpt-image-2-low', size: '1024x1024', latency_budget_ms: 600_000 };
const headersOf = (more: Record<string, string> = {}) => ({ 'content-type': 'application/json', ...more });
const post = (url: string, body: object, more?: Record<string, string>): Promise<Response> =>
  fetch(url, { method: 'POST', headers: headersOf(more), body: JSON.stringify(body) });

describe('a gateway killed under load', () => {
  it('answers afterwards what it had answered, repeats nothing it had begun, and has every call in its books', async () => {
    const place = await placeAt(3);
    const data = join(place.folder, 'data');
    const made = await run(['keys', 'create', '--name', 'load', '--usd-per-day', '100', '--data', data, '--json']);
    const { key } = JSON.parse(made.out);
    const ask = async (url: string, index: number) => {
      const more = { authorization: `Bearer ${key}`, 'idempotency-key': `key-${index}` };
      const answer = await post(`${url}/v1/images/generations`, { ...LOW, prompt: `fox number ${index}` }, more);
      return { status: answer.status, replayed: answer.headers.get('idempotent-replayed'), body: await answer.text() };
    };
    const first = await place.gateway('--require-keys');
    const answered = new Map<number, string>();
    const enough = Promise.withResolvers<void>();
    const asking = Array.from({ length: 40 }, (_, index) =>
      ask(first.url, index).then(
        ({ status, body }) => {
          expect(status).toBe(200);
          answered.set(index, body);
          if (answered.size === 8) enough.resolve();
        },
        () => undefined,
      ),
    );
    await enough.promise;
    await first.kill();
    await Promise.all(asking);
    // Had been sent, and was cut off with the gateway.
    expect(answered.size).toBeLessThan(40);
    const callsBefore = place.sandbox.ledger().length;

    const second = await place.gateway('--require-keys');
    const again = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(second.url, index)));
    for (const [index, body] of answered) expect(again[index]).toEqual({ status: 200, replayed: 'true', body });
    const others = again.filter((_, index) => !answered.has(index));
    const cutOff = others.filter(({ status }) => status === 409);
    const afresh = others.filter(({ status, replayed }) => status === 200 && replayed === null);
    const unheard = others.filter(({ status, replayed }) => status === 200 && replayed === 'true');
    expect(cutOff.length + afresh.length + unheard.length).toBe(others.length);
    for (const { body } of cutOff) expect(JSON.parse(body).error.code).toBe('idempotency_interrupted');
    // Whoever had never been begun is begun now, and nobody else.
    expect(place.sandbox.ledger().length - callsBefore).toBe(afresh.length);
    expect(await second.end()).toBe(0);

    const { store } = openSqliteStores({ dataDir: data, clock: systemClock(), owner: 'auditor' });
    const [keyRow] = await store.listKeys();
    const [day] = (await store.spendOf(keyRow?.id ?? '')).filter(({ period }) => period.length === 10);
    await store.close();
    const billed = place.sandbox.ledger().reduce((sum, row) => sum + row.billed, 0);
    expect(day?.reserved).toBe(0);
    expect(day?.billed).toBeLessThanOrEqual(billed);
    expect((day?.billed ?? 0) + (day?.possiblyBilled ?? 0)).toBeGreaterThanOrEqual(billed);
  });
});

/** A gateway that takes jobs and is killed at once, before or while it makes them; a worker makes what it had promised. */
async function handOver(place: Place): Promise<void> {
  const gateway = await place.gateway();
  const ids: string[] = [];
  for (let index = 0; index < 12; index += 1) {
    const accepted = await post(`${gateway.url}/v1/images/jobs`, { ...LOW, prompt: `fox number ${index}` });
    expect(accepted.status).toBe(202);
    ids.push(JSON.parse(await accepted.text()).id);
  }
  await gateway.kill();
  const worker = await place.worker('--concurrency', '6');
  const looking = await place.gateway();
  const jobs = await Promise.all(
    ids.map(async (id) => {
      const events = await (await fetch(`${looking.url}/v1/images/jobs/${id}/events`)).text();
      const job = JSON.parse(await (await fetch(`${looking.url}/v1/images/jobs/${id}`)).text());
      return { events, ...job };
    }),
  );
  for (const { status, events, images } of jobs) {
    expect([status, events.match(/^event: job\.(completed|failed|cancelled|expired)$/gm)]).toEqual(['completed', ['event: job.completed']]);
    expect((await fetch(images[0].url)).status).toBe(200);
  }
  const rows = place.sandbox.ledger();
  const ledger = rows.reduce((sum, row) => sum + row.billed, 0) / 1_000_000;
  const told = (field: 'billed' | 'possibly_billed'): number => jobs.reduce((sum: number, job) => sum + job.cost_usd[field], 0);
  expect(told('billed')).toBeLessThanOrEqual(ledger + 1e-9);
  expect(told('billed') + told('possibly_billed')).toBeGreaterThanOrEqual(ledger - 1e-9);
  expect(await worker.end()).toBe(0);
  expect(await looking.end()).toBe(0);
}

describe('jobs taken by a gateway that is killed', () => {
  it('are made by a worker on the same folder, each once', async () => {
    await handOver(await placeAt(10));
  });
});

describePostgres('jobs taken on PostgreSQL by a gateway that is killed', () => {
  it('are made by a worker on the same database, each once', async () => {
    await handOver(await placeAt(10, await freshDatabase()));
  });
});
