// Around a whole run of tests: names the folder where the run's PostgreSQL cluster is made, should a test need one, and ends
// it afterwards. Nothing is started here: most runs need none.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLUSTER_FOR, programs, stopCluster } from './postgres-cluster.ts';

/** Where the run's cluster is, or will be. */
export const CLUSTER_FOLDER = 'IMAGE_ROUTER_TEST_CLUSTER';

export function setup(): () => Promise<void> {
  if (programs() === undefined) {
    process.stderr.write("Tests on PostgreSQL are skipped: Debian's package postgresql is not installed.\n");
    return async () => undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'image-router-cluster-'));
  // The server runs as another user when this is root's.
  chmodSync(folder, 0o711);
  process.env[CLUSTER_FOLDER] = folder;
  process.env[CLUSTER_FOR] = String(process.pid);
  return async () => {
    await stopCluster(join(folder, 'cluster'));
    rmSync(folder, { recursive: true, force: true });
  };
}
