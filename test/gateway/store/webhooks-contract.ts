// What every store of webhooks owes, as one suite: run it over each implementation. Two handles on one store are two
// processes; `tell` is the transaction of a job's change, with what `queueDeliveries` does in it.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Job, JobEvent, JobEventKind } from '../../../src/domain/job.ts';
import type { Delivery, DeliveryTry, WebhookEndpoint, WebhookStore } from '../../../src/jobs/webhook-store.ts';
import { MOST_TRIES_KEPT, WEBHOOK_EVENTS } from '../../../src/jobs/webhook-store.ts';
import { testDelivery } from '../../../src/jobs/webhooks/delivery.ts';
import { aJob } from '../../jobs/support/a-job.ts';
import { lawsOf } from '../../support/laws.ts';

type Stores = { readonly one: WebhookStore; readonly other: WebhookStore; tell(job: Job, event: JobEvent): Promise<void> };
export type OpenWebhookStores = () => Promise<Stores & { close(): Promise<void> }>;

const NOON = 1_795_608_000_000;
const LEASE_MS = 60_000;
const all = { most: 100, perEndpoint: 100, at: NOON, leaseMs: LEASE_MS };

function endpoint(id: string, changes: Partial<WebhookEndpoint> = {}): WebhookEndpoint {
  const secrets = [{ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', validUntil: undefined }];
  const fixed = { id, principal: 'key', url: `https://${id}.example/hook`, events: WEBHOOK_EVENTS, secrets };
  return { ...fixed, createdAt: NOON, disabled: undefined, ...changes };
}

function happens(kind: JobEventKind, at = NOON, seq = 3): JobEvent {
  return { seq, at, kind, data: {} };
}

const failed: DeliveryTry = { at: NOON, status: 503, failure: 'status 503', tookMs: 12 };
const idsOf = (due: readonly { readonly delivery: Delivery }[]): readonly string[] => due.map(({ delivery }) => delivery.id);

export function webhookStoreContract(open: OpenWebhookStores): void {
  const law = lawsOf(open);

  law('an endpoint is found as it was made, by its owner alone', async ({ one, other }) => {
    const made = [endpoint('a'), endpoint('b', { createdAt: NOON + 1, events: ['job.failed'], disabled: { at: NOON, reason: 'r' } })];
    for (const each of made) expect(await one.addEndpoint(each, 5)).toBe(true);
    expect(await other.endpoints('key')).toEqual(made);
    expect(await other.endpoint('key', 'b')).toEqual(made[1]);
    expect(await other.endpoint("key' OR '1'='1", 'b')).toBeUndefined();
    expect(await other.endpoints('another')).toEqual([]);
    expect([await other.removeEndpoint('another', 'a'), await other.changeEndpoint('another', 'a', (it) => it)]).toEqual([
      false,
      undefined,
    ]);
  });

  law('no principal has more endpoints than it may, whoever adds them at once', async ({ one, other }) => {
    const added = await Promise.all(['a', 'b', 'c', 'd'].map((id, index) => (index % 2 === 0 ? one : other).addEndpoint(endpoint(id), 3)));
    expect(added.filter((isAdded) => isAdded)).toHaveLength(3);
    expect(await one.addEndpoint(endpoint('e', { principal: 'another' }), 3)).toBe(true);
  });

  law('two who change an endpoint at once both have their way', async ({ one, other }) => {
    await one.addEndpoint(endpoint('a'), 5);
    await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        (index % 2 === 0 ? one : other).changeEndpoint('key', 'a', (now) => ({
          ...now,
          url: `${now.url}/${index}`,
          secrets: [{ secret: `s${index}`, validUntil: undefined }, ...now.secrets.map((old) => ({ ...old, validUntil: NOON + index }))],
        })),
      ),
    );
    const changed = await one.endpoint('key', 'a');
    expect(changed?.secrets).toHaveLength(7);
    expect(new Set(changed?.url.split('/').slice(-6))).toEqual(new Set(['0', '1', '2', '3', '4', '5']));
  });

  law('each event is queued for whoever of its job’s owner listens to it, once', async ({ one, other, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    await one.addEndpoint(endpoint('b', { events: ['job.failed'] }), 5);
    await one.addEndpoint(endpoint('c', { principal: 'another' }), 5);
    await one.addEndpoint(endpoint('d', { disabled: { at: NOON, reason: 'its owner said so' } }), 5);
    const job = aJob({ principal: 'key', state: 'completed' });
    for (let time = 0; time < 2; time += 1) await tell(job, happens('job.completed'));
    await tell(job, happens('attempt.end', NOON, 4));
    const due = await other.due('s', all);
    expect(due).toMatchObject([
      { delivery: { endpoint: 'a', job: job.id, event: 'job.completed', state: 'waiting', tries: [] }, endpoint: endpoint('a') },
    ]);
    expect(JSON.parse(due[0]?.delivery.body ?? '')).toMatchObject({ type: 'job.completed', data: { id: job.id, status: 'completed' } });
  });

  law('a job that expired is told of as one that failed', async ({ one, tell }) => {
    await one.addEndpoint(endpoint('a', { events: ['job.failed'] }), 5);
    await tell(aJob({ principal: 'key', state: 'expired' }), happens('job.expired'));
    const [due] = await one.due('s', all);
    expect(JSON.parse(due?.delivery.body ?? '')).toMatchObject({ type: 'job.failed', data: { status: 'expired' } });
  });

  law('of two senders that ask at once each delivery goes to one', async ({ one, other, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    for (let seq = 0; seq < 20; seq += 1) await tell(aJob({ principal: 'key' }), happens('job.failed', NOON, seq));
    const halves = await Promise.all([one.due('s', { ...all, most: 15 }), other.due('t', { ...all, most: 15 })]);
    const ids = halves.flatMap(idsOf);
    expect([ids.length, new Set(ids).size]).toEqual([20, 20]);
  });

  law('what a dead sender took is due again when its lease ends, and not before', async ({ one, other, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    await tell(aJob({ principal: 'key' }), happens('job.failed'));
    const taken = idsOf(await one.due('dead', all));
    expect(await other.due('s', { ...all, at: NOON + LEASE_MS - 1 })).toEqual([]);
    expect(idsOf(await other.due('s', { ...all, perEndpoint: 1, at: NOON + LEASE_MS }))).toEqual(taken);
    // It was only slow; what it says now changes nothing.
    await one.tried('dead', taken[0] ?? '', failed, 'given-up');
    expect(await one.deliveries('key', 'a', undefined, 5)).toMatchObject([{ state: 'waiting', tries: [] }]);
  });

  law('one endpoint’s deliveries never take more places than it may have, however many wait', async ({ one, other, tell }) => {
    for (const id of ['slow', 'quick']) await one.addEndpoint(endpoint(id, { principal: id }), 5);
    for (let seq = 0; seq < 10; seq += 1) await tell(aJob({ principal: 'slow' }), happens('job.failed', NOON - 100, seq));
    await tell(aJob({ principal: 'quick' }), happens('job.failed'));
    const few = { ...all, most: 5, perEndpoint: 2 };
    expect((await one.due('s', few)).map(({ endpoint: { id } }) => id)).toEqual(['slow', 'slow', 'quick']);
    expect(await other.due('t', few)).toEqual([]);
    await tell(aJob({ principal: 'quick' }), happens('job.failed', NOON, 4));
    expect((await other.due('t', few)).map(({ endpoint: { id } }) => id)).toEqual(['quick']);
  });

  law('of one principal no more is given than leaves it within its share of the sender', async ({ one, tell }) => {
    for (const [id, principal] of [
      ['a', 'key'],
      ['b', 'key'],
      ['c', 'another'],
    ] as const)
      await one.addEndpoint(endpoint(id, { principal }), 5);
    for (let seq = 0; seq < 3; seq += 1) await tell(aJob({ principal: 'key' }), happens('job.failed', NOON - 9 + seq, seq));
    await tell(aJob({ principal: 'another' }), happens('job.failed'));
    const give = async (held: readonly (readonly [string, number])[]): Promise<readonly string[]> =>
      (await one.due('s', { ...all, share: { most: 4, held: new Map(held) } })).map(({ endpoint: { principal } }) => principal);
    expect(
      await give([
        ['key', 4],
        ['another', 5],
      ]),
    ).toEqual([]);
    expect(await give([['key', 3]])).toEqual(['key', 'another']);
    expect(await give([])).toEqual(['key', 'key', 'key', 'key']);
    expect(await give([])).toEqual(['key']);
  });

  law('one endpoint that is hundreds of deliveries behind hides no other', async ({ one, tell }) => {
    for (const id of ['a', 'behind', 'z', 'later']) await one.addEndpoint(endpoint(id, { principal: id }), 5);
    await Promise.all(
      Array.from({ length: 400 }, (_, seq) => tell(aJob({ principal: 'behind' }), happens('job.failed', NOON - 1_000 + seq, seq))),
    );
    for (const principal of ['a', 'z']) await tell(aJob({ principal }), happens('job.failed'));
    await tell(aJob({ principal: 'later' }), happens('job.failed', NOON + 1));
    const due = await one.due('s', { ...all, most: 10, perEndpoint: 2 });
    expect(due.map(({ endpoint: { id } }) => id).sort()).toEqual(['a', 'behind', 'behind', 'z']);
  });

  law('a delivery is tried again when it is said to be, until it is delivered or given up', async ({ one, other, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    await tell(aJob({ principal: 'key' }), happens('job.failed'));
    const [id = ''] = idsOf(await one.due('s', all));
    await one.tried('s', id, failed, { nextTryAt: NOON + 5_000 });
    expect(await other.due('s', { ...all, at: NOON + 4_999 })).toEqual([]);
    const [again] = await other.due('s', { ...all, at: NOON + 5_000 });
    expect(again?.delivery).toMatchObject({ id, tries: [failed] });
    const last = { at: NOON + 5_000, status: undefined, failure: 'timed out', tookMs: 20_000 };
    await other.tried('s', id, last, 'given-up');
    expect(await one.due('s', { ...all, at: NOON + 1e9 })).toEqual([]);
    expect(await one.deliveries('key', 'a', undefined, 5)).toMatchObject([
      { id, state: 'given-up', nextTryAt: undefined, tries: [failed, last] },
    ]);
    expect(await one.deliveries('another', 'a', undefined, 5)).toEqual([]);
  });

  law('a delivery sent again keeps its id and its record, and only its owner can ask for it', async ({ one, other, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    await tell(aJob({ principal: 'key' }), happens('job.failed'));
    const [id = ''] = idsOf(await one.due('s', all));
    await one.tried('s', id, failed, 'delivered');
    expect([await other.redeliver('another', id, NOON), await other.redeliver('key', 'nothing', NOON)]).toEqual([undefined, undefined]);
    expect(await other.redeliver('key', id, NOON + 9)).toBe('queued');
    expect(await one.due('s', { ...all, at: NOON + 9 })).toMatchObject([{ delivery: { id, tries: [failed] } }]);
    // Asked for again while it is being sent: what becomes of that try takes nothing away.
    expect(await other.redeliver('key', id, NOON + 10)).toBe('queued');
    await one.tried('s', id, failed, 'delivered');
    expect(idsOf(await one.due('s', { ...all, at: NOON + 10 }))).toEqual([id]);
    await one.changeEndpoint('key', 'a', (now) => ({ ...now, disabled: { at: NOON, reason: 'r' } }));
    expect(await other.redeliver('key', id, NOON)).toBe('endpoint-disabled');
  });

  law(
    'a delivery asked for again while it is being sent is sent once more afterwards, never twice at once',
    async ({ one, other, tell }) => {
      await one.addEndpoint(endpoint('a'), 5);
      await tell(aJob({ principal: 'key' }), happens('job.failed'));
      const [id = ''] = idsOf(await one.due('s', all));
      for (const later of [1, 2]) expect(await other.redeliver('key', id, NOON + later)).toBe('queued');
      expect(await other.due('t', { ...all, at: NOON + LEASE_MS - 1 })).toEqual([]);
      await one.tried('s', id, failed, 'given-up');
      expect(await other.due('t', { ...all, at: NOON + 2 })).toMatchObject([{ delivery: { id, tries: [failed] } }]);
      // Once: that it was asked for is not remembered beyond the try that answers it.
      await other.tried('t', id, failed, 'delivered');
      expect(await one.due('s', { ...all, at: NOON + 1e9 })).toEqual([]);
      // Nor does it wait for a sender that died.
      await one.redeliver('key', id, NOON);
      await one.due('dead', all);
      await other.redeliver('key', id, NOON + LEASE_MS);
      expect(idsOf(await other.due('t', { ...all, at: NOON + LEASE_MS }))).toEqual([id]);
      await other.tried('t', id, failed, 'delivered');
      expect(await one.due('s', { ...all, at: NOON + 1e9 })).toEqual([]);
    },
  );

  law('an endpoint that hangs keeps to its places, whatever its owner does meanwhile', async ({ one, other, tell }) => {
    await one.addEndpoint(endpoint('slow'), 5);
    for (let seq = 0; seq < 3; seq += 1) await tell(aJob({ principal: 'key' }), happens('job.failed', NOON - 9 + seq, seq));
    const few = { ...all, perEndpoint: 2 };
    const held = idsOf(await one.due('s', few));
    expect(held).toHaveLength(2);
    const nobodyGetsMore = async (): Promise<void> => expect(await other.due('t', { ...few, at: NOON + 1 })).toEqual([]);
    for (const id of held) await other.redeliver('key', id, NOON);
    await nobodyGetsMore();
    for (const disabled of [{ at: NOON, reason: 'its owner said so' }, undefined])
      await other.changeEndpoint('key', 'slow', (now) => ({ ...now, url: `${now.url}/new`, disabled }));
    for (const { id } of await one.deliveries('key', 'slow', undefined, 9)) await other.redeliver('key', id, NOON);
    await tell(aJob({ principal: 'key' }), happens('job.failed', NOON, 9));
    await nobodyGetsMore();
    await one.tried('s', held[0] ?? '', failed, 'delivered');
    expect(await other.due('t', { ...few, at: NOON + 1 })).toHaveLength(1);
    // Those who hold the rest are gone when their lease has ended.
    expect(await other.due('t', { ...few, at: NOON + LEASE_MS })).toHaveLength(1);
  });

  law('the record of a delivery does not grow without end', async ({ one }) => {
    await one.addEndpoint(endpoint('a'), 5);
    const test = testDelivery(endpoint('a'), NOON);
    for (let time = 0; time < 2; time += 1) await one.addDelivery(test);
    for (let turn = 0; turn < MOST_TRIES_KEPT + 3; turn += 1) {
      const at = NOON + turn * LEASE_MS;
      await one.due('s', { ...all, at });
      await one.tried('s', test.id, { ...failed, at }, { nextTryAt: at });
    }
    const [kept, ...others] = await one.deliveries('key', 'a', undefined, 5);
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ job: undefined, event: 'webhook.test' });
    expect([kept?.tries.length, kept?.tries.at(-1)?.at]).toEqual([MOST_TRIES_KEPT, NOON + (MOST_TRIES_KEPT + 2) * LEASE_MS]);
  });

  law('what waits for an endpoint that is disabled is given up, also what is being sent', async ({ one, other, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    for (const seq of [1, 2]) await tell(aJob({ principal: 'key' }), happens('job.failed', NOON + seq, seq));
    const [id = ''] = idsOf(await one.due('s', { ...all, at: NOON + 1 }));
    const reason = 'the receiver answered 410';
    await other.changeEndpoint('key', 'a', (now) => ({ ...now, disabled: { at: NOON, reason } }));
    await one.tried('s', id, failed, { nextTryAt: NOON });
    expect((await one.deliveries('key', 'a', undefined, 5)).map(({ state, nextTryAt }) => [state, nextTryAt])).toEqual([
      ['given-up', undefined],
      ['given-up', undefined],
    ]);
    expect(await one.endpoint('key', 'a')).toMatchObject({ disabled: { at: NOON, reason } });
    await tell(aJob({ principal: 'key' }), happens('job.failed', NOON, 9));
    expect(await one.due('s', { ...all, at: NOON + 1e9 })).toEqual([]);
  });

  law('pages of deliveries, put together, are all of them, newest first', async ({ one, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    const times = fc.sample(fc.integer({ min: 0, max: 4 }), { numRuns: 13, seed: 7 });
    for (const [seq, time] of times.entries()) await tell(aJob({ principal: 'key' }), happens('job.failed', NOON + time, seq));
    const seen: Delivery[] = [];
    for (
      let page = await one.deliveries('key', 'a', undefined, 4);
      page.length > 0;
      page = await one.deliveries('key', 'a', seen.at(-1)?.id, 4)
    )
      seen.push(...page);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(13);
    expect(seen.map(({ createdAt }) => createdAt - NOON)).toEqual([...times].sort((a, b) => b - a));
    expect(await one.deliveries('key', 'a', 'nothing', 4)).toEqual([]);
  });

  law('a page after somebody else’s delivery, or another endpoint’s, is as empty as after one that never was', async ({ one, tell }) => {
    for (const id of ['a', 'b']) await one.addEndpoint(endpoint(id), 5);
    await one.addEndpoint(endpoint('c', { principal: 'another' }), 5);
    await tell(aJob({ principal: 'key' }), happens('job.failed', NOON, 1));
    await tell(aJob({ principal: 'another' }), happens('job.failed', NOON + 1, 2));
    const [theirs] = await one.deliveries('another', 'c', undefined, 1);
    const [beside] = await one.deliveries('key', 'b', undefined, 1);
    for (const after of [theirs?.id, beside?.id]) {
      expect(after).toBeDefined();
      expect(await one.deliveries('key', 'a', after, 4)).toEqual([]);
    }
  });

  law('old deliveries are forgotten a few at a time, those that wait are not', async ({ one, tell }) => {
    await one.addEndpoint(endpoint('a'), 5);
    for (const seq of [1, 2, 3, 4]) await tell(aJob({ principal: 'key' }), happens('job.failed', NOON + seq, seq));
    for (const id of idsOf(await one.due('s', { ...all, at: NOON + 3 }))) await one.tried('s', id, failed, 'delivered');
    expect([await one.sweepDeliveries(NOON + 3, 1), await one.sweepDeliveries(NOON + 3, 10)]).toEqual([1, 1]);
    expect(await one.sweepDeliveries(NOON + 1e9, 10)).toBe(1);
    expect(await one.deliveries('key', 'a', undefined, 9)).toMatchObject([{ state: 'waiting' }]);
  });

  law('an endpoint that is removed takes its deliveries along, and a principal its endpoints', async ({ one, other, tell }) => {
    for (const id of ['a', 'b', 'c']) await one.addEndpoint(endpoint(id, id === 'c' ? { principal: 'another' } : {}), 5);
    for (const principal of ['key', 'another']) await tell(aJob({ principal }), happens('job.failed'));
    expect(await other.removeEndpoint('key', 'a')).toBe(true);
    expect((await one.due('s', all)).map(({ endpoint: { id } }) => id).sort()).toEqual(['b', 'c']);
    await other.forget('key');
    expect(await one.endpoints('key')).toEqual([]);
    expect(await one.deliveries('key', 'b', undefined, 5)).toEqual([]);
    expect(await one.endpoints('another')).toHaveLength(1);
  });
}
