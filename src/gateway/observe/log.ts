// The gateway's log: one line of JSON for each request that ended, each breaker that changed, and each thing that went
// wrong. What a line may hold is listed here field by field: numbers, and names from the configuration. Prompts, pictures,
// keys and headers are in no event; what providers said is in none of these lines but a breaker's reason, scrubbed where
// it came in and once more here. pino's `redact` is the second net, for a field that somebody adds one day.
import pino, { type DestinationStream, type Logger, stdTimeFunctions } from 'pino';
import { publicMessage } from '../../providers/public-message.ts';
import type { Clock } from '../../system/clock.ts';
import type { RouterEvent } from '../../telemetry/event.ts';
import type { HttpEvent, ImageFacts } from '../http/http-event.ts';
import { codeOf } from './error-code.ts';
import type { LogLevel } from './log-level.ts';
import { describeStep } from './log-steps.ts';
import { LotsOfLines } from './lots-of-lines.ts';

/** What the gateway says of itself, beside requests. */
export const NOTES = ['start', 'drain', 'stop', 'reload', 'reload-problem', 'reload-refused', 'store-outage', 'store-back'] as const;
export type Note = (typeof NOTES)[number];

/** Flat, so that no object with more in it than was thought can slip into a line. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

export type Log = {
  router(event: RouterEvent): void;
  /** `isLate`: the line of its request was written before. */
  http(event: HttpEvent, isLate: boolean): void;
  /** `facts` must hold nothing of a request. */
  note(level: 'info' | 'warn' | 'error', event: Note, facts: Facts): void;
  /** A bug, or a record the store refused. */
  defect(where: string, error: unknown, id: string | undefined): void;
  close(): Promise<void>;
};

/** Endpoints that are asked every few seconds by machines; their lines are for debugging. */
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

/** Names under which a secret or a prompt would travel. No line has such a field. */
const NEVER = ['prompt', 'image', 'images', 'mask', 'b64_json', 'body', 'user', 'tenant', 'url', 'headers', 'cookie'];
const NEVER_EITHER = ['authorization', 'apiKey', 'api_key', 'key', 'secret', 'token', 'password', 'message', 'traceparent'];

/** `destination` undefined: standard error, written in lots a few times a second, and at once when something went wrong. */
export function createLog(level: LogLevel, destination: DestinationStream | undefined, clock: Clock): Log {
  // With a least length, however small, flushing waits for what is being written.
  const lots = destination === undefined ? new LotsOfLines(pino.destination({ fd: 2, sync: false, minLength: 1 }), clock) : undefined;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: [...NEVER, ...NEVER_EITHER],
    },
    destination ?? lots,
  );
  return {
    router: (told) => logRouter(logger, told),
    http: (event, isLate) => logHttp(logger, event, isLate),
    note: (noteLevel, event, facts) => logger[noteLevel]({ event, ...scrubbed(facts) }),
    defect: (where, error, id) => logDefect(logger, where, error, id),
    close: () => lots?.close() ?? new Promise((resolve) => logger.flush(() => resolve())),
  };
}

function logRouter(logger: Logger, told: RouterEvent): void {
  if (told.kind === 'breaker-change') {
    const { target, operation, from, to, reason } = told;
    logger[to === 'open' ? 'warn' : 'info']({ event: 'breaker-change', target, operation, from, to, reason: scrub(reason) });
    return;
  }
  if (!logger.isLevelEnabled('debug')) return;
  const { event, requestId } = told;
  const level = event.kind === 'attempt-start' || event.kind === 'attempt-end' ? 'debug' : 'trace';
  if (!logger.isLevelEnabled(level)) return;
  logger[level]({ event: event.kind, trace: requestId, part: event.part, at_ms: Math.round(event.atMs), ...describeStep(event) });
}

function logHttp(logger: Logger, event: HttpEvent, isLate: boolean): void {
  switch (event.kind) {
    case 'request-start':
      logger.trace({ event: event.kind, id: event.id, method: event.method, endpoint: event.endpoint });
      return;
    case 'images-end':
      if (isLate) logger.info({ event: event.kind, id: event.id, ...imageFields(event) });
      return;
    case 'request-defect':
      logDefect(logger, event.where, event.error, event.id);
      return;
    case 'request-end':
      logger[event.status >= 500 ? 'warn' : PROBES.has(event.endpoint) ? 'debug' : 'info']({
        event: 'request',
        id: event.id,
        method: event.method,
        endpoint: event.endpoint,
        status: event.status,
        ms: Math.round(event.ms),
        bytes: event.bytes,
        principal: event.principal,
        ...imageFields(event),
      });
      return;
  }
}

function imageFields(facts: ImageFacts) {
  return {
    code: facts.code,
    trace: facts.traceId,
    route: facts.route,
    tier: facts.tier,
    degraded: facts.degraded,
    policy: facts.policy,
    attempts: facts.attempts,
    cost_micro_usd: facts.costMicroUsd,
    deadline_met: facts.deadlineMet,
    chance: facts.predictedChance === undefined ? undefined : Math.round(facts.predictedChance * 1_000) / 1_000,
  };
}

/** More would only be the frames of whoever called the gateway. */
const MOST_FRAMES = 6;

function logDefect(logger: Logger, where: string, error: unknown, id: string | undefined): void {
  const name = error instanceof Error ? error.name : typeof error;
  logger.error({ event: 'defect', id, where, error: name, code: codeOf(error) ?? causeCode(error), frames: framesOf(error) });
}

/** A record that was refused: the store's own error says only that it was. */
function causeCode(error: unknown): string | undefined {
  return error instanceof Error ? codeOf(error.cause) : undefined;
}

/** The stack says where; the message of a defect may quote what it stumbled over, several lines of it. */
function framesOf(error: unknown): readonly string[] | undefined {
  if (!(error instanceof Error)) return undefined;
  const { stack = '', message } = error;
  const told = stack.indexOf(message);
  // A message changed after the stack was taken is in the stack as it was before: then nothing of it can be told apart.
  const frames = told < 0 ? '' : stack.slice(told + message.length);
  return frames
    .split('\n')
    .filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line))
    .slice(0, MOST_FRAMES);
}

function scrubbed(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, typeof value === 'string' ? scrub(value) : value]));
}

/** No text has it: the keys themselves are not known here, only what keys look like. */
const NO_KEY = '\u0000';

/** What a link carries after its path may be a signature. */
const LINK_TAIL = /(https?:\/\/[^\s?#]+)[?#]\S*/g;

function scrub(text: string): string {
  return publicMessage(text, { apiKey: NO_KEY, prompt: '' }).replace(LINK_TAIL, '$1');
}
