// PostgreSQL for tests: a private cluster, started by the first test that asks in a run and gone with the run
// (`postgres-run.ts`), and a fresh database on it for whoever wants one. Where Debian's package is missing the tests that need
// it are skipped, and their names say so.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { describe } from 'vitest';
import { programs, STARTED_MS, startCluster } from './postgres-cluster.ts';
import { CLUSTER_FOLDER } from './postgres-run.ts';
import { tcpProxy } from './tcp-proxy.ts';

/** Like `describe`, where there is a PostgreSQL. */
export function describePostgres(name: string, tests: () => void): void {
  if (programs() === undefined) describe.skip(`${name} (skipped: Debian's package postgresql is not installed)`, tests);
  else describe(name, tests);
}

/** The run's own cluster: whoever asks first starts it, the others wait until it stands. */
async function sharedUrl(): Promise<string> {
  const folder = process.env[CLUSTER_FOLDER];
  if (folder === undefined) throw new Error('test/support/postgres-run.ts is not among the global set-ups');
  const told = join(folder, 'url');
  const cluster = join(folder, 'cluster');
  if (claimed(cluster)) {
    const { url } = await startCluster(cluster);
    writeFileSync(told, url);
  }
  const giveUpAt = performance.now() + STARTED_MS;
  while (!existsSync(told)) {
    if (performance.now() > giveUpAt) throw new Error('the cluster of this run did not start');
    await pause(50);
  }
  return readFileSync(told, 'utf8');
}

function claimed(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** A fresh database on the run's cluster. */
export async function freshDatabase(): Promise<string> {
  const url = await sharedUrl();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await query(url, `CREATE DATABASE ${name}`);
  return url.replace(/postgres$/, name);
}

/** A fresh database behind a network that can fail. `urlOf`: another one by way of the same network. */
export async function remoteDatabase() {
  const direct = await freshDatabase();
  const { hostname, port } = new URL(direct);
  const proxy = await tcpProxy({ host: hostname, port: Number(port) });
  const urlOf = (other: string): string => Object.assign(new URL(other), { port: String(proxy.port) }).href;
  return { proxy, direct, url: urlOf(direct), urlOf };
}

/** One statement on a connection of its own; its rows. */
export async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
