// How long a call takes: the route's own prior (the one the planner starts from), stretched by size, images and
// complexity. Part of the spread belongs to the prompt, so a slow prompt is slow again and a repeat is no fresh draw.
import { type LatencyPrior, shapeFactor } from '../../domain/latency.ts';
import type { LatencyProfile } from '../../domain/vocabulary.ts';
import { seededRandom } from '../../system/random.ts';
import type { ImageCall } from '../call.ts';
import { type DrawKey, normal, streamFor, uniform } from './draws.ts';

/** Share of the log-variance that is the prompt's (field reports; a proposal, no measurement exists). */
const PROMPT_SHARE = 0.4;
/** n images in one call take U(0.7, 0.9) x n of one image's time; its mean is domain/latency's SECOND_IMAGE_FACTOR. */
const SECOND_IMAGE_RANGE = [0.7, 0.9] as const;

/** Milliseconds from arrival to the last byte of a healthy answer. */
export function drawLatencyMs(call: ImageCall, profile: LatencyProfile, key: DrawKey): number {
  const spec = call.route.latency;
  const ofPrompt = normal(seededRandom(`${key.seed}|latency-prompt|${call.route.id}|${call.prompt}`));
  const ofRequest = normal(streamFor(key, 'latency'));
  const z = Math.sqrt(PROMPT_SHARE) * ofPrompt + Math.sqrt(1 - PROMPT_SHARE) * ofRequest;
  const images = call.n === 1 ? 1 : call.n * uniform(streamFor(key, 'latency-images'), ...SECOND_IMAGE_RANGE);
  const { size, resolution, complexity } = call;
  const shape = shapeFactor(spec, { size, resolution, n: 1, references: call.references.length, complexity });
  return 1_000 * shape * images * drawSeconds(spec[profile], z);
}

function drawSeconds(prior: LatencyPrior, z: number): number {
  return prior.shiftSeconds + prior.medianSeconds * Math.exp(prior.sigma * z);
}
