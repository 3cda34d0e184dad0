// From finished runs to what a caller gets: a result, or the one public error. Several runs of one request (single calls
// for several images) become one result: what was delivered is delivered, whatever happened to its siblings.
import { type ErrorCode, ImageRouterError } from '../domain/error.ts';
import type { Image } from '../domain/image.ts';
import { ZERO_USD } from '../domain/money.ts';
import type { Need, Warning } from '../domain/need.ts';
import type { Exclusion, Infeasible, Offer } from '../domain/plan.ts';
import type { Usage } from '../domain/price.ts';
import type { ImageResult, ResultImage } from '../domain/result.ts';
import type { TargetId } from '../domain/route.ts';
import type { TraceEvent } from '../domain/trace.ts';
import type { RouteId } from '../domain/vocabulary.ts';
import type { Driven } from '../execute/drive.ts';
import { type Attempt, spendOf } from '../execute/run.ts';
import { shortfalls } from '../plan/adequacy.ts';
import { describeBelow } from '../plan/candidates.ts';
import type { Adjustment } from '../providers/provider.ts';

type Delivered = { readonly attempt: Attempt; readonly reply: NonNullable<Driven['reply']> };

/** What the runs were for, and what happened before them. */
type Subject = { readonly requestId: string; readonly need: Need; readonly earlier: readonly TraceEvent[] };

/** Throws ImageRouterError when no run delivered anything. */
export function toResult({ requestId, need, earlier }: Subject, driven: readonly Driven[]): ImageResult {
  const events = mergedEvents(driven);
  const trace = { requestId, events: earlier.length === 0 ? events : [...earlier, ...events] };
  const cost = spendOf(driven.flatMap(({ run }) => run.attempts));
  const delivered = driven.flatMap(deliveredBy);
  const [first] = delivered;
  if (first === undefined) throw toError(driven, trace);
  const { route } = first.attempt.target;
  const images = delivered.flatMap(({ attempt, reply }) => reply.images.map((image) => madeBy(image, attempt.target.route.id)));
  return {
    id: requestId,
    images,
    route: route.id,
    target: first.attempt.target.id,
    tier: route.tier,
    need,
    degraded: degradation(need, delivered, images.length, driven),
    warnings: [...need.warnings, ...unique(delivered.flatMap(({ reply }) => reply.adjustments.map(toWarning)))],
    cost: { billed: cost.billed, possiblyBilled: cost.possiblyBilled },
    usage: totalUsage(delivered.flatMap(({ reply }) => (reply.usage === undefined ? [] : [reply.usage]))),
    elapsedMs: trace.events.at(-1)?.atMs ?? 0,
    trace,
  };
}

/** Not a spread: the bytes of an encoded picture are decoded only when somebody reads them. */
function madeBy(image: Image, route: RouteId): ResultImage {
  const { format, mediaType, width, height, encoded } = image;
  const about = { format, mediaType, width, height, route };
  if (encoded === undefined) return { ...about, bytes: image.bytes };
  return {
    ...about,
    encoded,
    get bytes() {
      return image.bytes;
    },
  };
}

function totalUsage(usages: readonly Usage[]): Usage | undefined {
  const sum = (field: keyof Usage): number => usages.reduce((total, usage) => total + usage[field], 0);
  if (usages.length === 0) return undefined;
  return {
    textInTokens: sum('textInTokens'),
    imageInTokens: sum('imageInTokens'),
    imageOutTokens: sum('imageOutTokens'),
    textOutTokens: sum('textOutTokens'),
  };
}

/** The same error with what happened before it in its trace. */
export function withEarlier(error: ImageRouterError, earlier: readonly TraceEvent[]): ImageRouterError {
  const { code, message, problems, offers, remedy, cause, trace } = error;
  const events = [...earlier, ...(trace?.events ?? [])].sort((a, b) => a.atMs - b.atMs);
  const told = { requestId: trace?.requestId ?? '', events };
  return new ImageRouterError(code, message, { problems, offers, cause, trace: told, ...(remedy === undefined ? {} : { remedy }) });
}

/** Before anything was spent: what stands in the way, and what would do. */
export function infeasibleError(refusal: Infeasible, requestId: string, atMs: number): ImageRouterError {
  return new ImageRouterError('infeasible', `no route can do this within the limits: ${refusal.detail}`, {
    offers: refusal.offers,
    trace: { requestId, events: [{ kind: 'plan', atMs, plan: refusal, cause: 'request' }, unspentEnd(atMs, refusal.detail)] },
    remedy: refusal.offers[0] === undefined ? 'relax a limit or configure another endpoint' : describeOffer(refusal.offers[0]),
  });
}

