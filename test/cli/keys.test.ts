import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { type Ran, run, temporaryFolder } from './terminal.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));

const keys = (...args: readonly string[]): Promise<Ran> => run(['keys', ...args, '--data', folder]);

describe('image-router keys', () => {
  it('shows a key once, lists it without its secret, and revokes it once', async () => {
    const made = JSON.parse((await keys('create', '--name', 'chatbot', '--usd-per-day', '5', '--policy', 'chat,default', '--json')).out);
    expect(made).toMatchObject({ name: 'chatbot', scopes: ['images'], limits: { usdPerDay: 5, policies: ['chat', 'default'] } });
    expect(made.key).toMatch(/^ir_/);
    const listed = await keys('list');
    expect(listed.out).toContain(made.id);
    expect(listed.out).not.toContain(made.key.slice(-43));
    expect((await keys('revoke', made.id)).exit).toBe(0);
    expect((await keys('revoke', made.id)).err).toContain('must be the id of a key in use');
    expect((await keys('list')).out).toContain('revoked');
  });

  it.each([
    [['create', '--name', 'a', '--scope', 'everything'], 'scope must be some of images, read, admin'],
    [['create', '--name', 'a', '--usd-per-day', '-1'], 'usdPerDay must be above 0'],
    [['create', '--name', 'a', '--concurrent', 'many'], 'concurrent'],
  ])('refuses %j', async (args, words) => {
    const { exit, err } = await keys(...args);
    expect(exit).toBe(2);
    expect(err).toContain(words);
  });
});
