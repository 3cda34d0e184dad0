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

  it('revokes a key that is given whole, and does not show it again', async () => {
    const made = JSON.parse((await keys('create', '--name', 'leaked', '--json')).out);
    const { out, err, exit } = await keys('revoke', made.key);
    expect(exit).toBe(0);
    expect(out + err).not.toContain(made.key.slice(-43));
    expect(JSON.parse((await keys('list', '--json')).out).keys).toContainEqual(expect.objectContaining({ id: made.id, revoked: true }));
  });

  it('makes a key with every limit there is', async () => {
    const flags = ['--requests-per-minute', '60', '--images-per-minute', '20', '--concurrent', '4', '--usd-per-day', '$2.50'];
    const more = ['--usd-per-month', '40', '--policy', 'a, b', '--model', 'preview,a,preview', '--scope', 'images,read'];
    const made = JSON.parse((await keys('create', '--name', 'all', ...flags, ...more, '--json')).out);
    expect(made).toMatchObject({
      scopes: ['images', 'read'],
      limits: {
        requestsPerMinute: 60,
        imagesPerMinute: 20,
        concurrent: 4,
        usdPerDay: 2.5,
        usdPerMonth: 40,
        policies: ['a', 'b'],
        models: ['preview', 'a'],
      },
    });
  });

  it('lists limits in dollars to the last millionth that counts', async () => {
    await keys('create', '--name', 'tiny', '--usd-per-day', '0.0000001', '--usd-per-month', '2.5');
    const { out } = await keys('list');
    expect(out.replaceAll(/\s+/g, ' ')).toContain('usdPerDay $0.000001, usdPerMonth $2.50');
  });

  it.each([
    [['create', '--name', 'a', '--scope', 'everything'], '--scope must be some of images, read, admin'],
    [['create', '--name', 'a', '--usd-per-day', '-1'], '--usd-per-day must be above 0'],
    [['create', '--name', 'a', '--concurrent', 'many'], '--concurrent must be a number'],
    [['create', '--name', 'a', '--requests-per-minute', '1.5'], '--requests-per-minute must be a whole number'],
    [['create', '--name', 'a', '--policy', ' , '], '--policy must name at least one'],
    [['create', '--name', 'a\u001b[2J'], '--name must have 1 to 100 characters'],
    [['create'], '--name'],
    [['revoke'], 'is required'],
    [['revoke', 'nobody'], 'must be the id of a key in use'],
  ])('refuses %j', async (args, words) => {
    const { exit, err } = await keys(...args);
    expect(exit).toBe(2);
    expect(err).toContain(words);
  });

  it('tells all mistakes at once, as JSON when that is asked for', async () => {
    const { exit, out } = await keys('create', '--name', '', '--concurrent', '0', '--usd-per-month', 'much', '--json');
    expect(exit).toBe(2);
    const { error } = JSON.parse(out);
    expect(error.problems.map(({ option }: { option: string }) => option)).toEqual(['--name', '--concurrent', '--usd-per-month']);
  });

  it('says what is wrong with a folder it cannot use', async () => {
    const { exit, err } = await run(['keys', 'list', '--data', '/dev/null/data']);
    expect(exit).not.toBe(0);
    expect(err).toContain('data folder /dev/null/data cannot be used');
  });
});
