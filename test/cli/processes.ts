// The real commands as processes of their own, to be killed: gateways and workers before one sandbox of the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtInRoutes } from '../../routes/index.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/index.ts';
import { systemClock } from '../../src/system/clock.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

export type Place = {
  readonly sandbox: Sandbox;
  readonly folder: string;
  /** Starts `serve`; resolves with its URL once it listens. */
  gateway(...args: readonly string[]): Promise<Process & { readonly url: string }>;
  worker(...args: readonly string[]): Promise<Process>;
  close(): Promise<void>;
};

export type Process = {
  readonly child: ChildProcess;
  errors(): string;
  /** Without a word of warning. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end; its exit code. */
  end(): Promise<number | null>;
};

/**
 * Processes share a clock, so theirs is the machine's; only the sandbox's models draw `drawing` times as fast as real ones.
 * `databaseUrl`: undefined keeps everything in the data folder.
 */
export async function openPlace(drawing: number, databaseUrl: string | undefined, sandboxed: Partial<SandboxOptions> = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'image-router-processes-'));
  const sandbox = await startSandbox({
    routes: builtInRoutes,
    clock: systemClock(drawing),
    pictures: 'light',
    profile: 'brief',
    ...sandboxed,
  });
  const config = join(folder, 'config.json');
  await writeFile(config, JSON.stringify({ endpoints: sandbox.endpoints, gateway: { drainMs: 20_000, logLevel: 'error' } }));
  const processes: Process[] = [];
  const env = { PATH: process.env.PATH, ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }) };
  const start = async (command: string, started: RegExp, args: readonly string[]) => {
    const all = [MAIN, command, '--config', config, '--data', join(folder, 'data'), ...args];
    const child = spawn(process.execPath, all, { cwd: folder, env });
    const errors: string[] = [];
    child.stderr.on('data', (part: Buffer) => errors.push(part.toString()));
    const gone = once(child, 'exit');
    const one: Process = {
      child,
      errors: () => errors.join(''),
      kill: async () => {
        child.kill('SIGKILL');
        await gone;
      },
      end: async () => {
        child.kill('SIGTERM');
        await gone;
        return child.exitCode;
      },
    };
    processes.push(one);
    let output = '';
    for await (const part of child.stdout) {
      output += String(part);
      if (started.test(output)) break;
    }
    child.stdout.resume();
    const found = started.exec(output)?.[0];
    if (found === undefined) throw new Error(`${command} did not start: ${one.errors()}`);
    return { ...one, found };
  };
  return {
    sandbox,
    folder,
    gateway: async (...args) => {
      const { found, ...one } = await start('serve', /http:\/\/127\.0\.0\.1:\d+(?=[\s\S]*try )/, ['--port', '0', ...args]);
      return { ...one, url: found };
    },
    worker: async (...args) => start('worker', /worker .*/, args),
    close: async () => {
      await Promise.all(processes.map((one) => (one.child.exitCode === null && one.child.signalCode === null ? one.kill() : undefined)));
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
