// Everything that watches the gateway, behind one door: log, metrics, spans. Each is a fold of the same two unions of events;
// none can slow a request down by more than the fold itself, or fail it.
import type { DestinationStream } from 'pino';
import type { Clock } from '../../system/clock.ts';
import type { Listener } from '../../telemetry/event.ts';
import type { HttpEvent } from '../http/http-event.ts';
import { AttemptBook } from './attempts.ts';
import { createLog, type Log, type LogLevel } from './log.ts';
import { createMetrics, type Gauges } from './metrics.ts';
import { createSpans, type SpansOptions } from './spans.ts';

export type ObserverOptions = Gauges & {
  readonly clock: Clock;
  readonly logLevel: LogLevel;
  /** Undefined: standard error. */
  readonly logDestination: DestinationStream | undefined;
  /** Base URL of an OTLP/HTTP collector; undefined: no spans are made. */
  readonly otlpEndpoint: string | undefined;
  readonly modelOf: SpansOptions['modelOf'];
};

export interface Observer {
  /** Given to the router as its listener. */
  readonly listener: Listener;
  http(event: HttpEvent): void;
  readonly note: Log['note'];
  metricsText(): Promise<string>;
  /** Sends what is left to send. */
  close(): Promise<void>;
}

/** Rejects with `invalid_config` when spans are asked for and their packages are not installed. */
export async function createObserver(options: ObserverOptions): Promise<Observer> {
  const { clock, otlpEndpoint, modelOf } = options;
  const log = createLog(options.logLevel, options.logDestination);
  const spans =
    otlpEndpoint === undefined
      ? undefined
      : await createSpans({ otlpEndpoint, modelOf, speed: clock.speed, wallMs: () => clock.wall().getTime() });
  const metrics = createMetrics(options);
  const book = new AttemptBook();
  return {
    listener: (event) => {
      const ended = event.kind === 'request' ? book.take(event.requestId, event.event) : undefined;
      metrics.router(event, ended);
      log.router(event);
      if (ended !== undefined) spans?.run(ended);
    },
    http: (event) => {
      metrics.http(event);
      log.http(event);
      spans?.http(event);
    },
    note: log.note,
    metricsText: () => metrics.text(),
    close: async () => {
      await Promise.allSettled([spans?.close(), metrics.close()]);
    },
  };
}
