// Admission to each target: a breaker for every target and operation, made when its first evidence comes. Whatever has none is
// admitted.
import { ByTarget } from '../domain/by-target.ts';
import type { TargetId } from '../domain/route.ts';
import type { Admission } from '../domain/view.ts';
import type { Operation } from '../domain/vocabulary.ts';
import type { Clock } from '../system/clock.ts';
import {
  type Admitted,
  Breaker,
  type BreakerChange,
  type BreakerOptions,
  type BreakerRow,
  type Settlement,
  type Ticket,
} from './breaker.ts';

const BREAKER_DEFAULTS: BreakerOptions = Object.freeze({
  consecutiveFailures: 5,
  volumeThreshold: 10,
  failurePercent: 50,
  windowMs: 15 * 60_000,
  firstResetMs: 15_000,
  longestResetMs: 5 * 60_000,
  probeLeaseMs: 15 * 60_000,
});

export type BreakerNews = { readonly state: 'open'; readonly reason: string; readonly waitMs: number } | { readonly state: 'closed' };

export interface Breakers {
  /** Asks to start a call. `probe`: it is the one call that decides whether the breaker closes. */
  admit(target: TargetId, operation: Operation): Admitted;
  /** Reports how an admitted call ended. A ticket settled before, or outlived by a change of state, changes nothing. */
  settle(ticket: Ticket, evidence: Settlement): void;
  /** Opens at once: the detector's alarm or an account fault. Nothing happens when it is open already. */
  trip(target: TargetId, operation: Operation, reason: string): void;
  /**
   * Heeds what another process found. `open`: opens here too, to be tried again when it will be there. `closed`: closes what was
   * opened by such news alone; what was opened by evidence of our own waits for a probe of our own.
   */
  heed(target: TargetId, operation: Operation, news: BreakerNews): void;
  /** What `admit` would answer, without taking the probe. */
  admission(target: TargetId, operation: Operation): Admission;
  /** Every breaker that has ever had evidence. */
  snapshot(): readonly BreakerRow[];
  /** Stops every timer; afterwards nothing is admitted. */
  close(): void;
}

/** Throws RangeError for options out of range. Starts no timer: a breaker is made when its first evidence comes. */
export function createBreakers(options: {
  readonly clock: Clock;
  readonly options?: Partial<BreakerOptions>;
  /** `isHearsay`: it follows what another process found, and is no news to it. */
  readonly onChange: (change: BreakerChange, isHearsay: boolean) => void;
}): Breakers {
  const settings = checked({ ...BREAKER_DEFAULTS, ...options.options });
  const breakers = new ByTarget<Breaker>();
  let isShut = false;
  const find = (target: TargetId, operation: Operation): Breaker | undefined => breakers.get(target, operation);
  const make = (target: TargetId, operation: Operation): Breaker => {
    const known = find(target, operation);
    if (known !== undefined) return known;
    const breaker = new Breaker(target, operation, options.clock, settings, options.onChange);
    breakers.add(target, operation, breaker);
    return breaker;
  };

  return {
    admit: (target, operation) => {
      if (isShut) return { kind: 'rejected', reason: 'the breakers are shut down', retryAt: undefined };
      return find(target, operation)?.admit() ?? { kind: 'admitted', ticket: { target, operation, isProbe: false, epoch: 0 } };
    },
    settle: (ticket, evidence) => {
      if (isShut || ticket.isSettled) return;
      ticket.isSettled = true;
      if (ticket.isProbe) find(ticket.target, ticket.operation)?.settleProbe(ticket, evidence);
      else if (evidence === 'for' || evidence === 'against') make(ticket.target, ticket.operation).settle(ticket, evidence);
    },
    trip: (target, operation, reason) => {
      if (!isShut) make(target, operation).open(reason);
    },
    heed: (target, operation, news) => {
      if (isShut) return;
      if (news.state === 'open') make(target, operation).open(news.reason, news.waitMs);
      else find(target, operation)?.closeAsHeard();
    },
    admission: (target, operation) => {
      if (isShut) return { kind: 'open', reason: 'the breakers are shut down', retryAt: undefined };
      return find(target, operation)?.admission() ?? { kind: 'closed' };
    },
    snapshot: () => breakers.values().map((breaker) => breaker.row()),
    close: () => {
      isShut = true;
      for (const breaker of breakers.values()) breaker.shutdown();
    },
  };
}

function checked(options: BreakerOptions): BreakerOptions {
  for (const [name, value] of Object.entries(options)) {
    if (!(value > 0 && value < Infinity)) throw new RangeError(`${name} must be positive and finite, got ${value}`);
  }
  return options;
}
