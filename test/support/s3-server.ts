// A real S3 server for tests: Ceph's RADOS Gateway from Debian, with one monitor and one object store in memory, in a
// temporary folder, on free ports of this machine. It takes about fifteen seconds to start, so only one file asks for it.
// Every process of it ends by its id, and none outlives the process it was started for, however that ends.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type S3Server = {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Kills it and removes its folder. */
  close(): Promise<void>;
};

const run = promisify(execFile);
const PROGRAMS = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'ceph-authtool', 'monmaptool'];
/** Until every part of it answers; on a busy machine several times what it takes on an idle one. */
const PATIENCE_MS = 120_000;

/** Undefined: it can be started. Else why not, for those who skip a test. */
export function missingS3Server(): string | undefined {
  const missing = PROGRAMS.filter((name) => !existsSync(join('/usr/bin', name)));
  return missing.length === 0 ? undefined : `${missing.join(', ')} not installed (Debian: radosgw ceph-mon ceph-osd ceph-common)`;
}

/** Runs a program until it is told to end or process number $1 is no more. */
const GUARD = `parent=$1; shift; "$@" & child=$!; trap 'kill -9 $child' TERM
while kill -0 $parent 2>/dev/null && kill -0 $child 2>/dev/null; do sleep 1 & wait $!; done
kill -9 $child 2>/dev/null; wait $child`;

export async function startS3Server(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'image-router-s3-'));
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(children.map(ended));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await bringUp(folder, children)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bringUp(folder: string, children: ChildProcess[]): Promise<Omit<S3Server, 'close'>> {
  const [monitorPort, gatewayPort] = await freePorts();
  const monitor = `v2:127.0.0.1:${monitorPort}`;
  const cluster = randomUUID();
  const settings = join(folder, 'ceph.conf');
  const keyring = join(folder, 'keyring');
  const map = join(folder, 'monmap');
  for (const part of ['mon', 'osd', 'rgw', 'log']) await mkdir(join(folder, part));
  await writeFile(settings, settingsText(folder, cluster, monitor, gatewayPort));
  const call = (program: string, ...args: readonly string[]) => run(program, args, { env: { ...process.env, CEPH_CONF: settings } });
  const start = (program: string, ...args: readonly string[]): void => {
    const words = ['-c', GUARD, 'sh', String(process.pid), program, ...args, '-f', '-c', settings];
    children.push(spawn('/bin/sh', words, { stdio: 'ignore', env: { ...process.env, CEPH_CONF: settings } }));
  };

  const key = (name: string, ...caps: readonly string[]) => call('ceph-authtool', keyring, '--gen-key', '-n', name, ...caps);
  await call('ceph-authtool', '--create-keyring', keyring);
  await key('mon.', '--cap', 'mon', 'allow *');
  await key('client.admin', '--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *');
  await key('client.rgw', '--cap', 'mon', 'allow rwx', '--cap', 'osd', 'allow rwx');
  await key('osd.0', '--cap', 'mon', 'allow profile osd', '--cap', 'osd', 'allow *');
  await call('monmaptool', '--create', '--fsid', cluster, '--addv', 'a', `[${monitor}]`, map);
  await call('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map, '--keyring', keyring, '-c', settings);
  start('ceph-mon', '-i', 'a');
  await until(() => call('ceph', '--connect-timeout', '5', 'auth', 'import', '-i', keyring));
  const store = randomUUID();
  await call('ceph', 'osd', 'new', store);
  await call('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', store, '-c', settings);
  start('ceph-osd', '-i', '0');
  await call('ceph', 'osd', 'crush', 'add', 'osd.0', '1.0', 'host=h', 'root=default');
  await until(async () => {
    if (!(await call('ceph', 'osd', 'stat')).stdout.includes('1 up')) throw new Error('the object store is not up');
  });
  start('radosgw', '-n', 'client.rgw');
  const endpoint = `http://127.0.0.1:${gatewayPort}`;
  await until(() => fetch(endpoint));
  const [accessKeyId, secretAccessKey] = ['test-access', 'test-secret'];
  const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
  await call('radosgw-admin', '-n', 'client.rgw', '-c', settings, 'user', 'create', '--uid=test', '--display-name=test', ...keys);
  return { endpoint, accessKeyId, secretAccessKey };
}

async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const [first, second] = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  if (first === undefined || second === undefined) throw new Error('two servers have two ports');
  return [first, second];
}

/** Asks until it does not fail. */
async function until(attempt: () => Promise<unknown>): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw new Error('the S3 server did not start', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** One copy of everything, in memory: it need not outlive its process. */
function settingsText(folder: string, cluster: string, monitor: string, gatewayPort: number): string {
  return `[global]
fsid = ${cluster}
mon_host = [${monitor}]
ms_bind_ipv4 = true
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = ${folder}/keyring
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_warn_on_pool_no_redundancy = false
run_dir = ${folder}
admin_socket =
log_file = ${folder}/log/$name.log
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_data = ${folder}/osd
mon_data = ${folder}/mon
rgw_data = ${folder}/rgw
osd_max_object_name_len = 256
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:${gatewayPort}
rgw_thread_pool_size = 32
`;
}
