// What a route's latency is before anything was observed: a shifted lognormal, stretched by size, image count and
// prompt complexity. The router plans with it and the sandbox draws from it, so both speak of the same world.
// Shape and constants: a fit of the vendor's published ranges (see docs/latency.md); field data say sigma about 0.4.
import { z } from 'zod';
import { pixels, type Size } from './size.ts';
import type { Complexity } from './vocabulary.ts';

export const LatencyPriorSchema = z.strictObject({
  /** Seconds no call is faster than. */
  shiftSeconds: z.number().min(0),
  /** Median of the part above the shift, in seconds. */
  medianSeconds: z.number().positive(),
  /** Standard deviation of the logarithm of that part. */
  sigma: z.number().positive().max(2),
  /** Share of calls that end in an image while the provider is healthy. */
  success: z.number().gt(0).max(1),
});
export type LatencyPrior = z.infer<typeof LatencyPriorSchema>;

export const SizeFactorSchema = z.discriminatedUnion('kind', [
  /** 1 at 1024x1024, `at1536` at 1536x1024, then by powers of the pixel count. */
  z.strictObject({ kind: z.literal('pixels'), at1536: z.number().min(1) }),
  /** One factor per named resolution of the provider (`1K`, `2K`, `4K`). */
  z.strictObject({ kind: z.literal('resolution'), factors: z.record(z.string(), z.number().positive()) }),
]);
export type SizeFactor = z.infer<typeof SizeFactorSchema>;

export const LatencySpecSchema = z.strictObject({
  brief: LatencyPriorSchema,
  field: LatencyPriorSchema,
  sizeFactor: SizeFactorSchema,
  complexityFactor: z.strictObject({ simple: z.number().positive(), normal: z.number().positive(), complex: z.number().positive() }),
  source: z.string().min(1),
});
export type LatencySpec = z.infer<typeof LatencySpecSchema>;

/** What changes a call's latency beyond its route. `resolution` is the provider's own name, when it has one. */
export type LatencyShape = {
  readonly size: Size;
  readonly resolution: string | undefined;
  readonly n: number;
  /** Reference images sent along: 0 for a plain generation. */
  readonly references: number;
  readonly complexity: Complexity;
};

const SQUARE_PIXELS = 1024 * 1024;
const WIDE_PIXELS = 1536 * 1024;
/** Mean of the measured U(0.7, 0.9): n images in one call take about 0.8 x n of one image's time. */
const SECOND_IMAGE_FACTOR = 0.8;
/** The first reference image costs 15 % more time, each further one 5 %; an estimate, weakly supported by relay reports. */
const FIRST_REFERENCE_FACTOR = 1.15;
const FURTHER_REFERENCE_SHARE = 0.05;

/** How much slower a call of this size is than one at 1024x1024. */
function sizeFactorOf(factor: SizeFactor, size: Size, resolution: string | undefined): number {
  if (factor.kind === 'resolution') return (resolution === undefined ? undefined : factor.factors[resolution]) ?? 1;
  const count = pixels(size);
  if (count <= SQUARE_PIXELS) return Math.max(0.8, Math.sqrt(count / SQUARE_PIXELS));
  if (count >= WIDE_PIXELS) return factor.at1536 * (count / WIDE_PIXELS) ** 0.1;
  return (count / SQUARE_PIXELS) ** (Math.log(factor.at1536) / Math.log(WIDE_PIXELS / SQUARE_PIXELS));
}

/** The factor by which `shape` stretches the route's base latency. */
export function shapeFactor(spec: LatencySpec, shape: LatencyShape): number {
  const images = shape.n === 1 ? 1 : shape.n * SECOND_IMAGE_FACTOR;
  const references = shape.references === 0 ? 1 : FIRST_REFERENCE_FACTOR + (shape.references - 1) * FURTHER_REFERENCE_SHARE;
  return sizeFactorOf(spec.sizeFactor, shape.size, shape.resolution) * spec.complexityFactor[shape.complexity] * images * references;
}

/** A distribution of milliseconds. `cdf` is non-decreasing in [0, 1]; `quantile` is its inverse for p in (0, 1). */
export interface LatencyDistribution {
  cdf(ms: number): number;
  quantile(p: number): number;
}

/** The prior as a distribution in milliseconds, stretched by `factor`. */
export function priorDistribution(prior: LatencyPrior, factor: number): LatencyDistribution {
  const shiftMs = prior.shiftSeconds * 1_000 * factor;
  const medianMs = prior.medianSeconds * 1_000 * factor;
  return {
    cdf: (ms) => (ms <= shiftMs ? 0 : normalCdf(Math.log((ms - shiftMs) / medianMs) / prior.sigma)),
    quantile: (p) => shiftMs + medianMs * Math.exp(prior.sigma * normalQuantile(p)),
  };
}

/** Standard normal distribution function; Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7. */
export function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - poly * Math.exp(-x * x);
  return z >= 0 ? 0.5 * (1 + erf) : 0.5 * (1 - erf);
}

/** Inverse of the standard normal distribution function; Acklam's rational approximation, relative error 1.2e-9. */
export function normalQuantile(p: number): number {
  if (p <= 0) return -Infinity;
  if (p >= 1) return Infinity;
  if (p < 0.02425) return tailQuantile(Math.sqrt(-2 * Math.log(p)));
  if (p > 1 - 0.02425) return -tailQuantile(Math.sqrt(-2 * Math.log(1 - p)));
  const q = p - 0.5;
  const r = q * q;
  return (horner(CENTRE_NUMERATOR, r) * q) / horner(CENTRE_DENOMINATOR, r);
}

function tailQuantile(q: number): number {
  return horner(TAIL_NUMERATOR, q) / horner(TAIL_DENOMINATOR, q);
}

const CENTRE_NUMERATOR = Float64Array.of(
  -3.969683028665376e1,
  2.209460984245205e2,
  -2.759285104469687e2,
  1.38357751867269e2,
  -3.066479806614716e1,
  2.506628277459239,
);
const CENTRE_DENOMINATOR = Float64Array.of(
  -5.447609879822406e1,
  1.615858368580409e2,
  -1.556989798598866e2,
  6.680131188771972e1,
  -1.328068155288572e1,
  1,
);
const TAIL_NUMERATOR = Float64Array.of(
  -7.784894002430293e-3,
  -3.223964580411365e-1,
  -2.400758277161838,
  -2.549732539343734,
  4.374664141464968,
  2.938163982698783,
);
const TAIL_DENOMINATOR = Float64Array.of(7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1);

/** A polynomial, highest power first. */
function horner(coefficients: Float64Array, x: number): number {
  let sum = 0;
  for (let index = 0; index < coefficients.length; index += 1) sum = sum * x + (coefficients[index] ?? 0);
  return sum;
}
