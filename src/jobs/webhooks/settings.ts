// What the sending of webhooks may be told. Times are real milliseconds: receivers live outside a sandbox's time.
export type WebhookSettings = {
  /** http to this very machine, for development and tests; anything else is https to public addresses, always. */
  readonly allowInsecureLoopback: boolean;
  /** For a whole try: name, connection, answer. Standard Webhooks advises 15 to 30 seconds. */
  readonly timeoutMs: number;
  /** Tries at once, of one process. */
  readonly concurrency: number;
  /** Of them to one endpoint, of all processes together: a receiver that hangs takes no more places than these. */
  readonly perEndpoint: number;
  /** Endpoints of one key. `perEndpoint` times this should be less than `concurrency`, or one key can hold up all others. */
  readonly endpointsPerKey: number;
};

export const DEFAULT_WEBHOOKS: WebhookSettings = {
  allowInsecureLoopback: false,
  timeoutMs: 20_000,
  concurrency: 64,
  perEndpoint: 4,
  endpointsPerKey: 10,
};
