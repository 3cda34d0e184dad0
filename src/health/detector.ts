// Notices that a route has gone bad, soon enough to matter. Two sums run side by side (CUSUM, Page 1954):
// - silence: every call in flight adds the hazard it has outlived, every image delivered takes ln 3 away. It sees a hang
//   in about three medians, where anything that counts outcomes must wait for somebody's timeout (300 s or never);
// - failing: failures against successes, from the route's own learned failure rate towards 30 %.
// Both are log-likelihood ratios, so e^-level bounds the chance that a healthy route got there. That holds for witnesses who
// do not copy each other: calls sent in the same second meet the same queue and the same slow spell, so together they weigh
// less than two (Kish's design effect). Otherwise ten thousand callers who come at once would prove an outage before the
// first answer could be there. The detector only speaks: opening is the breaker's deed, and it says so through `acknowledge`.
// No clock: what calls in flight prove follows from `now`.
import { normalCdf } from '../domain/latency.ts';
import type { InstantMs } from '../domain/time.ts';
import { clamp, fade } from './decay.ts';
import type { Evidence } from './success.ts';

/** A sick route answers at a third of its usual rate: the alternative the silence sum is sharpest against. */
const SLOWED_RATE = 1 / 3;
/** e^-12 is 6 in a million excursions; at 0.5 requests a second it was found to give 22, 66 and 199 s. */
const ALARM_LEVEL = 12;
/**
 * Level at which a route is more likely silent than not, if one excursion in e^6 = 400 is a true incident: enough to
 * hedge, which costs one image, and not to open, which costs everybody the route.
 */
export const SILENT_LEVEL = ALARM_LEVEL / 2;
/** One call may make a route suspect and never open it: a single lost connection proves nothing about the provider. */
const LARGEST_HAZARD = SILENT_LEVEL / (1 - SLOWED_RATE);
const HAZARD_AT_MEDIAN = Math.LN2;
/** Wider than the 0.39 seen in the field: a tail fatter than believed must not look like silence. */
const KNOWN_SIGMA = 0.5;
/** Before anything was seen the median itself may be wrong by a factor of four, hence much wider. */
const UNKNOWN_SIGMA = 1.5;
/** Observations after which the median is known: its own error, 0.4 / sqrt(10), no longer matters beside 0.5. */
const KNOWN_AFTER_CALLS = 10;
/** Calls sent within so long of each other are one burst, told of several times. */
const BURST_MS = 1_000;
/** Half of what makes one call slow makes its neighbours slow, too: measured between attempts on one route (GenTD26). */
const SHARED_VARIANCE = 1 / 2;
/** A call nobody ended for an hour is a leak, not evidence. */
const OLDEST_CALL_MS = 60 * 60_000;
/** The failure rate worth an alarm. */
const SICK_FAILURES = 0.3;
/** Below 3 % the estimate of a healthy rate is noise; above 15 % a sick one would be only twice as bad. */
const HEALTHY_FAILURES_MIN = 0.03;
const HEALTHY_FAILURES_MAX = 0.15;
/** The healthy rate is learned over a day and starts as 200 calls of the catalogue's, so an incident cannot become normal. */
const BASELINE_HALF_LIFE_MS = 24 * 60 * 60_000;
const BASELINE_CALLS = 200;
/** Evidence left over when calls stop coming is worth half after ten minutes: two of the longest breaks of a breaker. */
const IDLE_HALF_LIFE_MS = 10 * 60_000;
/** Failures half an hour apart are two stories, not one: a slow spell lasts about that long. */
const FAILURE_HALF_LIFE_MS = 30 * 60_000;

export type Verdict = { readonly kind: 'quiet' } | { readonly kind: 'alarm'; readonly cause: AlarmCause };
export type AlarmCause = 'silent' | 'failing';

/** How a call ended. `answered`: the provider said something, be it an error or a refusal; false for timeout, cancel, reset. */
export type CallOutcome = { readonly evidence: Evidence; readonly answered: boolean };

/** Calls of one expectation sent in one burst. All of them have outlived the same hazard. */
type Burst = {
  readonly startedAt: InstantMs;
  readonly medianMs: number;
  readonly sigma: number;
  /** All that were sent, and those still in flight. */
  sent: number;
  inFlight: number;
  hazard: number;
};

