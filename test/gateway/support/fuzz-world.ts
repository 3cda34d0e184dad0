// A gateway before a sandbox that answers at once, for the fuzz run, with everything it says about itself collected: its
// log at the most talkative level, the traces it keeps, output, uncaught errors. The run looks for canaries among them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { KNOWN_JOB } from '../../../bench/gateway/fuzz/cases.ts';
import { compose } from '../../../src/compose.ts';
import { createApp } from '../../../src/gateway/http/app.ts';
import { batchEndpoints } from '../../../src/gateway/http/endpoints/batches.ts';
import { editsEndpoint } from '../../../src/gateway/http/endpoints/edits.ts';
import { jobEndpoints } from '../../../src/gateway/http/endpoints/jobs.ts';
import { webhookEndpoints } from '../../../src/gateway/http/endpoints/webhooks.ts';
import { startServer } from '../../../src/gateway/http/server.ts';
import { createObserver } from '../../../src/gateway/observe/observer.ts';
import { openSqliteStores } from '../../../src/gateway/store/open-sqlite.ts';
import type { ImageRouter } from '../../../src/index.ts';
import { BatchFeeder } from '../../../src/jobs/batch-feeder.ts';
import { DEFAULT_WEBHOOKS } from '../../../src/jobs/webhooks/settings.ts';
import { resolveOptions } from '../../../src/options.ts';
import { startSandbox } from '../../../src/sandbox/index.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { systemSecrets } from '../../../src/system/secrets.ts';
import { FakeGatekeeper, FakeIdempotency } from './fakes.ts';
import { MemoryBatches } from './memory-batches.ts';
import { MemoryJobs } from './memory-jobs.ts';
import { OPEN_LINKS } from './open-links.ts';

export type FuzzWorld = {
  readonly port: number;
  readonly url: string;
  /** Whatever the gateway logged, kept as a trace or wrote. */
  readonly said: () => readonly string[];
  /** Errors nobody caught. */
  readonly accidents: readonly string[];
  close(): Promise<void>;
};

const FIRST = { origin: { kind: 'request' }, lineage: undefined, maxCost: undefined, lifeMs: undefined } as const;
const MEBIBYTE = 1024 * 1024;
const LIMITS = {
  jsonBytes: MEBIBYTE,
  uploadBytes: 4 * MEBIBYTE,
  referenceBytes: 2 * MEBIBYTE,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 5_000,
  bodyTimeoutMs: 5_000,
  idleWriteMs: 60_000,
  heldBytes: 256 * MEBIBYTE,
  waitingRequests: 20_000,
};
/** A budget of six seconds is 300 ms: enough for a sandbox that does not wait, on a machine that is busy. */
const SPEED = 20;

export async function openFuzzWorld(): Promise<FuzzWorld> {
  const clock = systemClock(SPEED);
  const { routes } = resolveOptions({ endpoints: [{ id: 'none', provider: 'openai', baseUrl: 'http://127.0.0.1:9', apiKey: 'k' }] });
  const sandbox = await startSandbox({
    routes,
    clock,
    latency: 'none',
    pictures: 'tiny',
    imagesPerMinute: Number.POSITIVE_INFINITY,
    seed: 'fuzz',
  });
  const options = resolveOptions({ endpoints: sandbox.endpoints, speed: SPEED });
  const said: string[] = [];
  const observer = await createObserver({
    clock,
    logLevel: 'debug',
    logDestination: { write: (line) => void said.push(line) },
    otlpEndpoint: undefined,
    modelOf: () => undefined,
    health: () => router.health(),
    load: () => ({ running: 0, heldBytes: 0 }),
  });
  const router: ImageRouter = compose(options, { clock, listener: observer.listener });
  await router.ready();
  const settings = { aliases: {}, limits: LIMITS, heartbeatMs: 15_000, imageUrls: { allow: true, hosts: [] } };
  const nothing = {
    resolve: () => Promise.reject(new Error('no names here')),
    dial: () => Promise.reject(new Error('no connections here')),
  };
  const jobs = new MemoryJobs(clock, router);
  await jobs.submit([{ id: KNOWN_JOB, principal: 'loopback', request: { prompt: 'a fox', tier: 'preview' }, model: 'preview', ...FIRST }]);
  while (jobs.kept.get(KNOWN_JOB)?.job.endedAt === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  const batches = new MemoryBatches();
  const feeder = new BatchFeeder({ batches, store: jobs, jobs, clock, onTrouble: (error) => void said.push(inspect(error)) });
  feeder.start();
  const parts = { jobs, links: OPEN_LINKS, lifeMs: () => 86_400_000 };
  const dataDir = await mkdtemp(join(tmpdir(), 'image-router-fuzz-'));
  const { store, webhooks } = openSqliteStores({ dataDir, clock, owner: 'fuzz' });
  const app = createApp(
    {
      jobs: parts,
      router: () => router,
      options: () => options,
      settings: () => settings,
      gatekeeper: new FakeGatekeeper(),
      idempotency: new FakeIdempotency(),
      traces: { keep: (principal, trace) => void said.push(JSON.stringify([principal, trace])), find: async () => undefined },
      clock,
      ids: systemIds(),
      observer,
      isDraining: () => false,
    },
    [
      editsEndpoint(() => settings, nothing),
      ...jobEndpoints(parts, () => settings, nothing),
      ...batchEndpoints({ ...parts, batches, tally: jobs, feeder }, () => settings),
      ...webhookEndpoints({ webhooks, settings: () => DEFAULT_WEBHOOKS, secrets: systemSecrets(), wake: () => undefined }),
    ],
  );
  const server = await startServer(app, { host: '127.0.0.1', port: 0, limits: LIMITS, ids: systemIds() });
  const accidents: string[] = [];
  const note = (error: unknown): void => void accidents.push(inspect(error));
  process.on('uncaughtException', note).on('unhandledRejection', note).on('warning', note);
  const restore = [tap(process.stdout, said), tap(process.stderr, said)];
  return {
    port: server.port,
    url: server.url,
    said: () => said,
    accidents,
    close: async () => {
      for (const undo of restore) undo();
      process.off('uncaughtException', note).off('unhandledRejection', note).off('warning', note);
      await feeder.close();
      await server.drain(2_000);
      await jobs.settled();
      await store.close();
      await rm(dataDir, { recursive: true, force: true });
      await router.close();
      await observer.close();
      await sandbox.close();
    },
  };
}

/** Listens to what is written to a stream, and lets it pass. */
function tap(stream: NodeJS.WriteStream, said: string[]): () => void {
  const { write } = stream;
  const spy = (chunk: unknown, ...rest: readonly unknown[]): boolean => {
    said.push(String(chunk));
    return Reflect.apply(write, stream, [chunk, ...rest]) === true;
  };
  Reflect.set(stream, 'write', spy);
  return () => void Reflect.set(stream, 'write', write);
}
