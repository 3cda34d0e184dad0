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
  /** The picture that was worked from, of an edit. */
  readonly reference: Uint8Array | undefined;
};

export type Ending =
  | { readonly kind: 'delivered'; readonly result: ImageResult; readonly files: readonly WrittenFile[] }
  | { readonly kind: 'batch'; readonly items: readonly BatchPicture[]; readonly elapsedMs: number }
  | { readonly kind: 'failed'; readonly error: ImageRouterError };

/** One request of a batch; `image` is undefined when it was not delivered. */
export type BatchPicture = {
  readonly prompt: string;
  readonly route: string;
  readonly elapsedMs: number;
  readonly image: Uint8Array | undefined;
};

export function elapsedMsOf({ ending, events }: Episode): number {
  return ending.kind === 'batch' ? ending.elapsedMs : (events.at(-1)?.atMs ?? 0);
}

/** How many images were delivered, and how many of them before their deadline. */
export function deliveriesOf(episode: Episode): { readonly images: number; readonly inTime: number } {
  const { ending, need } = episode;
  if (ending.kind === 'failed') return { images: 0, inTime: 0 };
  if (ending.kind === 'delivered') return { images: 1, inTime: elapsedMsOf(episode) <= need.budgetMs ? 1 : 0 };
  const made = ending.items.filter(({ image }) => image !== undefined);
  return { images: made.length, inTime: made.filter(({ elapsedMs }) => elapsedMs <= need.budgetMs).length };
}

/** Route, or the error's code. */
export function endedAs(episode: Episode): string {
  const { ending } = episode;
  if (ending.kind === 'batch') return `${deliveriesOf(episode).images} of ${ending.items.length} images`;
  return ending.kind === 'delivered' ? ending.result.route : ending.error.code;
}

/** Why it ended as it did, in a sentence. */
export function reasonOf(episode: Episode): string {
  const { ending, events } = episode;
  if (ending.kind === 'failed') return firstSentence(ending.error.message);
  if (ending.kind === 'batch') return describeBatch(episode.scene, ending.items);
  if (ending.result.degraded !== undefined) return `degraded: ${ending.result.degraded}`;
  const delivered = events.findLast((event) => event.kind === 'attempt-end' && event.end.kind === 'delivered');
  const isItsStart = (event: TraceEvent): boolean =>
    event.kind === 'attempt-start' &&
    delivered?.kind === 'attempt-end' &&
    event.attempt === delivered.attempt &&
    event.part === delivered.part;
  const start = events.find(isItsStart);
  if (start?.kind !== 'attempt-start') return '';
  return start.role === 'first' ? start.cause : `${start.role}: ${start.cause}`;
}

function describeBatch({ batch }: Scene, items: readonly BatchPicture[]): string {
  const seconds = items.map(({ elapsedMs }) => elapsedMs / 1_000).sort((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
  return `${batch?.concurrency ?? 1} at a time, half of them within ${median.toFixed(1)} s of their start`;
}

/** Providers add advice and request ids behind it. */
function firstSentence(message: string): string {
  return /^.{20,}?[.](?= )/.exec(message)?.[0] ?? message;
}

/** The part of the promise that was not kept; undefined when all of it was. */
export function brokenPromise(episode: Episode): string | undefined {
  const { scene, ending } = episode;
  if (ending.kind === 'batch') return batchBroken(episode, ending.items) ?? moneyBroken(episode);
  if (scene.promise.error !== undefined) {
    if (ending.kind === 'delivered') return `an image was delivered instead of ${scene.promise.error}`;
    if (ending.error.code !== scene.promise.error) return `it ended as ${ending.error.code} instead of ${scene.promise.error}`;
    return callsBroken(episode) ?? moneyBroken(episode);
  }
  if (ending.kind === 'failed') return `it failed: ${ending.error.message}`;
  return limitsBroken(episode) ?? deliveryBroken(episode, ending.result) ?? callsBroken(episode) ?? moneyBroken(episode);
}

function batchBroken(episode: Episode, items: readonly BatchPicture[]): string | undefined {
  const { withinSeconds = Number.POSITIVE_INFINITY } = episode.scene.promise;
  const missing = items.filter(({ image }) => image === undefined);
  if (missing.length > 0) return `${missing.length} of ${items.length} images are missing: ${missing[0]?.route}`;
  const seconds = elapsedMsOf(episode) / 1_000;
  return limitsBroken(episode) ?? (seconds > withinSeconds ? `it took ${seconds.toFixed(1)} s` : undefined);
}

/** Deadline and price cap: these hold against any provider. */
export function limitsBroken(episode: Episode): string | undefined {
  const { need, cost, events, scene } = episode;
  if (scene.batch !== undefined) {
    const { images, inTime } = deliveriesOf(episode);
    if (inTime < images) return `${images - inTime} images came after their deadline`;
    return cost.billed + cost.possiblyBilled > microUsd(scene.batch.maxCostUsd) ? 'it cost more than its cap' : undefined;
  }
  const lateMs = (events.at(-1)?.atMs ?? 0) - need.budgetMs;
  if (lateMs > 0) return `it came ${Math.round(lateMs)} ms after its deadline`;
  if (need.maxCost !== undefined && cost.billed + cost.possiblyBilled > need.maxCost) return 'it cost more than its cap';
  return undefined;
}

function deliveryBroken({ scene, need, plan, events }: Episode, result: ImageResult): string | undefined {
  const { route, role, degraded, pricedOut, preview, atLeastSeconds = 0 } = scene.promise;
  if (preview === true && result.preview === undefined) return 'there was no preview';
  if (scene.edits !== undefined && need.operation !== 'edit') return 'there was no picture to work from';
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
