// What a target's latency is believed to be for one operation: the catalogue's prior, blended with what was observed for
// calls of the same shape, both scaled by how far the whole route has drifted from its prior. A shape never seen still
// profits from what the others showed. Only delivered images are recorded: how a call that brought nothing spent its
// time is the detector's business, and would make a route look fast when it fails fast.
import {
  type LatencyDistribution,
  type LatencyPrior,
  type LatencyShape,
  type LatencySpec,
  priorDistribution,
  shapeFactor,
} from '../domain/latency.ts';
import { pixels } from '../domain/size.ts';
import type { InstantMs } from '../domain/time.ts';
import type { LatencyProfile } from '../domain/vocabulary.ts';
import { clamp, fade } from './decay.ts';
import { DecayingHistogram } from './histogram.ts';

/** Slow spells last about half an hour: 20 min follows one, and still holds 80 calls at 0.05 per second. */
const LATENCY_HALF_LIFE_MS = 20 * 60_000;
/** The prior weighs as much as five calls: after 30 observations six sevenths of the belief are data. */
const PRIOR_CALLS = 5;
/** The drift starts at 1 with the weight of five calls, so one odd call cannot move every shape of the route. */
const DRIFT_PRIOR_CALLS = 5;
/** One call moves the drift by at most a factor of 8: the field was found up to 8 x slower than the brief, never more. */
const LARGEST_LOG_RATIO = Math.log(8);
/** Shapes kept per target and operation; the one unused longest is forgotten. 48 x 2.9 kB is 140 kB. */
const MAX_SHAPES = 48;
/** Halvings of the bracket around a blended quantile: a 16 000th of its width, milliseconds where the parts are a minute apart. */
const BISECTIONS = 14;

/**
 * No model draws a picture in less (the fastest quoted takes 2 s). Whatever answers sooner is a stand-in or a cache, and
 * believing it would make half a busy second of this very process look like an outage.
 */
const FASTEST_MS = 1_000;

export class LearnedLatency {
  readonly #spec: LatencySpec;
  readonly #prior: LatencyPrior;
  /** Least recently recorded first. Latencies are divided by their shape's factor, so sizes within a class agree. */
  readonly #shapes = new Map<string, DecayingHistogram>();
  #driftSum = 0;
  #driftWeight = 0;
  #driftAt: InstantMs | undefined;

  constructor(spec: LatencySpec, profile: LatencyProfile) {
    this.#spec = spec;
    this.#prior = spec[profile];
  }

  record(shape: LatencyShape, measuredMs: number, now: InstantMs): void {
    const latencyMs = Math.max(measuredMs, FASTEST_MS);
    const factor = shapeFactor(this.#spec, shape);
    this.#histogramOf(shape).record(latencyMs / factor, now);
    const expectedMs = priorDistribution(this.#prior, factor).quantile(0.5);
    this.#fadeDrift(now);
    this.#driftSum += clamp(Math.log(latencyMs / expectedMs), -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO);
    this.#driftWeight += 1;
  }

  /** The belief at `now`, as a value: later records do not change it. Exactly the prior when nothing was observed. */
  distribution(shape: LatencyShape, now: InstantMs): LatencyDistribution {
    const factor = shapeFactor(this.#spec, shape);
    const expected = priorDistribution(this.#prior, factor * this.drift(now));
    const histogram = this.#shapes.get(keyOf(shape));
    const seen = histogram?.distribution();
    if (histogram === undefined || seen === undefined) return expected;
    const share = histogram.weight(now) / (histogram.weight(now) + PRIOR_CALLS);
    return blend(expected, seen, factor, share);
  }

  /** How much slower than its prior the whole route runs; exactly 1 when nothing was observed. */
  drift(now: InstantMs): number {
    const kept = this.#driftAt === undefined ? 0 : fade(now - this.#driftAt, LATENCY_HALF_LIFE_MS);
    return Math.exp((this.#driftSum * kept) / (this.#driftWeight * kept + DRIFT_PRIOR_CALLS));
  }

  /** Observations of any shape, faded. */
  observations(now: InstantMs): number {
    return this.#driftAt === undefined ? 0 : this.#driftWeight * fade(now - this.#driftAt, LATENCY_HALF_LIFE_MS);
  }

  get shapeCount(): number {
    return this.#shapes.size;
  }

  #fadeDrift(now: InstantMs): void {
    const kept = this.#driftAt === undefined ? 1 : fade(now - this.#driftAt, LATENCY_HALF_LIFE_MS);
    this.#driftSum *= kept;
    this.#driftWeight *= kept;
    this.#driftAt = now;
  }

  #histogramOf(shape: LatencyShape): DecayingHistogram {
    const key = keyOf(shape);
    const histogram = this.#shapes.get(key) ?? new DecayingHistogram(LATENCY_HALF_LIFE_MS);
    this.#shapes.delete(key);
    this.#shapes.set(key, histogram);
    const oldest = this.#shapes.keys().next();
    if (this.#shapes.size > MAX_SHAPES && !oldest.done) this.#shapes.delete(oldest.value);
    return histogram;
  }
}

/** Sizes count as alike within half an octave of pixels, or when the provider gives them the same resolution's name. */
function keyOf(shape: LatencyShape): string {
  const sizeClass = shape.resolution ?? Math.round(2 * Math.log2(pixels(shape.size) / (1024 * 1024)));
  return `${sizeClass}/${shape.n}/${shape.references}/${shape.complexity}`;
}

/** A mixture: `share` of it from `seen` (per unit of `factor`), the rest from `expected`. */
function blend(expected: LatencyDistribution, seen: LatencyDistribution, factor: number, share: number): LatencyDistribution {
  const cdf = (ms: number): number => (1 - share) * expected.cdf(ms) + share * seen.cdf(ms / factor);
  const search = (p: number): number => {
    // A mixture's quantile lies between those of its parts.
    const ends = [expected.quantile(p), seen.quantile(p) * factor];
    let low = Math.min(...ends);
    let high = Math.max(...ends);
    for (let step = 0; step < BISECTIONS; step += 1) {
      const middle = (low + high) / 2;
      if (cdf(middle) < p) low = middle;
      else high = middle;
    }
    return high;
  };
  // A plan asks for the same few of them again and again.
  const found = new Map<number, number>();
  const quantile = (p: number): number => {
    const known = found.get(p) ?? search(p);
    found.set(p, known);
    return known;
  };
  return { cdf, quantile };
}
