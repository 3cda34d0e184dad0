// What stands between the client and the stand-in for the provider: nothing, a pipe, Portkey, this gateway. Each is a
// process of its own, and all are asked for the same picture in the same way.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import type { PictureName } from '../support/pictures.ts';
import { startPortkey } from './portkey.ts';

export type Contender = {
  readonly name: 'direct' | 'pipe' | 'Portkey' | 'image-router';
  /** Of the process whose processor time and memory count; undefined for none at all. */
  readonly pid: (picture: PictureName) => number | undefined;
  readonly url: (picture: PictureName) => string;
  readonly headers: (picture: PictureName) => Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

const API_KEY = 'sk-canned';
const OWN_HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` };
export const BODY = JSON.stringify({ model: 'gpt-image-2', prompt: 'a red fox asleep in fresh snow', size: '1024x1024', quality: 'low' });

/** `upstream` is the stand-in's URL. Portkey is left out where the registry is out of reach. */
export async function startContenders(upstream: string): Promise<readonly Contender[]> {
  const direct: Contender = {
    name: 'direct',
    pid: () => undefined,
    url: (picture) => `${upstream}/${picture}/v1/images/generations`,
    headers: () => OWN_HEADERS,
    stop: async () => undefined,
  };
  const others = [await pipe(upstream), await portkey(upstream), await ours(upstream)];
  return [direct, ...others.filter((contender) => contender !== undefined)];
}

async function pipe(upstream: string): Promise<Contender> {
  const child = fork(new URL('./pipe.ts', import.meta.url), [upstream], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [url] = await once(child, 'message');
  return {
    name: 'pipe',
    pid: () => child.pid,
    url: (picture) => `${url}/${picture}/v1/images/generations`,
    headers: () => OWN_HEADERS,
    stop: () => ended(child),
  };
}

async function portkey(upstream: string): Promise<Contender | undefined> {
  const port = await freePort();
  const child = await startPortkey(port);
  if (child === undefined) return undefined;
  return {
    name: 'Portkey',
    pid: () => child.pid,
    url: () => `http://127.0.0.1:${port}/v1/images/generations`,
    headers: (picture) => ({
      ...OWN_HEADERS,
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${upstream}/${picture}/v1`,
    }),
    stop: () => ended(child),
  };
}

/** With both providers' routes to plan over, as in earnest; one gateway a picture, for a config names where calls go. */
async function ours(upstream: string): Promise<Contender> {
  const tiny = await gatewayAt(upstream, 'tiny');
  const full = await gatewayAt(upstream, 'full');
  return {
    name: 'image-router',
    pid: (picture) => (picture === 'tiny' ? tiny : full).child.pid,
    url: (picture) => `${picture === 'tiny' ? tiny.url : full.url}/v1/images/generations`,
    headers: () => OWN_HEADERS,
    stop: async () => {
      await tiny.stop();
      await full.stop();
    },
  };
}

type RunningGateway = { readonly child: ChildProcess; readonly url: string; stop(): Promise<void> };

/** `more` goes into its configuration file beside the endpoints. */
export async function gatewayAt(upstream: string, picture: PictureName, more: object = {}): Promise<RunningGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'image-router-bench-'));
  const config = {
    ...more,
    endpoints: [
      { id: 'openai', provider: 'openai', baseUrl: `${upstream}/${picture}/v1`, apiKey: API_KEY },
      { id: 'google', provider: 'google', baseUrl: `${upstream}/${picture}`, apiKey: API_KEY },
    ],
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const args = [main, 'serve', '--port', '0', '--config', join(folder, 'config.json'), '--data', folder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const url = await urlPrintedBy(child);
  return {
    child,
    url,
    stop: async () => {
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The first address of its own that a server prints. Rejects when it ends before that. */
async function urlPrintedBy(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the gateway has no output to read');
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (found === undefined) continue;
    // What it prints from now on is nobody's business, but the pipe must not fill up.
    child.stdout.resume();
    return found;
  }
  throw new Error(`the gateway ended with ${child.exitCode} before it listened`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
