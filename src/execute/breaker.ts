// One target's breaker for one operation. opossum is the breaker and its state is the only truth; everything here keeps it honest.
// A call is admitted by that state and fires opossum only when it settles, with its evidence: opossum never holds, times or
// aborts a call, and ignored evidence (which it has no word for) never reaches it. What happens to late results:
// - closed: evidence counts. Five failures in a row, or more than half of ten and more, open it.
// - open: results of calls begun before are dropped; after the reset time opossum goes half-open by itself.
// - half-open: one probe holds the token and only its result decides. A probe that is cancelled or never settles re-opens.
// The obvious way, wrapping the call in fire(), lets a call begun before the outage close the breaker during it.
import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { TargetId } from '../domain/route.ts';
import { after, type InstantMs } from '../domain/time.ts';
import type { Admission } from '../domain/view.ts';
import type { Operation } from '../domain/vocabulary.ts';
import type { CancelTimer, Clock } from '../system/clock.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export type BreakerChange = {
  readonly target: TargetId;
  readonly operation: Operation;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: string;
  readonly at: InstantMs;
};

export type BreakerOptions = {
  /** Failures in a row that open. Envoy's and cockatiel's default; at 3 % background failures one chance in 40 million. */
  readonly consecutiveFailures: number;
  /** Evidence needed in the window before its percentage counts: six of ten failing by chance at 3 % is one in 7 million. */
  readonly volumeThreshold: number;
  /** Opens when more than this share of the window failed. */
  readonly failurePercent: number;
  /** World milliseconds evidence stays in the window: longer than the slowest call (a complex wide high, p99 about 10 min). */
  readonly windowMs: number;
  /** World milliseconds before the first probe: short beside an incident (median 44 min to mitigation); asking too early costs one probe. */
  readonly firstResetMs: number;
  /** Each opening in a row waits twice as long, up to Envoy's cap: 12 probes an hour in a long outage, 5 min lost after it at worst. */
  readonly longestResetMs: number;
  /** A probe not settled by then re-opens: a safety net, since every attempt has its own deadline and settles by it. */
  readonly probeLeaseMs: number;
};

/** Fifteen slices of a minute: evidence leaves the window in small steps. */
const BUCKETS = 15;

/**
 * How an admitted call ended. `ignored`: it was cut off and says nothing, so a probe has to be repeated after a wait.
 * `unused`: it was never sent, or its answer says nothing about health: a probe goes to the next call.
 */
export type Settlement = 'for' | 'against' | 'ignored' | 'unused';

/** Permission for one call; settle it exactly once. Compared by identity. */
export type Ticket = {
  readonly target: TargetId;
  readonly operation: Operation;
  readonly isProbe: boolean;
  readonly epoch: number;
  /** Set by `settle`, which takes each once. */
  isSettled?: true;
};

export type Admitted =
  | { readonly kind: 'admitted'; readonly ticket: Ticket }
  | { readonly kind: 'probe'; readonly ticket: Ticket }
  | { readonly kind: 'rejected'; readonly reason: string; readonly retryAt: InstantMs | undefined };

export type BreakerRow = {
  readonly target: TargetId;
  readonly operation: Operation;
  readonly state: BreakerState;
  /** Why it is not closed; undefined while it is. */
  readonly reason: string | undefined;
  readonly retryAt: InstantMs | undefined;
  /** Openings since the last success. */
  readonly openings: number;
  readonly isProbing: boolean;
};

export class Breaker {
  readonly #target: TargetId;
  readonly #operation: Operation;
  readonly #clock: Clock;
  readonly #options: BreakerOptions;
  readonly #onChange: (change: BreakerChange, isHearsay: boolean) => void;
  readonly #circuit: CircuitBreaker<['for' | 'against']>;
  /** opossum's own options object, which it reads the reset time from at every opening. */
  readonly #circuitOptions: { resetTimeout: number };
  /** One per breaker: it is how the window turns without an interval timer, and in world time. */
  readonly #window = new EventEmitter();
  #windowAt: InstantMs;
  #state: BreakerState = 'closed';
  /** Counts changes of state: a ticket of another epoch has been outlived. */
  #epoch = 0;
  #failuresInRow = 0;
  #openings = 0;
  #reason: string | undefined;
  #retryAt: InstantMs | undefined;
  /** How long the opening under way lasts; undefined: as its number says. */
  #heardWaitMs: number | undefined;
  /** Whether the latest opening or closing followed news from another process. */
  #isHearsay = false;
  #probe: { readonly ticket: Ticket; readonly stopLease: CancelTimer } | undefined;

  constructor(
    target: TargetId,
    operation: Operation,
    clock: Clock,
    options: BreakerOptions,
    onChange: (change: BreakerChange, isHearsay: boolean) => void,
  ) {
    this.#target = target;
    this.#operation = operation;
    this.#clock = clock;
    this.#options = options;
    this.#onChange = onChange;
    this.#windowAt = clock.now();
    // A fresh object each: opossum fills in and keeps the one it is given.
    const circuitOptions = {
      timeout: false as const,
      resetTimeout: options.firstResetMs / clock.speed,
      volumeThreshold: options.volumeThreshold,
      errorThresholdPercentage: options.failurePercent,
      rollingCountBuckets: BUCKETS,
      rollingPercentilesEnabled: false as const,
      enableSnapshots: false as const,
      rotateBucketController: this.#window,
    };
    this.#circuitOptions = circuitOptions;
    this.#circuit = new CircuitBreaker(reportEvidence, circuitOptions);
    this.#circuit.on('open', () => this.#changed('open'));
    this.#circuit.on('halfOpen', () => this.#changed('half-open'));
    this.#circuit.on('close', () => this.#changed('closed'));
  }

