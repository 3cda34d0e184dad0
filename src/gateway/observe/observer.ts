// Everything that watches the gateway, behind one door: log, metrics, spans. Each is a fold of the same two unions of events;
// none can slow a request down by more than the fold itself, or fail it.

import type { DestinationStream } from 'pino';
import { BoundedMap } from '../../domain/bounded-map.ts';
import type { Clock } from '../../system/clock.ts';
import { type Listener, type RouterEvent, tell } from '../../telemetry/event.ts';
import type { HttpEvent } from '../http/http-event.ts';
import type { Gauges } from './gauges.ts';
import { createLog, type Facts, type Log } from './log.ts';
import type { LogLevel } from './log-level.ts';
import { createMetrics } from './metrics.ts';
import { RunBook, type Told } from './runs.ts';
import type { ModelOf } from './span-attributes.ts';
import { createSpans } from './spans.ts';
import { loadSdk, type SdkLoader } from './tracing-sdk.ts';

export type ObserverOptions = Gauges & {
  readonly clock: Clock;
  readonly logLevel: LogLevel;
  /** Undefined: standard error. */
  readonly logDestination: DestinationStream | undefined;
  /** Base URL of an OTLP/HTTP collector; undefined: no spans are made. */
  readonly otlpEndpoint: string | undefined;
  readonly modelOf: ModelOf;
  /** Default: the packages themselves, imported when `otlpEndpoint` is set. */
  readonly loadTracing?: SdkLoader;
};

export interface Observer {
  /** Given to the router as its listener. */
  readonly listener: Listener;
  http(event: HttpEvent): void;
  /** Something about the gateway itself: started, reloaded, refused a file. */
  readonly note: Log['note'];
  /** Something that must not happen and belongs to no request: a store that refuses a record. */
  defect(where: string, error: unknown): void;
  /** Records that cannot be reached or written for a while; to be told once. `facts` must hold nothing of a request. */
  outage(where: string, facts: Facts): void;
  metricsText(): Promise<string>;
  /** Writes and sends what is left. */
  close(): Promise<void>;
}

/** More requests are not open at once: the server's own limits are far below. */
const MOST_OPEN = 200_000;

/** Rejects with `invalid_config` when spans are asked for and their packages are not installed. */
export async function createObserver(options: ObserverOptions): Promise<Observer> {
  const { clock, otlpEndpoint, modelOf, loadTracing = loadSdk } = options;
  const log = createLog(options.logLevel, options.logDestination, clock);
  const spans = otlpEndpoint === undefined ? undefined : await createSpans({ otlpEndpoint, modelOf, clock, loadSdk: loadTracing });
  const metrics = createMetrics(options, clock);
  const book = new RunBook();
  const open = new BoundedMap<string, true>(MOST_OPEN);

  const hearRouter = (event: RouterEvent): void => {
    const told = event.kind === 'request' ? book.take(event.requestId, event.event, clock.now()) : NOTHING;
    metrics.router(event, told);
    log.router(event);
    if (told.ended !== undefined) spans?.run(told.ended);
  };
  const hearHttp = (event: HttpEvent): void => {
    if (event.kind === 'request-start') open.set(event.id, true);
    if (event.kind === 'request-end') open.take(event.id);
    metrics.http(event);
    log.http(event, event.kind === 'images-end' && open.get(event.id) === undefined);
    spans?.http(event);
  };
  return {
    listener: (event) => tell(hearRouter, event),
    http: (event) => tell(hearHttp, event),
    note: log.note,
    defect: (where, error) => {
      metrics.defect(where);
      log.defect(where, error, undefined);
    },
    outage: (where, facts) => {
      metrics.defect(where);
      log.note('error', 'store-outage', { where, ...facts });
    },
    metricsText: () => metrics.text(),
    close: async () => {
      await Promise.allSettled([spans?.close(), metrics.close()]);
      await log.close();
    },
  };
}

const NOTHING: Told = { attempt: undefined, ended: undefined };
