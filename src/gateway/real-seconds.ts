// The callers' seconds: Retry-After counts in them, whatever the speed of the world behind the gateway.

/** World milliseconds as whole seconds of the caller's clock, which Retry-After counts in; at least one. */
export function realSeconds(worldMs: number, speed: number): number {
  return Math.max(1, Math.ceil(worldMs / speed / 1_000));
}
