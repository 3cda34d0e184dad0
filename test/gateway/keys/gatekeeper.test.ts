import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { admitted, ask, bearer, dataFolder, keyed, stateIn } from '../support/state-world.ts';

describe('a key', () => {
  it('is known by its whole secret and by nothing less', async () => {
    const state = await stateIn(await dataFolder());
    const { token, key } = await keyed(state);
    expect(token).toMatch(/^ir_[0-9a-f]{16}_[\w-]{43}$/);
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    for (const text of [wrong, token.slice(0, -1), `ir_${key.id}_`, `${token}A`, 'sk-something', "ir_' OR 1=1 --_"]) {
      const denial = await state.gatekeeper.authenticate(bearer(text));
      expect(denial).toMatchObject({ status: 401, code: 'invalid_api_key' });
      expect(JSON.stringify(denial)).not.toContain(text);
    }
    expect(await state.gatekeeper.authenticate(new Headers({ 'x-api-key': token }))).toMatchObject({ id: key.id });
  });

  it('that is missing is told apart from one that is wrong, and a wrong one not from a revoked one', async () => {
    const state = await stateIn(await dataFolder());
    const { token, key } = await keyed(state);
    await state.keys.revoke(key.id);
    const none = await state.gatekeeper.authenticate(new Headers());
    const revoked = await state.gatekeeper.authenticate(bearer(token));
    expect(none).toHaveProperty('message', expect.stringContaining('No API key was given'));
    expect(revoked).toHaveProperty('message', expect.stringContaining('not valid here'));
    expect(await state.gatekeeper.authenticate(bearer('ir_nonsense'))).toEqual(revoked);
  });

  it('stands nowhere on disk as it is', async () => {
    const dataDir = await dataFolder();
    const { token } = await keyed(await stateIn(dataDir));
    for (const name of ['gateway.sqlite', 'gateway.sqlite-wal']) {
      expect((await readFile(join(dataDir, name))).includes(token.slice(-43))).toBe(false);
    }
  });

  it('may use the policies and models it was made for, and is told which', async () => {
    const state = await stateIn(await dataFolder());
    const { principal } = await keyed(state, { policies: ['chat'], models: ['preview'] });
    const { admit } = state.gatekeeper;
    expect(await admit(principal, ask('a', { policy: 'poster' }))).toMatchObject({
      status: 403,
      code: 'policy_not_allowed',
      param: 'policy',
    });
    expect(await admit(principal, ask('b', { policy: 'chat' }))).toMatchObject({ status: 403, code: 'model_not_allowed', param: 'model' });
    admitted(await admit(principal, ask('c', { policy: 'chat', model: 'preview' })));
  });

  it('without the scope for images makes none', async () => {
    const state = await stateIn(await dataFolder());
    const { principal } = await keyed(state, {}, ['read']);
    expect(await state.gatekeeper.admit(principal, ask('a'))).toMatchObject({ status: 403, code: 'insufficient_scope' });
  });
});

describe('where no key is needed', () => {
  it('the one a client of OpenAI sends anyway is not looked at', async () => {
    const state = await stateIn(await dataFolder(), { requireKeys: false });
    for (const headers of [new Headers(), bearer('sk-whatever'), new Headers({ 'x-api-key': '' })]) {
      expect(await state.gatekeeper.authenticate(headers)).toMatchObject({ id: 'loopback' });
    }
  });

  it('a gateway’s key is still checked, and has its limits', async () => {
    const state = await stateIn(await dataFolder(), { requireKeys: false });
    const { principal, token } = await keyed(state, { policies: ['chat'] });
    expect(await state.gatekeeper.admit(principal, ask('a'))).toMatchObject({ status: 403 });
    expect(await state.gatekeeper.authenticate(bearer(`${token}x`))).toMatchObject({ status: 401 });
  });
});
