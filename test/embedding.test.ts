// What it costs to have image-router in a program that has not used it yet: nothing.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Runs in a fresh process, where nothing else has been loaded; prints what importing and creating a router touched. */
const PROBE = `
const reads = new Set();
const watched = new Proxy(process.env, {
  get: (env, key) => (reads.add(String(key)), Reflect.get(env, key)),
  ownKeys: (env) => (reads.add('all'), Reflect.ownKeys(env)),
});
Object.defineProperty(process, 'env', { value: watched });
const timers = [];
for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
  const real = globalThis[name];
  globalThis[name] = (...rest) => (timers.push(name), real(...rest));
}
const { createImageRouter } = await import(process.argv[1]);
const endpoint = { id: 'openai', provider: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'k' };
const router = createImageRouter({ endpoints: [endpoint] });
router.explain({ prompt: 'a red fox' });
const sockets = process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Pipe|Timeout/.test(kind) && !/PipeWrap/.test(kind));
// Node's own module loader looks at this one for every import.
reads.delete('WATCH_REPORT_DEPENDENCIES');
process.stdout.write(JSON.stringify({ reads: [...reads], timers, sockets }));
`;

describe('importing and creating a router', () => {
  it('reads no environment, starts no timer, opens no socket, and lets the process end', () => {
    const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', PROBE, index], { encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual({ reads: [], timers: [], sockets: [] });
  });
});
