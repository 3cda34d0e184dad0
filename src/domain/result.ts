// What a caller gets back: images, where they came from, whether they are what was asked for, what they cost, and why.
import type { Image } from './image.ts';
import type { MicroUsd } from './money.ts';
import type { Need, Warning } from './need.ts';
import type { TargetId } from './route.ts';
import type { Trace } from './trace.ts';
import type { RouteId, Tier } from './vocabulary.ts';

/** `billed` is known from what providers reported; `possiblyBilled` is what timed-out or cancelled calls may add. */
export type Cost = { readonly billed: MicroUsd; readonly possiblyBilled: MicroUsd };

export type ImageResult = {
  readonly id: string;
  readonly images: readonly Image[];
  readonly route: RouteId;
  readonly target: TargetId;
  readonly tier: Tier;
  readonly need: Need;
  /** Undefined when the image is what was asked for; else in which way it falls short, and why. */
  readonly degraded: string | undefined;
  readonly warnings: readonly Warning[];
  readonly cost: Cost;
  /** World milliseconds from arrival to delivery. */
  readonly elapsedMs: number;
  readonly trace: Trace;
};
