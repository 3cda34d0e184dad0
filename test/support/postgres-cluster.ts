// A private PostgreSQL cluster of Debian's package in a folder, on a free port of loopback, fsync on: for tests and benches.
// It never outlives the process it was started for, however that ends.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from './free-port.ts';

const run = promisify(execFile);

/** For whom clusters are started, where that is not this process: by its id. */
export const CLUSTER_FOR = 'IMAGE_ROUTER_TEST_RUN';
export const STARTED_MS = 60_000;

/** The folder of PostgreSQL's programs, the newest version first; undefined: it is not installed. */
export function programs(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(root, version, 'bin')), '/usr/local/bin', '/usr/bin'];
  return folders.find((folder) => ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))));
}

/** PostgreSQL does not run as root. */
type User = { readonly uid: number; readonly gid: number };

function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (kind: string): number =>
        Number(execFileSync('id', [kind, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // There is no such user here.
    }
  }
  throw new Error('no user to run PostgreSQL as: neither postgres nor nobody exists');
}

export type Cluster = {
  /** Of the database `postgres`. */
  readonly url: string;
  /** As after a power cut: nobody is asked to finish. */
  stop(): Promise<void>;
  /** Again, on the same port. */
  start(): Promise<void>;
};

/** A cluster in `folder`, which must be empty. It ends when this process does, at the latest. */
export async function startCluster(folder: string): Promise<Cluster> {
  const bin = programs();
  if (bin === undefined) throw new Error("Debian's package postgresql is not installed");
  const user = unprivileged();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const as = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } };
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'tester', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'], as);
  const port = await freePort();
  const url = `postgres://tester@127.0.0.1:${port}/postgres`;
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    max_connections: 300,
    log_min_messages: 'log',
  };
  const server = [join(bin, 'postgres'), '-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  // Whatever becomes of the tests, the server ends soon after their process, and its folder with it.
  const guard = `"$@" & server=$!; trap 'kill -INT $server' TERM
    while [ -d /proc/${process.env[CLUSTER_FOR] ?? process.pid} ] && kill -0 $server 2>/dev/null; do sleep 1; done
    kill -INT $server 2>/dev/null; wait $server`;
  const log = openSync(join(folder, 'log'), 'a');
  const start = async (): Promise<void> => {
    const child = spawn('/bin/sh', ['-c', guard, 'sh', ...server], { ...as, detached: true, stdio: ['ignore', 'ignore', log] });
    child.unref();
    await answering(url).catch((cause: unknown) => {
      throw new Error(`PostgreSQL did not start: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2_000)}`, { cause });
    });
  };
  await start();
  return { url, start, stop: () => stopCluster(folder) };
}

/** Ends the server in a folder, if one runs there: as a power cut would. */
export async function stopCluster(folder: string): Promise<void> {
  const told = join(folder, 'data', 'postmaster.pid');
  if (!existsSync(told)) return;
  const pid = Number(readFileSync(told, 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGQUIT');
  while (existsSync(`/proc/${pid}`)) await pause(20);
  rmSync(told, { force: true });
}

async function answering(url: string): Promise<void> {
  const giveUpAt = performance.now() + STARTED_MS;
  for (;;) {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await pause(50);
    }
  }
}

/** A cluster that a test may stop and start, with a function that ends it for good. */
export async function ownCluster(): Promise<Cluster & { remove(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'image-router-postgres-'));
  const cluster = await startCluster(folder);
  const remove = async (): Promise<void> => {
    await cluster.stop().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...cluster, remove };
}
