// How a route's speed wanders while nothing is wrong: a slow autoregressive noise, and for Gemini the hour of the day
// (field reports). A pure function of seed, route and time. The noise is summed from its last innovations instead of
// being stepped forward, so that no state is kept and any moment can be asked for.
import type { ProviderKind } from '../../domain/vocabulary.ts';
import { seededRandom } from '../../system/random.ts';
import { normal } from './draws.ts';

const STEP_MS = 60_000;
const TIME_CONSTANT_MS = 10 * 60_000;
/** Standard deviation of the logarithm. */
const SIGMA = 0.08;
const MEMORY = Math.exp(-STEP_MS / TIME_CONSTANT_MS);
/** After six time constants an innovation is worth 0.2 %. */
const INNOVATIONS = 60;

/** The factor on the latency at `atMs`; its median is 1 apart from the hour. */
export function driftAt(seed: string | number, routeId: string, provider: ProviderKind, atMs: number): number {
  const step = Math.floor(atMs / STEP_MS);
  const share = atMs / STEP_MS - step;
  const noise = (1 - share) * noiseAt(seed, routeId, step) + share * noiseAt(seed, routeId, step + 1);
  return Math.exp(SIGMA * noise) * (provider === 'google' ? hourFactor(atMs) : 1);
}

/** AR(1) with variance 1. */
function noiseAt(seed: string | number, routeId: string, step: number): number {
  let noise = 0;
  for (let back = INNOVATIONS; back >= 0; back -= 1) {
    noise = MEMORY * noise + normal(seededRandom(`${seed}|drift|${routeId}|${step - back}`));
  }
  return noise * Math.sqrt(1 - MEMORY ** 2);
}

/** Busiest at noon UTC, 0.9 to 1.25. */
export function hourFactor(atMs: number): number {
  const hour = (atMs / 3_600_000) % 24;
  return 1.075 + 0.175 * Math.cos(((hour - 12) / 12) * Math.PI);
}
