// What a caller gets back: images, where they came from, whether they are what was asked for, what they cost, and why.
import type { Image } from './image.ts';
import { addUsd, type MicroUsd, ZERO_USD } from './money.ts';
import type { Need, Warning } from './need.ts';
import type { Usage } from './price.ts';
import type { TargetId } from './route.ts';
import type { Trace, TraceEvent } from './trace.ts';
import type { RouteId, Tier } from './vocabulary.ts';

/** `billed` is known from what providers reported; `possiblyBilled` is what timed-out or cancelled calls may add. */
export type Cost = { readonly billed: MicroUsd; readonly possiblyBilled: MicroUsd };

export const NO_COST: Cost = { billed: ZERO_USD, possiblyBilled: ZERO_USD };

export function addCosts(...costs: readonly Cost[]): Cost {
  return {
    billed: addUsd(...costs.map(({ billed }) => billed)),
    possiblyBilled: addUsd(...costs.map(({ possiblyBilled }) => possiblyBilled)),
  };
}

/** What a trace says was billed, and may have been: the sum over its ended attempts, also of a trace cut short. */
export function costInTrace(events: readonly TraceEvent[]): Cost {
  return addCosts(...events.flatMap((event) => (event.kind === 'attempt-end' ? [event] : [])));
}

/** An image and the route that made it: several images may come from several routes. */
export type ResultImage = Image & { readonly route: RouteId };

export type ImageResult = {
  readonly id: string;
  readonly images: readonly ResultImage[];
  /** The route of the first image. */
  readonly route: RouteId;
  readonly target: TargetId;
  readonly tier: Tier;
  readonly need: Need;
  /** Undefined when the image is what was asked for; else in which way it falls short, and why. */
  readonly degraded: string | undefined;
  readonly warnings: readonly Warning[];
  readonly cost: Cost;
  /** Tokens of the calls whose images are delivered, as providers counted them; undefined when none did. */
  readonly usage: Usage | undefined;
  /** The preview that came first, when one was asked for and made in time; the result itself when it was accepted. */
  readonly preview?: ImageResult;
  /** World milliseconds from arrival to delivery. */
  readonly elapsedMs: number;
  readonly trace: Trace;
};
