import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './terminal.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

type Ended = { readonly exit: number | null; readonly out: string; readonly err: string };
type Watch = { readonly on: RegExp; readonly signal: NodeJS.Signals };

function start(argv: readonly string[], watch?: Watch): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...argv], { cwd: temporaryFolder(), env: { PATH: process.env.PATH, NO_COLOR: '1' } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
    // Once: a second signal means to leave at once.
    if (watch?.on.test(err) && !child.killed) child.kill(watch.signal);
  });
  return new Promise((resolve) => child.on('close', (exit) => resolve({ exit, out, err })));
}

describe('the process', () => {
  it('ends with the exit code of the error, on stderr alone, without a stack', async () => {
    const { exit, out, err } = await start(['generate', 'a fox', '--size', 'big']);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toContain('error invalid_request: --size must be');
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('SIGINT cancels, says what may have been billed, and exits with 130', async () => {
    const { exit, err } = await start(['generate', 'a fox', '--speed', '1', '--tier', 'premium'], { on: /sent to/, signal: 'SIGINT' });
    expect(exit).toBe(130);
    expect(err).toMatch(/error cancelled:.*\n.*possibly billed/);
  });

  it('a reader who leaves early is no error', async () => {
    const child = spawn(process.execPath, [MAIN, 'classify', '--json', '-'], { env: { PATH: process.env.PATH } });
    child.stdout.once('data', () => child.stdout.destroy());
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.stdin.on('error', () => undefined);
    child.stdin.end('{"prompt":"a fox in the snow"}\n'.repeat(3_000));
    expect(await ended).toBe(0);
  });
});
