// When a call that will deliver has done so, given the luck that all calls of one request share. Latencies of such calls are
// correlated: a Gaussian factor they have in common is integrated over five Gauss-Hermite nodes. Calls on the same route share
// half of their log-variance, on different routes a quarter (GenTD26 production traces); treating repeats as independent
// draws would make hedges look far better than they are.
import { type LatencyDistribution, normalCdf, normalQuantile } from '../domain/latency.ts';

/** A probability given the shared factor: one number for each of its nodes. Spelt out, because a plan makes thousands. */
export type PerNode = readonly [number, number, number, number, number];

const FACTORS: PerNode = [0, 1.3556261799, -1.3556261799, 2.8569700139, -2.8569700139];
const WEIGHTS: PerNode = [0.5333333333, 0.222075922, 0.222075922, 0.0112574113, 0.0112574113];
export const CERTAIN: PerNode = [1, 1, 1, 1, 1];
const IMPOSSIBLE: PerNode = [0, 0, 0, 0, 0];

/** The probability, whatever the shared factor is. */
export function overall(given: PerNode): number {
  return WEIGHTS[0] * given[0] + WEIGHTS[1] * given[1] + WEIGHTS[2] * given[2] + WEIGHTS[3] * given[3] + WEIGHTS[4] * given[4];
}

/** Both put together, node by node. */
export function zip(a: PerNode, b: PerNode, join: (a: number, b: number) => number): PerNode {
  return [join(a[0], b[0]), join(a[1], b[1]), join(a[2], b[2]), join(a[3], b[3]), join(a[4], b[4])];
}

/** What is left of `without` when this may come true beside it. */
export function nor(without: PerNode, comesTrue: PerNode): PerNode {
  return zip(without, comesTrue, (left, share) => left * (1 - share));
}

/** Share of the log-variance that two calls of one request have in common. */
export const CORRELATION = { sameRoute: 0.5, otherRoute: 0.25 } as const;
const POINTS = 64;

/**
 * Plans for the same budget look the same things up while what is believed of a route stays as it is. A distribution has as many
 * tables as it is asked for budgets and correlations, the newest first.
 */
const known = new WeakMap<LatencyDistribution, EndTable[]>();
const MOST_KNOWN = 4;

/** The table of this latency. `reachMs`: it reaches at least so far. `correlation`: one of `CORRELATION`. */
export function endTableOf(latency: LatencyDistribution, reachMs: number, correlation: number): EndTable {
  const horizonMs = roundedUp(reachMs);
  const tables = known.get(latency) ?? [];
  for (const table of tables) if (table.horizonMs === horizonMs && table.correlation === correlation) return table;
  const table = new EndTable(latency, horizonMs, correlation);
  if (tables.unshift(table) === 1) known.set(latency, tables);
  else if (tables.length > MOST_KNOWN) tables.pop();
  return table;
}

/** By a sixteenth at most, so that budgets of which a moment has passed share a table. */
function roundedUp(ms: number): number {
  const step = 2 ** (Math.floor(Math.log2(ms)) - 4);
  return Math.ceil(ms / step) * step;
}

/** A table of points up to a horizon, each computed when it is first looked at: most plans look at a few of them. */
export class EndTable {
  /** Kept, because what the engine compiled for a class is thrown away with its last object, at the next full collection. */
  static readonly kept = new EndTable({ cdf: () => 0, quantile: () => Number.POSITIVE_INFINITY }, POINTS, CORRELATION.otherRoute);
  readonly horizonMs: number;
  readonly correlation: number;
  readonly #latency: LatencyDistribution;
  readonly #stepMs: number;
  readonly #loading: number;
  readonly #spread: number;
  readonly #points = new Array<PerNode | undefined>(POINTS + 1);
  /** The last question is often the next: in a sequence and all its extensions the first call ends alike. */
  #askedMs = 0;
  #answer: PerNode = IMPOSSIBLE;

  constructor(latency: LatencyDistribution, horizonMs: number, correlation: number) {
    this.horizonMs = horizonMs;
    this.correlation = correlation;
    this.#latency = latency;
    this.#stepMs = horizonMs / POINTS;
    this.#loading = Math.sqrt(correlation);
    this.#spread = Math.sqrt(1 - correlation);
  }

  /** `elapsedMs` after its start, by linear interpolation; what lies beyond the horizon counts as its end. */
  endedBy(elapsedMs: number): PerNode {
    if (elapsedMs <= 0) return IMPOSSIBLE;
    if (elapsedMs === this.#askedMs) return this.#answer;
    this.#askedMs = elapsedMs;
    this.#answer = this.#between(elapsedMs);
    return this.#answer;
  }

  #between(elapsedMs: number): PerNode {
    const position = Math.min(POINTS, elapsedMs / this.#stepMs);
    const point = Math.floor(position);
    const low = this.#at(point);
    if (position === point) return low;
    const high = this.#at(point + 1);
    const share = position - point;
    return zip(low, high, (from, to) => from + (to - from) * share);
  }

  #at(point: number): PerNode {
    const known = this.#points[point];
    if (known !== undefined) return known;
    const score = boundedScore(this.#latency.cdf(point * this.#stepMs));
    const given = (factor: number): number => normalCdf((score - this.#loading * factor) / this.#spread);
    const ended: PerNode = [given(FACTORS[0]), given(FACTORS[1]), given(FACTORS[2]), given(FACTORS[3]), given(FACTORS[4])];
    this.#points[point] = ended;
    return ended;
  }
}

/** Standard score of a probability, bounded so that tables stay finite. */
function boundedScore(probability: number): number {
  return Math.min(8, Math.max(-8, normalQuantile(probability)));
}
