// @portkey-ai/gateway from the npm registry, in a scratch folder of its own: it is compared with, never depended on.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const VERSION = '1.15.2';
const FOLDER = join(tmpdir(), `image-router-bench-portkey-${VERSION}`);
const SCRIPT = join(FOLDER, 'node_modules/@portkey-ai/gateway/build/start-server.js');
/** Half-second looks at a server that starts. */
const PATIENCE = 40;

/** Resolves to its process, listening on `port`; undefined when it cannot be had here (no registry). */
export async function startPortkey(port: number): Promise<ChildProcess | undefined> {
  await mkdir(FOLDER, { recursive: true });
  const args = ['install', `@portkey-ai/gateway@${VERSION}`, '--prefix', FOLDER, '--no-audit', '--no-fund', '--prefer-offline'];
  const isInstalled = await promisify(execFile)('npm', args, { cwd: FOLDER }).then(
    () => true,
    () => false,
  );
  if (!isInstalled) return undefined;
  const child = spawn(process.execPath, [SCRIPT, `--port=${port}`, '--headless'], { cwd: dirname(SCRIPT), stdio: 'ignore' });
  for (let look = 0; look < PATIENCE; look += 1) {
    const isUp = await fetch(`http://127.0.0.1:${port}/`).then(
      async (response) => (await response.text()) !== undefined,
      () => false,
    );
    if (isUp) return child;
    await sleep(500);
  }
  child.kill();
  return undefined;
}
