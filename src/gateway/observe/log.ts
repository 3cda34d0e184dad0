// The gateway's log: one line of JSON for each request that ended, each breaker that changed, and each thing that went
// wrong. What a line may hold is listed here field by field; prompts, pictures, keys and headers are in no event, so no
// line can have them.
import pino, { type DestinationStream, type Logger } from 'pino';
import type { RouterEvent } from '../../telemetry/event.ts';
import type { HttpEvent } from '../http/http-event.ts';

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Log = {
  router(event: RouterEvent): void;
  http(event: HttpEvent): void;
  /** Something about the gateway itself: started, reloaded, refused a file. `facts` must hold nothing of a request. */
  note(level: 'info' | 'warn' | 'error', event: string, facts: Readonly<Record<string, unknown>>): void;
};

/** Endpoints that are asked every few seconds by machines; their lines are for debugging. */
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

/** `destination` undefined: standard error, written as it comes. */
export function createLog(level: LogLevel, destination: DestinationStream | undefined): Log {
  const logger = pino(
    { level, base: null, formatters: { level: (label) => ({ level: label }) } },
    destination ?? pino.destination({ fd: 2, sync: false }),
  );
  return {
    router: (told) => logRouter(logger, told),
    http: (event) => logHttp(logger, event),
    note: (noteLevel, event, facts) => logger[noteLevel]({ event, ...facts }),
  };
}

function logRouter(logger: Logger, told: RouterEvent): void {
  if (told.kind === 'breaker-change') {
    const { target, operation, from, to, reason } = told;
    logger[to === 'open' ? 'warn' : 'info']({ event: 'breaker-change', target, operation, from, to, reason });
    return;
  }
  if (!logger.isLevelEnabled('debug')) return;
  const { event } = told;
  if (event.kind === 'attempt-start') {
    const { attempt, target, role, atMs } = event;
    logger.debug({ event: event.kind, trace: told.requestId, attempt, target, role, at_ms: Math.round(atMs) });
  }
  if (event.kind === 'attempt-end') {
    const failure = event.end.kind === 'failed' ? event.end.failure : undefined;
    const why = failure === undefined ? {} : { kind: failure.kind, fault: failure.fault, status: failure.status };
    logger.debug({ event: event.kind, trace: told.requestId, attempt: event.attempt, target: event.target, end: event.end.kind, ...why });
  }
}

function logHttp(logger: Logger, event: HttpEvent): void {
  if (event.kind === 'request-start') return;
  if (event.kind === 'request-defect') {
    // The stack says where; the message of a defect may quote what it stumbled over.
    const { error } = event;
    const frames =
      error instanceof Error
        ? error.stack
            ?.split('\n')
            .filter((line) => /^\s+at /.test(line))
            .slice(0, 6)
        : undefined;
    logger.error({ event: 'defect', id: event.id, where: event.where, error: error instanceof Error ? error.name : typeof error, frames });
    return;
  }
  const level = event.status >= 500 ? 'warn' : PROBES.has(event.endpoint) ? 'debug' : 'info';
  logger[level]({
    event: 'request',
    id: event.id,
    method: event.method,
    endpoint: event.endpoint,
    status: event.status,
    ms: Math.round(event.ms),
    bytes: event.bytes,
    principal: event.principal,
    code: event.code,
    trace: event.traceId,
    route: event.route,
    tier: event.tier,
    degraded: event.degraded,
    cost_micro_usd: event.costMicroUsd,
    deadline_met: event.deadlineMet,
  });
}
