// Trouble comes in incidents, not in single calls. One failure is as likely the start of an incident as bad luck: providers
// spend 3.5 % of the time in incidents in which about 60 % of calls fail, and fail 1.5 % of calls otherwise, so after one
// failure the next call at the same endpoint succeeds about 65 times in 100. Silence is rarer without an incident, and
// incidents last (median 87 min): after one silent call, 30 in 100. Sources: public incident records of 2023-2024.

/** The factor on the success of a call, given one earlier call of the same request at the same endpoint. */
export const SUCCESS_AFTER = { silent: 0.3, failed: 0.65 } as const;

/** Failed calls answer after a median of 3 s (production traces); some never do. */
export const FAST_FAILURE_MS = 3_000;

/** A call older than this quantile of its route's latency has gone silent: a hedge may start, and the rest is re-planned. */
export const SILENT_QUANTILE = 0.99;
