// A gateway on loopback before the sandbox, on one fast clock, with OpenAI's own client beside it: everything real but the
// store. Renders of minutes take tens of milliseconds; nothing leaves the machine.
import OpenAI from 'openai';
import { compose } from '../../../src/compose.ts';
import { createApp, type GatewayApp } from '../../../src/gateway/http/app.ts';
import type { Endpoint } from '../../../src/gateway/http/endpoint.ts';
import { batchEndpoints } from '../../../src/gateway/http/endpoints/batches.ts';
import { dataEndpoint } from '../../../src/gateway/http/endpoints/data.ts';
import { type EditSettings, editsEndpoint } from '../../../src/gateway/http/endpoints/edits.ts';
import { jobEndpoints } from '../../../src/gateway/http/endpoints/jobs.ts';
import type { HttpEvent } from '../../../src/gateway/http/http-event.ts';
import type { JobParts } from '../../../src/gateway/http/jobs/job-parts.ts';
import type { HttpLimits, HttpSettings } from '../../../src/gateway/http/parts.ts';
import { type RunningServer, startServer } from '../../../src/gateway/http/server.ts';
import type { ImageRouter } from '../../../src/index.ts';
import { BatchFeeder } from '../../../src/jobs/batch-feeder.ts';
import { type ResolvedOptions, resolveOptions } from '../../../src/options.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/index.ts';
import { type Clock, systemClock } from '../../../src/system/clock.ts';
import { systemIds } from '../../../src/system/ids.ts';
import { FakeGatekeeper, FakeIdempotency, FakeTraces } from './fakes.ts';
import { MemoryBatches } from './memory-batches.ts';
import { MemoryJobs } from './memory-jobs.ts';
import { OPEN_LINKS } from './open-links.ts';

export const LIMITS: HttpLimits = {
  jsonBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  idleWriteMs: 60_000,
  heldBytes: 256 * 1024 * 1024,
  waitingRequests: 20_000,
};

const EDIT_LIMITS = { uploadBytes: 16 * 1024 * 1024, referenceBytes: 8 * 1024 * 1024 };

export type WorldOptions = {
  /** World seconds per real second. Default 10: a call that takes 50 ms of real work on a busy machine is still far from its deadline. */
  readonly speed?: number;
  /** Whether calls take their drawn time; default not. */
  readonly latency?: 'model' | 'none';
  readonly limits?: Partial<HttpLimits>;
  readonly heartbeatMs?: number;
  readonly publicUrl?: string;
  readonly aliases?: HttpSettings['aliases'];
  /** Default: the machine's, at `speed`. */
  readonly clock?: Clock;
  /** Puts another router in the place of the one over the sandbox. */
  readonly router?: ImageRouter;
  /** Endpoints beside those the app has by itself. */
  readonly endpoints?: readonly Endpoint[];
  /** Keeps jobs, in memory: made at once, or as the test says. Serves their endpoints, and edits. */
  readonly jobs?: 'made' | 'by-hand';
};

type Built = Pick<
  HttpWorld,
  | 'sandbox'
  | 'router'
  | 'options'
  | 'clock'
  | 'app'
  | 'server'
  | 'gatekeeper'
  | 'idempotency'
  | 'traces'
  | 'told'
  | 'jobs'
  | 'batches'
  | 'feeder'
>;

export class HttpWorld {
  readonly sandbox: Sandbox;
  readonly router: ImageRouter;
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly app: GatewayApp;
  readonly server: RunningServer;
  readonly gatekeeper: FakeGatekeeper;
  readonly idempotency: FakeIdempotency;
  readonly traces: FakeTraces;
  readonly told: HttpEvent[];
  readonly jobs: MemoryJobs;
  readonly batches: MemoryBatches;
  readonly feeder: BatchFeeder;

  private constructor(built: Built) {
    this.sandbox = built.sandbox;
    this.router = built.router;
    this.options = built.options;
    this.clock = built.clock;
    this.app = built.app;
    this.server = built.server;
    this.gatekeeper = built.gatekeeper;
    this.idempotency = built.idempotency;
    this.traces = built.traces;
    this.told = built.told;
    this.jobs = built.jobs;
    this.batches = built.batches;
    this.feeder = built.feeder;
  }

  static async open(options: WorldOptions = {}): Promise<HttpWorld> {
    const clock = options.clock ?? systemClock(options.speed ?? 10);
    const { routes } = resolveOptions({ endpoints: [{ id: 'none', provider: 'openai', baseUrl: 'http://127.0.0.1:9', apiKey: 'k' }] });
    const sandbox = await startSandbox({ routes, clock, pictures: 'light', latency: options.latency ?? 'none', imagesPerMinute: Infinity });
    const resolved = resolveOptions({ endpoints: sandbox.endpoints, speed: clock.speed });
    const router = options.router ?? compose(resolved, { clock });
    await router.ready();
    const limits = { ...LIMITS, ...options.limits };
    const settings: HttpSettings = {
      aliases: options.aliases ?? {},
      limits,
      heartbeatMs: options.heartbeatMs ?? 15_000,
      publicUrl: options.publicUrl,
    };
    const [gatekeeper, idempotency, traces] = [new FakeGatekeeper(), new FakeIdempotency(), new FakeTraces()];
    const told: HttpEvent[] = [];
    const jobs = new MemoryJobs(clock, options.jobs === 'made' ? router : undefined);
    const parts: JobParts = { jobs, links: OPEN_LINKS, lifeMs: () => 86_400_000 };
    const editSettings = (): EditSettings => ({ limits: { ...EDIT_LIMITS, ...limits }, imageUrls: { allow: false, hosts: [] } });
    const batches = new MemoryBatches();
    const feeder = new BatchFeeder({ batches, store: jobs, jobs, clock, onTrouble: (error) => console.error(error) });
    if (options.jobs !== undefined) feeder.start();
    const batchParts = { ...parts, batches, tally: jobs, feeder };
    const data = dataEndpoint([batches, jobs].map((kept) => (principal: string) => kept.forget(principal)));
    const ofJobs =
      options.jobs === undefined
        ? []
        : [editsEndpoint(editSettings), ...jobEndpoints(parts, editSettings), ...batchEndpoints(batchParts, editSettings), data];
    const app = createApp(
      {
        ...(options.jobs === undefined ? {} : { jobs: parts }),
        router: () => router,
        options: () => resolved,
        settings: () => settings,
        gatekeeper,
        idempotency,
        traces,
        clock,
        ids: systemIds(),
        observer: { http: (event) => told.push(event), metricsText: async () => '# metrics\n' },
        isDraining: () => false,
      },
      [...(options.endpoints ?? []), ...ofJobs],
    );
    const server = await startServer(app, { host: '127.0.0.1', port: 0, limits, ids: systemIds() });
    return new HttpWorld({
      sandbox,
      router,
      options: resolved,
      clock,
      app,
      server,
      gatekeeper,
      idempotency,
      traces,
      told,
      jobs,
      batches,
      feeder,
    });
  }

  get url(): string {
    return this.server.url;
  }

  client(options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
    return new OpenAI({ apiKey: 'test-key', baseURL: `${this.url}/v1`, maxRetries: 0, ...options });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers });
  }

  /** Every request that ended so far. */
  ended(): readonly Extract<HttpEvent, { kind: 'request-end' }>[] {
    return this.told.flatMap((event) => (event.kind === 'request-end' ? [event] : []));
  }

  /** Resolves once `condition` holds: what another process or socket does is waited for, never timed. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async close(): Promise<void> {
    await this.feeder.close();
    await this.server.drain(0);
    await this.router.close();
    await this.sandbox.close();
  }
}