export class Detector {
  readonly #calls = new Map<string, Burst>();
  /** Oldest first. */
  readonly #bursts = new Map<string, Burst>();
  readonly #failing: FailureSum;
  #silence = 0;
  #silenceAt: InstantMs | undefined;
  #isSilenceProven = false;

  /** `priorSuccess`: the catalogue's share of calls that end in an image. */
  constructor(priorSuccess: number) {
    this.#failing = new FailureSum(1 - priorSuccess);
  }

  /** A call was sent. `medianMs` is believed of its shape; `observations` says how well that is known. */
  callStarted(id: string, medianMs: number, observations: number, now: InstantMs): void {
    this.#advance(now);
    const burst = this.#burstFor(medianMs, sigmaFor(observations), now);
    burst.sent += 1;
    burst.inFlight += 1;
    this.#calls.set(id, burst);
  }

  /**
   * A call ended. An image counts as a sign of life. Another answer takes back what the call's waiting had added, so that
   * refusals and errors say nothing about silence; so does giving up before the median, when no image was due yet. Later
   * than that no answer leaves it: the silence was real while it lasted.
   */
  callEnded(id: string, outcome: CallOutcome, now: InstantMs): void {
    this.#advance(now);
    this.#failing.record(outcome.evidence, now);
    const burst = this.#calls.get(id);
    if (burst === undefined) return;
    this.#calls.delete(id);
    burst.inFlight -= 1;
    if (outcome.evidence === 'for') this.#lowerSilence(-Math.log(SLOWED_RATE) * weightIn(burst));
    else if (outcome.answered || burst.hazard < HAZARD_AT_MEDIAN) this.#lowerSilence(silenceOf(burst, burst.hazard));
  }

  verdict(now: InstantMs): Verdict {
    this.#advance(now);
    if (this.#failing.isProven) return { kind: 'alarm', cause: 'failing' };
    return this.#isSilenceProven ? { kind: 'alarm', cause: 'silent' } : { kind: 'quiet' };
  }

  /** The breaker has opened: start afresh. Calls in flight have been acted upon and are no evidence any more. */
  acknowledge(now: InstantMs): void {
    this.#calls.clear();
    this.#bursts.clear();
    this.#silence = 0;
    this.#silenceAt = now;
    this.#isSilenceProven = false;
    this.#failing.reset();
  }

  /** The silence sum: a log-likelihood ratio from 0. */
  silence(now: InstantMs): number {
    this.#advance(now);
    return this.#silence;
  }

  /** True while calls are in flight and more likely unheard than slow. */
  isSilent(now: InstantMs): boolean {
    return this.silence(now) >= SILENT_LEVEL && this.#calls.size > 0;
  }

  /** Probability in [0, 1) that the route has gone silent: 0 at rest, 1/2 at `SILENT_LEVEL`. */
  suspicion(now: InstantMs): number {
    const odds = Math.expm1(this.silence(now)) * Math.exp(-SILENT_LEVEL);
    return odds / (1 + odds);
  }

  #lowerSilence(by: number): void {
    this.#silence = Math.max(0, this.#silence - by);
    if (this.#silence === 0) this.#isSilenceProven = false;
  }

  /** Beliefs move with every answer: medians within 2 % of each other are the same expectation. */
  #burstFor(medianMs: number, sigma: number, now: InstantMs): Burst {
    const key = `${Math.floor(now / BURST_MS)} ${Math.round(Math.log(medianMs) * 50)} ${Math.round(sigma * 10)}`;
    const known = this.#bursts.get(key);
    if (known !== undefined) return known;
    const burst = { startedAt: now, medianMs, sigma, sent: 0, inFlight: 0, hazard: 0 };
    this.#bursts.set(key, burst);
    return burst;
  }

