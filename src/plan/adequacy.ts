// Is a route good enough for a need, and what is its image worth if not? Adequacy is judged by what a route draws, not
// by its tier's name: nano-banana-pro is catalogued as a preview because it is fast, yet it meets a standard need.
import type { Need } from '../domain/need.ts';
import type { Route } from '../domain/route.ts';
import type { TextAccuracy, Tier } from '../domain/vocabulary.ts';

/** Least visual accuracy that a tier promises: below the tier's own route, above that of the tier beneath. */
const VISUAL_FLOOR: Readonly<Record<Tier, number>> = { preview: 0.6, standard: 0.85, premium: 0.95 };
/** Least lettering accuracy: 0.93 keeps a ten-word headline free of mistakes about every second time, 0.85 a shop sign. */
const TEXT_FLOOR: Readonly<Record<TextAccuracy, number>> = { none: 0, some: 0.85, exact: 0.93 };

export type Shortfall = 'visual' | 'text';

/** In which ways images of `route` fall below `need`; empty when they meet it. */
export function shortfalls(route: Route, need: Need): readonly Shortfall[] {
  const below: Shortfall[] = [];
  if (route.accuracy.visual < VISUAL_FLOOR[need.tier]) below.push('visual');
  if (route.accuracy.text < TEXT_FLOOR[need.textAccuracy]) below.push('text');
  return below;
}

/** Shortfalls that the caller does not permit. */
export function forbiddenShortfalls(below: readonly Shortfall[], need: Need): readonly Shortfall[] {
  return below.filter((shortfall) => !need.mayDegrade.includes(shortfall === 'visual' ? 'tier' : 'text'));
}

/** USD that an on-time image with these shortfalls is worth to the caller. */
export function imageValueUsd(below: readonly Shortfall[], need: Need): number {
  return need.policy.valueUsd * need.policy.keptBelowNeed ** below.length;
}
