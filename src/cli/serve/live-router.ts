// The router a gateway serves with, and how it is changed while requests run: a good new configuration is composed beside the
// old one and takes its place at once; the old router ends when the last request it took has ended. A router whose options
// did not change is kept, with all it has learned. A bad configuration changes nothing.
import { isDeepStrictEqual } from 'node:util';
import { compose } from '../../compose.ts';
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import type { ImageRouter } from '../../index.ts';
import type { ResolvedOptions } from '../../options.ts';
import type { Clock } from '../../system/clock.ts';
import type { Listener } from '../../telemetry/event.ts';
import type { HealthNews } from '../../telemetry/health-news.ts';
import type { Config } from '../config/config-file.ts';

export type Replaced = {
  /** `router`: requests from now on go by other options; `settings`: only the gateway's own part is another. */
  readonly changed: 'nothing' | 'settings' | 'router';
  /** Names of what the new configuration says and only a restart can change. */
  readonly needsRestart: readonly string[];
};

export type LiveRouter = {
  readonly router: () => ImageRouter;
  readonly options: () => ResolvedOptions;
  readonly settings: () => GatewaySettings;
  /** Takes a new configuration into use. */
  replace(config: Config): Replaced;
  /** Waits for every router that was ever in use. */
  close(): Promise<void>;
};

/** `news`: what processes on the same store tell each other; undefined: there are none. */
export function createLiveRouter(first: Config, clock: Clock, listener: Listener, news?: HealthNews): LiveRouter {
  const doors = { clock, listener, ...(news === undefined ? {} : { news }) };
  const start = ({ options }: Config): ImageRouter => compose(options, doors);
  let config = first;
  let router = start(first);
  const ending = new Set<Promise<void>>();

  const swap = (next: Config): void => {
    const old = router;
    router = start(next);
    const ended = old.close().finally(() => ending.delete(ended));
    ending.add(ended);
  };
  return {
    router: () => router,
    options: () => config.options,
    settings: () => config.gateway,
    replace: (wanted) => {
      const next = withFixed(wanted, config);
      const needsRestart = differences(wanted, next);
      const isSameRouter = isDeepStrictEqual(next.options, config.options);
      const isSameGateway = isDeepStrictEqual(next.gateway, config.gateway);
      if (!isSameRouter) swap(next);
      config = next;
      return { changed: isSameRouter ? (isSameGateway ? 'nothing' : 'settings') : 'router', needsRestart };
    },
    close: async () => {
      await Promise.all([router.close(), ...ending]);
    },
  };
}

/** Read once, when the gateway starts: it listens, its files are open, its clock runs. */
const FIXED = ['host', 'port', 'dataDir', 'otlpEndpoint', 'logLevel', 'traceTtlMs', 'idempotencyTtlMs', 'bucket'] as const;
const FIXED_LIMITS = ['headerBytes', 'headersTimeoutMs', 'bodyTimeoutMs'] as const;

/** What is wanted, with what cannot change left as it is. */
function withFixed({ options, gateway }: Config, now: Config): Config {
  const { host, port, dataDir, otlpEndpoint, logLevel, traceTtlMs, idempotencyTtlMs, bucket } = now.gateway;
  const { headerBytes, headersTimeoutMs, bodyTimeoutMs } = now.gateway.limits;
  const { otlpEndpoint: _, bucket: __, ...wanted } = gateway;
  const given = { ...(otlpEndpoint === undefined ? {} : { otlpEndpoint }), ...(bucket === undefined ? {} : { bucket }) };
  const limits = { ...gateway.limits, headerBytes, headersTimeoutMs, bodyTimeoutMs };
  const jobs = { ...gateway.jobs, concurrency: now.gateway.jobs.concurrency };
  return {
    options: { ...options, speed: now.options.speed },
    gateway: { ...wanted, ...given, host, port, dataDir, logLevel, traceTtlMs, idempotencyTtlMs, limits, jobs },
  };
}

function differences(wanted: Config, next: Config): readonly string[] {
  return [
    ...(wanted.options.speed === next.options.speed ? [] : ['speed']),
    ...FIXED.filter((name) => !isDeepStrictEqual(wanted.gateway[name], next.gateway[name])).map((name) => `gateway.${name}`),
    ...(wanted.gateway.jobs.concurrency === next.gateway.jobs.concurrency ? [] : ['gateway.jobs.concurrency']),
    ...FIXED_LIMITS.filter((name) => wanted.gateway.limits[name] !== next.gateway.limits[name]).map((name) => `gateway.limits.${name}`),
  ];
}
