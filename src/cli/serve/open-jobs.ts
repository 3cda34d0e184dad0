// Everything about jobs that a gateway runs, opened over its stores: the service its endpoints hand jobs to, a worker that makes
// them, the feeder of batches, the sender of webhooks, links to pictures, and the forgetting of what is old. Other processes may run the same over the
// same stores; none of it knows of the others.
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import type { Endpoint } from '../../gateway/http/endpoint.ts';
import { batchEndpoints } from '../../gateway/http/endpoints/batches.ts';
import { dataEndpoint } from '../../gateway/http/endpoints/data.ts';
import { jobEndpoints } from '../../gateway/http/endpoints/jobs.ts';
import { webhookEndpoints } from '../../gateway/http/endpoints/webhooks.ts';
import type { JobParts } from '../../gateway/http/jobs/job-parts.ts';
import { NO_LIMITS } from '../../gateway/limits/no-limits.ts';
import { openSignedLinks } from '../../gateway/links/signed-links.ts';
import type { State } from '../../gateway/state.ts';
import { BatchFeeder } from '../../jobs/batch-feeder.ts';
import { openBlobs } from '../../jobs/blobs/open-blobs.ts';
import { createJobs } from '../../jobs/jobs-service.ts';
import { Retention } from '../../jobs/retention.ts';
import { WebhookSender } from '../../jobs/webhooks/sender.ts';
import { createWorker } from '../../jobs/worker.ts';
import { type Clock, systemClock } from '../../system/clock.ts';
import type { Ids } from '../../system/ids.ts';
import { machineDoors } from '../../system/network/guarded-connector.ts';
import { systemRandom } from '../../system/random.ts';
import { systemSecrets } from '../../system/secrets.ts';
import type { LiveRouter } from './live-router.ts';

export type OpenJobs = {
  /** For endpoints that may answer with a job. */
  readonly parts: JobParts;
  readonly endpoints: readonly Endpoint[];
  /** Begins to make what waits. */
  start(): void;
  /** Takes no more jobs; those that run get so many real milliseconds, then they are handed back to whoever is left. */
  drain(withinMs: number): Promise<void>;
  close(): Promise<void>;
};

export async function openJobs(
  settings: GatewaySettings,
  live: LiveRouter,
  state: State,
  { clock, ids, onTrouble }: { readonly clock: Clock; readonly ids: Ids; readonly onTrouble: (error: unknown) => void },
): Promise<OpenJobs> {
  const { store, jobs: jobStore, batches, webhooks } = state.stores;
  const blobs = await openBlobs(settings.bucket, settings.dataDir, ids);
  const secrets = systemSecrets();
  const links = await openSignedLinks({ store, secrets, clock, onTrouble });
  const jobs = createJobs({ store: jobStore, blobs, clock, ids, onTrouble });
  const worker = createWorker({
    name: ids.next('wrk'),
    settings: { concurrency: settings.jobs.concurrency },
    store: jobStore,
    blobs,
    // Asked anew for each job: a reload may have replaced it.
    router: { generate: (...asked) => live.router().generate(...asked), explain: (...asked) => live.router().explain(...asked) },
    clock,
    ids,
    onTrouble,
    keepTrace: (principal, trace) => state.traces.keep({ id: principal, scopes: [], limits: NO_LIMITS }, trace),
  });
  const feeder = new BatchFeeder({ batches, store: jobStore, jobs, clock, onTrouble });
  const webhookSettings = (): GatewaySettings['webhooks'] => live.settings().webhooks;
  const sender = new WebhookSender({
    store: webhooks,
    name: ids.next('whs'),
    settings: webhookSettings,
    publicUrl: () => live.settings().publicUrl,
    doors: machineDoors,
    clock,
    random: systemRandom(),
    onTrouble,
  });
  const inWorldMs = (realMs: number): number => realMs * clock.speed;
  const keepMs = (): number => inWorldMs(live.settings().jobs.keepMs);
  const blobsClock = systemClock(1);
  const retention = new Retention({ jobs: jobStore, batches, webhooks, blobs, clock, blobsClock, keepMs, onTrouble });
  const stopWaking = jobStore.subscribe(({ kind }) => kind === 'job' && sender.wake());
  const parts: JobParts = { jobs, links, lifeMs: () => inWorldMs(live.settings().jobs.lifeMs) };
  const forgetters = [batches, jobs, webhooks, state].map((kept) => (principal: string) => kept.forget(principal));
  return {
    parts,
    endpoints: [
      ...jobEndpoints(parts, () => live.settings()),
      ...batchEndpoints({ ...parts, batches, tally: jobStore, feeder }, () => live.settings()),
      ...webhookEndpoints({ webhooks, settings: webhookSettings, secrets, wake: () => sender.wake() }),
      dataEndpoint(forgetters),
    ],
    start: () => {
      worker.start();
      feeder.start();
      sender.start();
      retention.start();
    },
    drain: async (withinMs) => {
      await feeder.close();
      await worker.drain(withinMs);
    },
    close: async () => {
      stopWaking();
      await feeder.close();
      await Promise.all([worker.drain(0), retention.close(), sender.close()]);
      links.close();
      await blobs.close();
    },
  };
}
