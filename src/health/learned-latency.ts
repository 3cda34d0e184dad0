// What a target's latency is believed to be for one operation: the catalogue's prior, blended with what was observed for
// calls of the same shape, both scaled by how far the whole route has drifted from its prior. A shape never seen still
// profits from what the others showed. Only delivered images are recorded: how a call that brought nothing spent its
// time is the detector's business, and would make a route look fast when it fails fast.
import { BoundedMap } from '../domain/bounded-map.ts';
import {
  type LatencyDistribution,
  type LatencyPrior,
  type LatencyShape,
  type LatencySpec,
  priorDistribution,
  shapeFactor,
} from '../domain/latency.ts';
import { pixels } from '../domain/size.ts';
import { after, type InstantMs } from '../domain/time.ts';
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
 * What was told of a shape is told again until more than this share of it is new or has faded: less moves no estimate noticeably,
 * and whoever plans hundreds of requests a second would reckon the same anew for each.
 */
const UNNOTICED_SHARE = 0.01;

/**
 * No model draws a picture in less (the fastest quoted takes 2 s). Whatever answers sooner is a stand-in or a cache, and
 * believing it would make half a busy second of this very process look like an outage.
 */
const FASTEST_MS = 1_000;

type Told = {
  readonly distribution: LatencyDistribution;
  /** Of the exact shape; those of one class may differ. */
  readonly factor: number;
  /** Holds until so many calls were recorded, of any shape, and until then. */
  readonly untilRecords: number;
  readonly until: InstantMs;
};

export class LearnedLatency {
  readonly #spec: LatencySpec;
  readonly #prior: LatencyPrior;
  /** Least recently recorded first. Latencies are divided by their shape's factor, so sizes within a class agree. */
  readonly #shapes = new BoundedMap<string, DecayingHistogram>(MAX_SHAPES);
  /** By shape, the one told anew longest ago first. */
  readonly #told = new BoundedMap<string, Told>(MAX_SHAPES);
  #records = 0;
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
    const key = keyOf(shape);
    const histogram = this.#histogramOf(key);
    // Told from what other shapes showed: this says more.
    if (histogram.weight(now) === 0) this.#told.take(key);
    histogram.record(latencyMs / factor, now);
    const expectedMs = priorDistribution(this.#prior, factor).quantile(0.5);
    this.#fadeDrift(now);
    this.#driftSum += clamp(Math.log(latencyMs / expectedMs), -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO);
    this.#driftWeight += 1;
    this.#records += 1;
  }

  /** The belief at `now`, as a value: later records do not change it. Exactly the prior when nothing was observed. */
  distribution(shape: LatencyShape, now: InstantMs): LatencyDistribution {
    const factor = shapeFactor(this.#spec, shape);
    const key = keyOf(shape);
    const told = this.#told.get(key);
    if (told !== undefined && told.factor === factor && this.#records < told.untilRecords && now < told.until) return told.distribution;
    const histogram = this.#shapes.get(key);
    const distribution = this.#reckoned(histogram, factor, now);
    const unnoticed = Math.max(1, UNNOTICED_SHARE * (histogram?.weight(now) ?? this.observations(now)));
    const until = after(now, UNNOTICED_SHARE * LATENCY_HALF_LIFE_MS);
    this.#told.take(key);
    this.#told.set(key, { distribution, factor, untilRecords: this.#records + unnoticed, until });
    return distribution;
  }

  #reckoned(histogram: DecayingHistogram | undefined, factor: number, now: InstantMs): LatencyDistribution {
    const expected = priorDistribution(this.#prior, factor * this.drift(now));
    const seen = histogram?.distribution();
    if (histogram === undefined || seen === undefined) return expected;
    const weight = histogram.weight(now);
    return blend(expected, seen, factor, weight / (weight + PRIOR_CALLS));
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

  #histogramOf(key: string): DecayingHistogram {
    const histogram = this.#shapes.take(key) ?? new DecayingHistogram(LATENCY_HALF_LIFE_MS);
    this.#shapes.set(key, histogram);
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