/** The end of a request that failed before anything was spent: its trace, too, has its result last. */
export function unspentEnd(atMs: number, cause: string, end: 'failed' | 'cancelled' = 'failed'): TraceEvent {
  return { kind: 'end', atMs, end, attempt: undefined, cause, billed: ZERO_USD, possiblyBilled: ZERO_USD };
}

/** An offer in words: `allow latencyBudgetMs 27000 (nano-banana-pro)`. */
function describeOffer(offer: Offer): string {
  if (offer.change === 'retryAfterMs') return `try again in ${Math.ceil(offer.to / 1_000)} s (${offer.route})`;
  if (offer.change === 'onLate') return `accept less with onLate: degrade (${offer.route})`;
  return `allow ${offer.change} ${offer.to} (${offer.route})`;
}

function deliveredBy({ finish, run, reply }: Driven): readonly Delivered[] {
  const attempt = finish.kind === 'delivered' ? run.attempts[finish.attempt - 1] : undefined;
  return attempt === undefined || reply === undefined ? [] : [{ attempt, reply }];
}

function mergedEvents(driven: readonly Driven[]): readonly TraceEvent[] {
  if (driven.length === 1) return driven[0]?.events ?? [];
  return driven.flatMap(({ events }, index) => events.map((event) => ({ ...event, part: index + 1 }))).sort((a, b) => a.atMs - b.atMs);
}

function toError(driven: readonly Driven[], trace: ImageRouterError['trace'] & object): ImageRouterError {
  const finish = driven.map((one) => one.finish).find((one) => one.kind === 'failed');
  if (finish?.kind !== 'failed') throw new Error('invariant: a run that delivered nothing has failed');
  // Offers of a plan made in the middle of a run speak of what was left then: only an unspent refusal passes them on.
  const offers = finish.code === 'infeasible' ? (finish.refusal?.offers ?? []) : [];
  const remedy = REMEDIES[finish.code];
  return new ImageRouterError(finish.code, finish.message, { trace, offers, ...(remedy === undefined ? {} : { remedy }) });
}

/** What a caller can do about a request that was tried in vain. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  providers_failed: 'try again in a moment, or allow more time and money, so that other routes can be tried',
  deadline_exceeded: 'allow more time, or ask for a faster tier',
  refused: 'change the prompt: the same words are refused again',
  account: "check the endpoint's key, and what its account may do and owes",
};

function toWarning(adjustment: Adjustment): Warning {
  const codes = { geometry: 'geometry-changed', format: 'format-converted', count: 'images-missing' } as const;
  return { code: codes[adjustment.kind], detail: adjustment.detail };
}

function unique(warnings: readonly Warning[]): readonly Warning[] {
  return warnings.filter((warning, index) => warnings.findIndex((other) => other.detail === warning.detail) === index);
}

/** In which way the result falls short of the need, and what kept the routes that would not have. */
function degradation(need: Need, delivered: readonly Delivered[], images: number, driven: readonly Driven[]): string | undefined {
  const missing = images < need.n ? [`${images} of ${need.n} images were made: ${failuresIn(driven)}`] : [];
  const lesser = delivered.find(({ attempt }) => shortfalls(attempt.target.route, need).length > 0)?.attempt.target.route;
  if (lesser === undefined) return missing[0];
  const because = obstacles(
    driven.flatMap(({ events }) => events),
    lesser.id,
  );
  const below = `${describeBelow(shortfalls(lesser, need))} of ${lesser.id} is below the need`;
  return [...missing, because === '' ? below : `${below} (${because})`].join('; ');
}

function failuresIn(driven: readonly Driven[]): string {
  const reasons = driven.flatMap(({ finish, reply }) => [
    ...(finish.kind === 'failed' ? [finish.message] : []),
    ...(reply?.adjustments.flatMap((adjustment) => (adjustment.kind === 'count' ? [adjustment.detail] : [])) ?? []),
  ]);
  return [...new Set(reasons)].join('; ');
}

function obstacles(events: readonly TraceEvent[], route: RouteId): string {
  const found = new Map<TargetId | RouteId, Exclusion>();
  const plans = events.flatMap((event) => (event.kind === 'plan' ? [event.plan] : []));
  for (const { excluded } of plans) for (const exclusion of excluded) found.set(exclusion.target ?? exclusion.route, exclusion);
  return [...found.values()]
    .filter((exclusion) => exclusion.route !== route)
    .map((exclusion) => `${exclusion.route}: ${exclusion.detail}`)
    .join('; ');
}
