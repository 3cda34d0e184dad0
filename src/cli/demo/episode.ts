// What came of a scene: need, plan, every step, the ending, the money on both sides, and whether the promise was kept.
import type { ImageRouterError } from '../../domain/error.ts';
import { type MicroUsd, microUsd } from '../../domain/money.ts';
import type { Need } from '../../domain/need.ts';
import type { Infeasible, Plan } from '../../domain/plan.ts';
import type { Cost, ImageResult } from '../../domain/result.ts';
import type { TraceEvent } from '../../domain/trace.ts';
import type { WrittenFile } from '../output-files.ts';
import type { Scene } from './scenes.ts';

export type Episode = {
  readonly scene: Scene;
  readonly speed: number;
  readonly need: Need;
  readonly plan: Plan | Infeasible;
  readonly events: readonly TraceEvent[];
  readonly ending: Ending;
  readonly cost: Cost;
  /** What the sandbox's books say was billed; undefined with real providers. */
  readonly ledgerBilled: MicroUsd | undefined;
};

export type Ending =
  | { readonly kind: 'delivered'; readonly result: ImageResult; readonly files: readonly WrittenFile[] }
  | { readonly kind: 'failed'; readonly error: ImageRouterError };

export function elapsedMsOf(episode: Episode): number {
  return episode.events.at(-1)?.atMs ?? 0;
}

/** Route, or the error's code. */
export function endedAs({ ending }: Episode): string {
  return ending.kind === 'delivered' ? ending.result.route : ending.error.code;
}

/** Why it ended as it did, in a sentence. */
export function reasonOf(episode: Episode): string {
  const { ending, events } = episode;
  if (ending.kind === 'failed') return firstSentence(ending.error.message);
  if (ending.result.degraded !== undefined) return `degraded: ${ending.result.degraded}`;
  const delivered = events.findLast((event) => event.kind === 'attempt-end' && event.end.kind === 'delivered');
  const number = delivered?.kind === 'attempt-end' ? delivered.attempt : 1;
  const start = events.find((event) => event.kind === 'attempt-start' && event.attempt === number);
  if (start?.kind !== 'attempt-start') return '';
  return start.role === 'first' ? start.cause : `${start.role}: ${start.cause}`;
}

/** Providers add advice and request ids behind it. */
function firstSentence(message: string): string {
  return /^.{20,}?[.](?= )/.exec(message)?.[0] ?? message;
}

/** The part of the promise that was not kept; undefined when all of it was. */
export function brokenPromise(episode: Episode): string | undefined {
  const { scene, ending } = episode;
  if (scene.promise.error !== undefined) {
    if (ending.kind === 'delivered') return `an image was delivered instead of ${scene.promise.error}`;
    if (ending.error.code !== scene.promise.error) return `it ended as ${ending.error.code} instead of ${scene.promise.error}`;
    return callsBroken(episode) ?? moneyBroken(episode);
  }
  if (ending.kind === 'failed') return `it failed: ${ending.error.message}`;
  return limitsBroken(episode) ?? deliveryBroken(episode, ending.result) ?? callsBroken(episode) ?? moneyBroken(episode);
}

/** Deadline and price cap: these hold against any provider. */
export function limitsBroken({ need, cost, events }: Episode): string | undefined {
  const lateMs = (events.at(-1)?.atMs ?? 0) - need.budgetMs;
  if (lateMs > 0) return `it came ${Math.round(lateMs)} ms after its deadline`;
  if (need.maxCost !== undefined && cost.billed + cost.possiblyBilled > need.maxCost) return 'it cost more than its cap';
  return undefined;
}

function deliveryBroken({ scene, plan, events }: Episode, result: ImageResult): string | undefined {
  const { route, role, degraded, pricedOut, atLeastSeconds = 0 } = scene.promise;
  if (result.elapsedMs < atLeastSeconds * 1_000) return `it took ${Math.round(result.elapsedMs)} ms, less than ${atLeastSeconds} s`;
  if (route !== undefined && result.route !== route) return `it came from ${result.route} instead of ${route}`;
  if (role !== undefined && !events.some((event) => event.kind === 'attempt-start' && event.role === role)) return `there was no ${role}`;
  if (degraded !== undefined && (result.degraded !== undefined) !== degraded) return degraded ? 'it was not degraded' : 'it was degraded';
  const missing = pricedOut?.find((id) => !plan.excluded.some((exclusion) => exclusion.route === id && exclusion.reason === 'price-cap'));
  return missing === undefined ? undefined : `the cap did not leave out ${missing}`;
}

function callsBroken({ scene, events }: Episode): string | undefined {
  const sent = events.filter((event) => event.kind === 'attempt-start').length;
  const { calls } = scene.promise;
  return calls === undefined || sent === calls ? undefined : `${sent} calls were sent instead of ${calls}`;
}

/** Rounding a token's price up may differ by a hair between the two sides. */
const HAIR = microUsd(0.000_01);

/** The books must lie between what is certainly and what is possibly billed. */
function moneyBroken({ cost, ledgerBilled }: Episode): string | undefined {
  if (ledgerBilled === undefined) return undefined;
  const within = ledgerBilled >= cost.billed - HAIR && ledgerBilled <= cost.billed + cost.possiblyBilled + HAIR;
  return within
    ? undefined
    : `the provider billed ${ledgerBilled} micro-dollars, the router counts ${cost.billed} and possibly ${cost.possiblyBilled} more`;
}
