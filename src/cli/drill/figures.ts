// What a group of requests got, in figures.
import { addUsd, type MicroUsd } from '../../domain/money.ts';
import type { Observation } from './run-drill.ts';

export type Figures = {
  readonly requests: number;
  readonly delivered: number;
  /** Of the delivered ones. */
  readonly degraded: number;
  readonly failed: number;
  /** Error code or route -> how many, most first. */
  readonly failedByCode: ReadonlyMap<string, number>;
  readonly byRoute: ReadonlyMap<string, number>;
  /** Of the delivered ones; undefined when there are none. */
  readonly secondsP50: number | undefined;
  readonly secondsP95: number | undefined;
  /** All that was spent, possibly billed calls included, over the images that were delivered; undefined without any. */
  readonly costPerImage: MicroUsd | undefined;
  readonly wasted: MicroUsd;
};

export function figuresOf(observations: readonly Observation[]): Figures {
  const delivered = observations.filter(({ code }) => code === undefined);
  const seconds = delivered.map((one) => one.seconds).sort((a, b) => a - b);
  const images = delivered.reduce((sum, one) => sum + one.images, 0);
  const spent = addUsd(...observations.flatMap(({ cost }) => [cost.billed, cost.possiblyBilled]));
  return {
    requests: observations.length,
    delivered: delivered.length,
    degraded: delivered.filter(({ isDegraded }) => isDegraded).length,
    failed: observations.length - delivered.length,
    failedByCode: countsOf(observations.flatMap(({ code }) => (code === undefined ? [] : [code]))),
    byRoute: countsOf(delivered.flatMap(({ route }) => (route === undefined ? [] : [route]))),
    secondsP50: quantile(seconds, 0.5),
    secondsP95: quantile(seconds, 0.95),
    costPerImage: images === 0 ? undefined : (Math.ceil(spent / images) as MicroUsd),
    wasted: addUsd(...observations.map((one) => one.wasted)),
  };
}

/** Nearest rank: a figure that some request really had. */
function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function countsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map([...counts].sort(([, a], [, b]) => b - a));
}
