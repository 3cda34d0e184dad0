// The router a gateway serves with, and how it is changed while requests run: a good new configuration is composed beside the
// old one and takes its place at once; the old router ends when the last request it took has ended. A bad one changes nothing.
import { compose } from '../../compose.ts';
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import type { ImageRouter } from '../../index.ts';
import type { ResolvedOptions } from '../../options.ts';
import type { Clock } from '../../system/clock.ts';
import type { Listener } from '../../telemetry/event.ts';
import type { Config } from '../config/config-file.ts';

export type LiveRouter = {
  readonly router: () => ImageRouter;
  readonly options: () => ResolvedOptions;
  readonly settings: () => GatewaySettings;
  /** Takes a new configuration into use. Names what it says and only a restart can change. */
  replace(config: Config): readonly string[];
  /** Waits for every router that was ever in use. */
  close(): Promise<void>;
};

export function createLiveRouter(first: Config, clock: Clock, listener: Listener): LiveRouter {
  let config = first;
  let router = compose(first.options, { clock, listener });
  const ending = new Set<Promise<void>>();
  return {
    router: () => router,
    options: () => config.options,
    settings: () => config.gateway,
    replace: (next) => {
      const kept = fixedDifferences(config, next);
      const old = router;
      config = { options: { ...next.options, speed: config.options.speed }, gateway: { ...next.gateway, dataDir: config.gateway.dataDir } };
      router = compose(config.options, { clock, listener });
      const ended = old.close().finally(() => ending.delete(ended));
      ending.add(ended);
      return kept;
    },
    close: async () => {
      await Promise.all([router.close(), ...ending]);
    },
  };
}

/** Read once, when the gateway starts. */
const FIXED = ['dataDir', 'otlpEndpoint', 'logLevel', 'drainMs', 'traceTtlMs', 'idempotencyTtlMs'] as const;
const FIXED_LIMITS = ['headerBytes', 'headersTimeoutMs', 'bodyTimeoutMs'] as const;

function fixedDifferences(old: Config, next: Config): readonly string[] {
  return [
    ...(old.options.speed === next.options.speed ? [] : ['speed']),
    ...FIXED.filter((name) => old.gateway[name] !== next.gateway[name]).map((name) => `gateway.${name}`),
    ...FIXED_LIMITS.filter((name) => old.gateway.limits[name] !== next.gateway.limits[name]).map((name) => `gateway.limits.${name}`),
  ];
}
