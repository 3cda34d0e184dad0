import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { builtInRoutes } from '../../routes/index.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

type Served = { readonly child: ChildProcess; readonly url: string; readonly folder: string; readonly errors: () => string };
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** The real command in a process of its own, on a free port, with a data folder of its own. */
async function served(args: readonly string[], folder?: string): Promise<Served> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'image-router-serve-')));
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--data', join(home, 'data'), ...args], {
    cwd: home,
    env: { PATH: process.env.PATH },
  });
  let output = '';
  let errors = '';
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString();
  });
  open.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(home, { recursive: true, force: true });
  });
  for await (const part of child.stdout) {
    output += String(part);
    if (output.includes('try ')) break;
  }
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
  if (url === undefined) throw new Error(`it did not start: ${errors}`);
  return { child, url, folder: home, errors: () => errors };
}

const ask = (url: string, prompt: string, more: object = {}): Promise<Response> =>
  fetch(`${url}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'preview', prompt, size: '1024x1024', ...more }),
  });

/** Resolves once `seen` holds; looks again whenever the process says something. */
async function until({ child }: Served, seen: () => boolean): Promise<void> {
  while (!seen()) await once(child.stderr ?? child, 'data');
}

async function slowSandbox(): Promise<Sandbox> {
  const sandbox = await startSandbox({ routes: builtInRoutes, clock: systemClock(5), profile: 'brief', pictures: 'light' });
  open.push(() => sandbox.close());
  return sandbox;
}

describe('image-router serve', () => {
  it('answers OpenAI’s own client before anything is configured', async () => {
    const { url } = await served(['--speed', '5']);
    const client = new OpenAI({ apiKey: 'not needed here', baseURL: `${url}/v1`, maxRetries: 0 });
    const { data } = await client.images.generate({ model: 'preview', prompt: 'a red fox asleep in fresh snow' });
    expect(data?.[0]?.b64_json?.length).toBeGreaterThan(1_000);
  });

  it('loses no accepted request when it is told to end, and then ends well', async () => {
    const gateway = await served(['--sandbox-url', (await slowSandbox()).url]);
    const answers = Array.from({ length: 20 }, (_, index) => ask(gateway.url, `a lighthouse, number ${index}`));
    const running = async (): Promise<number> => {
      const text = await (await fetch(`${gateway.url}/metrics`)).text();
      return Number(/^image_router_(?:open_requests|requests_open|open_image_requests)\S* (\d+)/m.exec(text)?.[1] ?? 0);
    };
    while ((await running()) < 20);
    gateway.child.kill('SIGTERM');
    const statuses = await Promise.all(answers.map(async (answer) => (await answer).status));
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 200));
    if (gateway.child.exitCode === null) await once(gateway.child, 'exit');
    expect(gateway.child.exitCode).toBe(0);
  });

  it('takes a good new file into use, keeps the old one before a bad one, and drops no request for either', async () => {
    const sandbox = await slowSandbox();
    const home = await mkdtemp(join(tmpdir(), 'image-router-serve-'));
    const file = join(home, 'config.json');
    const write = async (text: string): Promise<void> => {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    };
    const config = { endpoints: sandbox.endpoints, speed: 5 };
    await write(JSON.stringify(config));
    const gateway = await served(['--config', file], home);
    const before = ask(gateway.url, 'a lighthouse before');
    await write(JSON.stringify({ ...config, gateway: { aliases: { 'dall-e-3': 'preview' } } }));
    gateway.child.kill('SIGHUP');
    await until(gateway, () => gateway.errors().includes('"reload"'));
    expect((await ask(gateway.url, 'a lighthouse after', { model: 'dall-e-3' })).status).toBe(200);
    await write(JSON.stringify({ ...config, gateway: { alises: {} } }));
    gateway.child.kill('SIGHUP');
    await until(gateway, () => gateway.errors().includes('"reload-refused"'));
    expect(gateway.errors()).toMatch(/config\.json:1:\d+ gateway\.alises is not a known field/);
    expect((await ask(gateway.url, 'a lighthouse still', { model: 'dall-e-3' })).status).toBe(200);
    expect((await before).status).toBe(200);
  });

  it('outlives a SIGHUP when there is no file to read again', async () => {
    const gateway = await served(['--speed', '5']);
    gateway.child.kill('SIGHUP');
    expect((await ask(gateway.url, 'a lighthouse')).status).toBe(200);
  });

  it('lets nobody in from elsewhere while there is no key', async () => {
    await expect(served(['--host', '0.0.0.0'])).rejects.toThrow(/host must be loopback while there is no key.*image-router keys create/s);
  });

  it('says which port is taken, and what to do', async () => {
    const { url } = await served([]);
    await expect(served(['--port', new URL(url).port])).rejects.toThrow(/port must be free to listen on/);
  });
});
