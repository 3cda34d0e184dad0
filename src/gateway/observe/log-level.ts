// How much the gateway says, from nothing to every step of every request. A file of its own, so that reading a
// configuration does not load the log.

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