  admit(): Admitted {
    const admission = this.admission();
    if (admission.kind === 'open') return { kind: 'rejected', reason: admission.reason, retryAt: admission.retryAt };
    const isProbe = admission.kind === 'probe';
    const ticket = { target: this.#target, operation: this.#operation, isProbe, epoch: this.#epoch };
    if (!isProbe) return { kind: 'admitted', ticket };
    const expire = (): void => this.open('the probe did not settle in time');
    this.#probe = { ticket, stopLease: this.#clock.timer(this.#options.probeLeaseMs, expire, { background: true }) };
    return { kind: 'probe', ticket };
  }

  admission(): Admission {
    if (this.#circuit.closed) return { kind: 'closed' };
    if (this.#circuit.halfOpen && this.#probe === undefined) return { kind: 'probe' };
    const reason = this.#circuit.halfOpen ? 'a probe is in flight' : (this.#reason ?? 'open');
    return { kind: 'open', reason, retryAt: this.#retryAt };
  }

  settle(ticket: Ticket, evidence: 'for' | 'against'): void {
    if (ticket.epoch !== this.#epoch || !this.#circuit.closed) return;
    this.#turnWindow();
    this.#failuresInRow = evidence === 'against' ? this.#failuresInRow + 1 : 0;
    this.#reason = `more than ${this.#options.failurePercent} % of recent calls failed`;
    this.#fire(evidence);
    if (this.#failuresInRow >= this.#options.consecutiveFailures) this.open(`${this.#failuresInRow} failures in a row`);
  }

  settleProbe(ticket: Ticket, evidence: Settlement): void {
    if (this.#probe?.ticket !== ticket) return;
    this.#probe.stopLease();
    if (evidence === 'unused') {
      this.#probe = undefined;
    } else if (evidence === 'ignored') {
      // No evidence, so the wait is as long as the last one and not longer.
      this.#openings -= 1;
      this.open('the probe was cancelled');
    } else {
      this.#reason = 'the probe failed';
      // The token stays taken until opossum has changed state: success reaches it a microtask later.
      this.#fire(evidence);
    }
  }

  /** `heardWaitMs`: another process opened its own, for so long. */
  open(reason: string, heardWaitMs?: number): void {
    if (this.#circuit.opened) return;
    this.#reason = reason;
    this.#isHearsay = heardWaitMs !== undefined;
    this.#heardWaitMs = heardWaitMs;
    this.#circuitOptions.resetTimeout = this.#nextResetMs() / this.#clock.speed;
    this.#circuit.open();
  }

  closeAsHeard(): void {
    if (this.#isHearsay && !this.#circuit.closed) this.#circuit.close();
  }

  row(): BreakerRow {
    return {
      target: this.#target,
      operation: this.#operation,
      state: this.#state,
      reason: this.#state === 'closed' ? undefined : this.#reason,
      retryAt: this.#retryAt,
      openings: this.#openings,
      isProbing: this.#probe !== undefined,
    };
  }

  shutdown(): void {
    this.#probe?.stopLease();
    this.#circuit.shutdown();
  }

  /** Hands opossum one piece of evidence. A failure changes its state at once, a success in the next microtask. */
  #fire(evidence: 'for' | 'against'): void {
    this.#isHearsay = false;
    this.#heardWaitMs = undefined;
    this.#circuitOptions.resetTimeout = this.#nextResetMs() / this.#clock.speed;
    this.#circuit.fire(evidence).catch(() => undefined);
  }

  #nextResetMs(): number {
    const { firstResetMs, longestResetMs } = this.#options;
    const waitMs = this.#heardWaitMs === undefined ? firstResetMs * 2 ** this.#openings : Math.max(1, this.#heardWaitMs);
    return Math.min(waitMs, longestResetMs);
  }

  /** The only place where a change of opossum's state is taken over. */
  #changed(to: BreakerState): void {
    const from = this.#state;
    const at = this.#clock.now();
    this.#state = to;
    this.#epoch += 1;
    this.#probe?.stopLease();
    this.#probe = undefined;
    this.#failuresInRow = 0;
    const reason = this.#reasonFor(to);
    if (to === 'open') {
      this.#retryAt = after(at, this.#nextResetMs());
      this.#openings += 1;
    } else {
      this.#retryAt = undefined;
    }
    if (to === 'closed') {
      this.#openings = 0;
      // Otherwise the failures of the outage are still in the window, and the next one alone would open it again.
      this.#turn(BUCKETS);
    }
    this.#onChange({ target: this.#target, operation: this.#operation, from, to, reason, at }, this.#isHearsay);
  }

  #reasonFor(to: BreakerState): string {
    if (to === 'open') return this.#reason ?? 'open';
    if (to === 'half-open') return 'the reset time is over';
    return this.#isHearsay ? 'another process reached it' : 'the probe succeeded';
  }

  /** Moves the window on by whole buckets of world time since it last moved. */
  #turnWindow(): void {
    const bucketMs = this.#options.windowMs / BUCKETS;
    const steps = Math.floor((this.#clock.now() - this.#windowAt) / bucketMs);
    this.#windowAt = after(this.#windowAt, steps * bucketMs);
    this.#turn(Math.min(steps, BUCKETS));
  }

  #turn(steps: number): void {
    for (let step = 0; step < steps; step += 1) this.#window.emit('rotate');
  }
}

/** What opossum believes to be the call. Throwing at once, it opens before anything else can be admitted. */
function reportEvidence(evidence: 'for' | 'against'): Promise<unknown> {
  if (evidence === 'against') throw new Error('evidence against the target');
  return Promise.resolve();
}
