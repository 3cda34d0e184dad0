import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cost } from '../../src/domain/result.ts';
import type { Ask, KeyLimits, Principal } from '../../src/gateway/ports.ts';
import { openState, type State } from '../../src/gateway/state.ts';
import { NO_LIMITS } from '../../src/gateway/store/sqlite-store.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemIds } from '../../src/system/ids.ts';

const open: { state: State; dataDir: string }[] = [];
afterEach(async () => {
  for (const { state, dataDir } of open.splice(0)) {
    await state.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});

async function stateIn(requireKeys: boolean, dataDir?: string): Promise<State & { readonly dataDir: string }> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'image-router-state-')));
  const times = { traceTtlMs: 3_600_000, idempotencyTtlMs: 86_400_000 };
  const state = await openState({ dataDir: folder, clock: systemClock(1), ids: systemIds(), requireKeys, ...times });
  open.push({ state, dataDir: folder });
  return { ...state, dataDir: folder };
}

const ask = (requestId: string, changes: Partial<Ask> = {}): Ask => ({
  requestId,
  images: 1,
  mostMicroUsd: 6_000,
  policy: undefined,
  model: 'auto',
  ...changes,
});
const bearer = (token: string): Headers => new Headers({ authorization: `Bearer ${token}` });
const cost = (billed: number): Cost => ({ billed: billed as Cost['billed'], possiblyBilled: 0 as Cost['possiblyBilled'] });

async function keyed(state: State, limits: Partial<KeyLimits> = {}, scopes: Principal['scopes'] = ['images']) {
  const { token, key } = await state.keys.create({ name: 'test', scopes, limits: { ...NO_LIMITS, ...limits } });
  const principal = await state.gatekeeper.authenticate(bearer(token));
  if ('status' in principal) throw new Error(principal.message);
  return { token, key, principal };
}

describe('a key', () => {
  it('is known by its whole secret and by nothing less', async () => {
    const state = await stateIn(true);
    const { token, key } = await keyed(state);
    expect(token).toMatch(/^ir_[0-9a-f]{16}_[\w-]{43}$/);
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    for (const text of [wrong, token.slice(0, -1), `ir_${key.id}_`, 'sk-something', '']) {
      expect(await state.gatekeeper.authenticate(bearer(text))).toMatchObject({ status: 401, code: 'invalid_api_key' });
    }
    expect(await state.gatekeeper.authenticate(new Headers({ 'x-api-key': token }))).toMatchObject({ id: key.id });
  });

  it('stands nowhere on disk as it is', async () => {
    const state = await stateIn(true);
    const { token } = await keyed(state);
    const secret = token.slice(-43);
    for (const name of ['gateway.sqlite', 'gateway.sqlite-wal']) {
      const bytes = await readFile(join(state.dataDir, name)).catch(() => Buffer.alloc(0));
      expect(bytes.includes(secret)).toBe(false);
    }
  });

  it('that is revoked is unknown, at once where it was revoked', async () => {
    const state = await stateIn(true);
    const { token, key } = await keyed(state);
    expect(await state.keys.revoke(key.id)).toBe(true);
    expect(await state.gatekeeper.authenticate(bearer(token))).toMatchObject({ status: 401 });
    expect(await state.keys.revoke(key.id)).toBe(false);
  });

  it('may use the policies and models it was made for, and is told which', async () => {
    const state = await stateIn(true);
    const { principal } = await keyed(state, { policies: ['chat'], models: ['preview'] });
    expect(await state.gatekeeper.admit(principal, ask('a', { policy: 'poster' }))).toMatchObject({
      status: 403,
      code: 'policy_not_allowed',
      param: 'policy',
    });
    expect(await state.gatekeeper.admit(principal, ask('b', { policy: 'chat' }))).toMatchObject({ status: 403, code: 'model_not_allowed' });
    expect(await state.gatekeeper.admit(principal, ask('c', { policy: 'chat', model: 'preview' }))).toHaveProperty('settle');
  });

  it('over its budget is told the limit, what is used, and when there is room', async () => {
    const state = await stateIn(true);
    const { principal } = await keyed(state, { usdPerDay: 0.01 });
    const lease = await state.gatekeeper.admit(principal, ask('a'));
    expect(lease).toHaveProperty('settle');
    const denial = await state.gatekeeper.admit(principal, ask('b'));
    expect(denial).toMatchObject({ status: 429, code: 'budget_exceeded' });
    expect(denial).toHaveProperty('message', expect.stringMatching(/\$0\.01 for spend per day.*\$0\.006 is in use/));
    if ('settle' in lease) await lease.settle(cost(1_000));
    expect(await state.gatekeeper.admit(principal, ask('b'))).toHaveProperty('settle');
  });

  it('without the scope for images makes none', async () => {
    const state = await stateIn(true);
    const { principal } = await keyed(state, {}, ['read']);
    expect(await state.gatekeeper.admit(principal, ask('a'))).toMatchObject({ status: 403, code: 'insufficient_scope' });
  });
});

