// A histogram of latencies on a logarithmic grid whose observations fade. Recording is O(1): instead of shrinking every
// bin as time passes, a new observation weighs more than an old one (forward decay, Cormode et al. 2009), and the bins are
// rescaled only when the numbers grow large. It keeps no samples: a reservoir would need sorting for every quantile.
import type { LatencyDistribution } from '../domain/latency.ts';
import type { InstantMs } from '../domain/time.ts';
import { fade } from './decay.ts';

/** No image was ever made faster; what is below lands in the first bin. */
const SMALLEST_MS = 50;
/** Neighbouring edges differ by 3.2 %, so a bin's middle is within 1.6 % of everything in it: far below sigma 0.4. */
const LOG_WIDTH = Math.log(1.032);
/** 50 ms x 1.032^360 is 70 minutes: longer than any attempt may take. (256 bins of this width would end at 160 s.) */
const BINS = 360;
/** Weights double once per half-life; rescaled after this many, long before a double loses whole observations. */
const RESCALE_HALF_LIVES = 40;

export class DecayingHistogram {
  readonly #halfLifeMs: number;
  readonly #bins = new Float64Array(BINS);
  #total = 0;
  /** What was last told of it, while it is still true: fading changes no shares. */
  #told: LatencyDistribution | undefined;
  /** The instant at which an observation weighs exactly 1 in `#bins`. */
  #landmark: InstantMs | undefined;

  constructor(halfLifeMs: number) {
    if (!(halfLifeMs > 0)) throw new RangeError(`halfLifeMs must be positive, got ${halfLifeMs}`);
    this.#halfLifeMs = halfLifeMs;
  }

  /** Adds one latency. Throws RangeError unless it is a finite number from 0. */
  record(latencyMs: number, now: InstantMs): void {
    if (!(latencyMs >= 0 && latencyMs < Infinity)) throw new RangeError(`latencyMs must be finite and not negative, got ${latencyMs}`);
    this.#add(binOf(latencyMs), this.#growthAt(now));
  }

  /** How many observations of this instant the faded ones are worth. */
  weight(now: InstantMs): number {
    return this.#landmark === undefined ? 0 : this.#total * fade(now - this.#landmark, this.#halfLifeMs);
  }

  /** Adds what `other` has seen, as if it had been recorded here. Half-lives must agree. */
  merge(other: DecayingHistogram): void {
    if (other.#halfLifeMs !== this.#halfLifeMs) {
      throw new RangeError(`halfLifeMs must agree to merge, got ${other.#halfLifeMs} and ${this.#halfLifeMs}`);
    }
    if (other.#landmark === undefined) return;
    const growth = this.#growthAt(other.#landmark);
    other.#bins.forEach((weight, bin) => {
      if (weight > 0) this.#add(bin, weight * growth);
    });
  }

  /** What has been seen, as a value: later records do not change it. Undefined while nothing has been seen. */
  distribution(): LatencyDistribution | undefined {
    if (!(this.#total > 0)) return undefined;
    this.#told ??= this.#tell();
    return this.#told;
  }

  #tell(): LatencyDistribution {
    const cumulative = new Float64Array(BINS + 1);
    for (let bin = 0; bin < BINS; bin += 1) cumulative[bin + 1] = (cumulative[bin] ?? 0) + (this.#bins[bin] ?? 0);
    const total = cumulative[BINS] ?? 1;
    return { cdf: (ms) => cumulativeAt(cumulative, ms) / total, quantile: (p) => quantileAt(cumulative, p * total) };
  }

  #add(bin: number, weight: number): void {
    this.#bins[bin] = (this.#bins[bin] ?? 0) + weight;
    this.#total += weight;
    this.#told = undefined;
  }

  /** The weight of an observation made at `instant`, on the scale of the bins. */
  #growthAt(instant: InstantMs): number {
    this.#landmark ??= instant;
    if (instant - this.#landmark > RESCALE_HALF_LIVES * this.#halfLifeMs) {
      const kept = fade(instant - this.#landmark, this.#halfLifeMs);
      for (let bin = 0; bin < BINS; bin += 1) this.#bins[bin] = (this.#bins[bin] ?? 0) * kept;
      this.#total *= kept;
      this.#landmark = instant;
    }
    return 2 ** ((instant - this.#landmark) / this.#halfLifeMs);
  }
}

/** Where `ms` lies on the grid, in bins with a fraction. */
function positionOf(ms: number): number {
  return ms <= SMALLEST_MS ? 0 : Math.min(BINS, Math.log(ms / SMALLEST_MS) / LOG_WIDTH);
}

function binOf(ms: number): number {
  return Math.min(BINS - 1, Math.floor(positionOf(ms)));
}

/** Weight at or below `ms`; inside a bin it is spread evenly on the logarithmic scale. */
function cumulativeAt(cumulative: Float64Array, ms: number): number {
  const position = positionOf(ms);
  const bin = Math.floor(position);
  const below = cumulative[bin] ?? 0;
  return below + ((cumulative[bin + 1] ?? below) - below) * (position - bin);
}

function quantileAt(cumulative: Float64Array, target: number): number {
  let low = 0;
  let high = BINS - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulative[middle + 1] ?? 0) < target) low = middle + 1;
    else high = middle;
  }
  const below = cumulative[low] ?? 0;
  const inside = (cumulative[low + 1] ?? below) - below;
  const fraction = inside > 0 ? Math.max(0, (target - below) / inside) : 0;
  return SMALLEST_MS * Math.exp((low + fraction) * LOG_WIDTH);
}