  /** Brings the silence sum to `now`. Between events it only grows, so nothing is missed however seldom this runs. */
  #advance(now: InstantMs): void {
    if (this.#calls.size === 0) this.#silence *= fade(now - (this.#silenceAt ?? now), IDLE_HALF_LIFE_MS);
    this.#silenceAt = now;
    for (const [key, burst] of this.#bursts) {
      const ageMs = now - burst.startedAt;
      if (ageMs > OLDEST_CALL_MS) this.#forget(key, burst);
      else if (burst.inFlight === 0 && ageMs > BURST_MS) this.#bursts.delete(key);
      if (burst.hazard === LARGEST_HAZARD) continue;
      const hazard = Math.min(LARGEST_HAZARD, cumulativeHazard(ageMs, burst.medianMs, burst.sigma));
      this.#silence += burst.inFlight * silenceOf(burst, hazard - burst.hazard);
      burst.hazard = hazard;
    }
    if (this.#silence >= ALARM_LEVEL) this.#isSilenceProven = true;
  }

  #forget(key: string, burst: Burst): void {
    this.#bursts.delete(key);
    for (const [id, other] of this.#calls) if (other === burst) this.#calls.delete(id);
  }
}

/** What one call of a burst weighs: n of them are worth n / (1 + (n - 1) r) that know nothing of each other (Kish 1965). */
function weightIn({ sent }: Burst): number {
  return 1 / (1 + (sent - 1) * SHARED_VARIANCE);
}

/** What one call of a burst adds to the silence by outliving so much hazard. */
function silenceOf(burst: Burst, hazard: number): number {
  return (1 - SLOWED_RATE) * hazard * weightIn(burst);
}

/** The outcome CUSUM: failures against successes, from the learned healthy rate towards `SICK_FAILURES`. */
class FailureSum {
  readonly #priorFailures: number;
  #level = 0;
  #healthyRate = HEALTHY_FAILURES_MIN;
  #failures = 0;
  #calls = 0;
  #at: InstantMs | undefined;

  constructor(priorFailures: number) {
    this.#priorFailures = priorFailures;
  }

  get isProven(): boolean {
    return this.#level >= ALARM_LEVEL;
  }

  record(evidence: Evidence, now: InstantMs): void {
    if (evidence === 'ignored') return;
    const elapsedMs = now - (this.#at ?? now);
    this.#at = now;
    if (!this.isProven) this.#level *= fade(elapsedMs, FAILURE_HALF_LIFE_MS);
    // Held while the sum is above zero: what is under suspicion may not redefine what is normal.
    if (this.#level < 0.01) this.#healthyRate = this.#baseline();
    const failed = evidence === 'against';
    const ratio = failed ? SICK_FAILURES / this.#healthyRate : (1 - SICK_FAILURES) / (1 - this.#healthyRate);
    this.#level = Math.max(0, this.#level + Math.log(ratio));
    const kept = fade(elapsedMs, BASELINE_HALF_LIFE_MS);
    this.#failures = this.#failures * kept + (failed ? 1 : 0);
    this.#calls = this.#calls * kept + 1;
  }

  reset(): void {
    this.#level = 0;
  }

  #baseline(): number {
    const rate = (this.#priorFailures * BASELINE_CALLS + this.#failures) / (BASELINE_CALLS + this.#calls);
    return clamp(rate, HEALTHY_FAILURES_MIN, HEALTHY_FAILURES_MAX);
  }
}

function sigmaFor(observations: number): number {
  return KNOWN_SIGMA + (UNKNOWN_SIGMA - KNOWN_SIGMA) * Math.max(0, 1 - observations / KNOWN_AFTER_CALLS);
}

/** -ln P(a lognormal latency exceeds `ageMs`): 0 for a call just sent, ln 2 at the median. */
export function cumulativeHazard(ageMs: number, medianMs: number, sigma: number): number {
  if (ageMs <= 0) return 0;
  const z = Math.log(ageMs / medianMs) / sigma;
  // 1 - cdf loses all digits in the far tail; there Laplace's continued fraction of the Mills ratio takes over.
  if (z < 2) return -Math.log1p(-normalCdf(z));
  let fraction = z;
  for (let term = 24; term >= 1; term -= 1) fraction = z + term / fraction;
  return (z * z) / 2 + Math.log(Math.sqrt(2 * Math.PI) * fraction);
}