describe('loopback', () => {
  it('needs no key, and the one a client sends anyway is not looked at', async () => {
    const state = await stateIn(false);
    expect(await state.gatekeeper.authenticate(new Headers())).toMatchObject({ id: 'loopback' });
    expect(await state.gatekeeper.authenticate(bearer('sk-whatever'))).toMatchObject({ id: 'loopback' });
  });

  it('has its spend in the books when the gateway closes', async () => {
    const state = await stateIn(false);
    const principal = await state.gatekeeper.authenticate(new Headers());
    if ('status' in principal) throw new Error('loopback was turned away');
    for (const id of ['a', 'b', 'c']) {
      const lease = await state.gatekeeper.admit(principal, ask(id));
      if ('settle' in lease) await lease.settle(cost(5_900));
    }
    await state.close();
    open.splice(0);
    const again = await stateIn(false, state.dataDir);
    expect((await again.spendOf('loopback'))[0]).toMatchObject({ billed: 17_700, possiblyBilled: 0, reserved: 0 });
  });
});

describe('idempotency', () => {
  const me: Principal = { id: 'me', scopes: ['images'], limits: NO_LIMITS };
  const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: [Buffer.from('{"a":'), Buffer.from('1}')] };

  it('gives a repeat the first answer, also after a restart', async () => {
    const state = await stateIn(false);
    const claim = await state.idempotency.claim(me, 'k', 'f');
    if (claim.kind !== 'first') throw new Error(claim.kind);
    const twin = state.idempotency.claim(me, 'k', 'f');
    await claim.complete(answer);
    expect(await twin).toMatchObject({ kind: 'replay', answer: { status: 200 } });
    await state.close();
    open.splice(0);
    const again = await stateIn(false, state.dataDir);
    const replay = await again.idempotency.claim(me, 'k', 'f');
    expect(replay.kind === 'replay' && Buffer.concat(replay.answer.body).toString()).toBe('{"a":1}');
  });

  it('refuses another request under the same key, and lets another principal use it', async () => {
    const state = await stateIn(false);
    const claim = await state.idempotency.claim(me, 'k', 'f');
    if (claim.kind === 'first') await claim.complete(answer);
    expect(await state.idempotency.claim(me, 'k', 'other')).toMatchObject({ kind: 'conflict', status: 422 });
    expect(await state.idempotency.claim({ ...me, id: 'you' }, 'k', 'other')).toMatchObject({ kind: 'first' });
  });

  it('lets a repeat start afresh when nothing was begun', async () => {
    const state = await stateIn(false);
    const claim = await state.idempotency.claim(me, 'k', 'f');
    if (claim.kind === 'first') await claim.abandon();
    expect(await state.idempotency.claim(me, 'k', 'f')).toMatchObject({ kind: 'first' });
  });

  it('sends a twin at another gateway away while the first runs', async () => {
    const state = await stateIn(false);
    const other = await stateIn(false, state.dataDir);
    await state.idempotency.claim(me, 'k', 'f');
    expect(await other.idempotency.claim(me, 'k', 'f')).toMatchObject({ kind: 'conflict', code: 'idempotency_in_progress' });
  });
});

describe('traces', () => {
  it('are their caller’s, and an administrator’s', async () => {
    const state = await stateIn(false);
    const me: Principal = { id: 'me', scopes: ['read'], limits: NO_LIMITS };
    state.traces.keep(me, { requestId: 'req_1', events: [] });
    expect(await state.traces.find(me, 'req_1')).toMatchObject({ principal: 'me' });
    expect(await state.traces.find({ ...me, id: 'you' }, 'req_1')).toBeUndefined();
    expect(await state.traces.find({ ...me, id: 'root', scopes: ['admin'] }, 'req_1')).toBeDefined();
  });
});
