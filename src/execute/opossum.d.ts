// The part of opossum 10 that breaker.ts uses. Written out because @types/opossum stops at version 8; what is not
// declared here (timeouts, abort controllers, error filters, caches) cannot be used by accident.
declare module 'opossum' {
  import type { EventEmitter } from 'node:events';

  type Options = {
    readonly timeout: false;
    /** Read anew at every opening, in real milliseconds. */
    resetTimeout: number;
    readonly volumeThreshold: number;
    readonly errorThresholdPercentage: number;
    readonly rollingCountBuckets: number;
    readonly rollingPercentilesEnabled: false;
    readonly enableSnapshots: false;
    /** Emits `rotate` when a bucket ends; without it every breaker starts an interval timer. */
    readonly rotateBucketController: EventEmitter;
  };

  class CircuitBreaker<Input extends unknown[]> {
    constructor(action: (...input: Input) => Promise<unknown>, options: Options);
    readonly closed: boolean;
    readonly opened: boolean;
    readonly halfOpen: boolean;
    fire(...input: Input): Promise<unknown>;
    open(): void;
    close(): void;
    shutdown(): void;
    on(event: 'open' | 'halfOpen' | 'close', listener: () => void): this;
  }

  export = CircuitBreaker;
}
