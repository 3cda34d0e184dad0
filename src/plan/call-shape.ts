// What one call for a need looks like on one route: the size to ask for, what shapes its latency, what it costs. Planner,
// executor and adapters read the same answer, so a plan never prices a call that is not the one being sent.
import type { LatencyShape } from '../domain/latency.ts';
import type { Need } from '../domain/need.ts';
import { type Price, type PriceShape, priceOf } from '../domain/price.ts';
import type { Route } from '../domain/route.ts';
import { chooseSize, type SizeChoice } from '../domain/size.ts';

export type UsableSize = Exclude<SizeChoice, { kind: 'unsupported' }>;

export type CallShape = {
  readonly size: UsableSize;
  readonly latency: LatencyShape;
  readonly priced: PriceShape;
  readonly price: Price;
};

type Shaped = CallShape | { readonly unsupported: string };

/** What of a need shapes its calls, as text. */
const kinds = new WeakMap<Need, string>();
/**
 * Asked again at every step of a run, and the answer never changes; thousands of runs may wait whose needs are of one kind, and
 * share it. A route's answers are thrown away when there are too many.
 */
const shapes = new WeakMap<Route, Map<string, Shaped>>();
const MOST_KINDS = 1_000;

/** The shape of a call, or the rule of the route that the asked size breaks. */
export function callShapeOf(route: Route, need: Need): Shaped {
  let ofRoute = shapes.get(route);
  if (ofRoute === undefined) {
    ofRoute = new Map();
    shapes.set(route, ofRoute);
  }
  const kind = kindOf(need);
  const known = ofRoute.get(kind);
  if (known !== undefined) return known;
  if (ofRoute.size >= MOST_KINDS) ofRoute.clear();
  const shape = shapeOf(route, need);
  ofRoute.set(kind, shape);
  return shape;
}

/** All that `shapeOf` reads. */
function kindOf(need: Need): string {
  const known = kinds.get(need);
  if (known !== undefined) return known;
  const { size, n, references, partials, complexity, prompt } = need;
  const kind = `${size.width} ${size.height} ${n} ${references} ${partials} ${complexity} ${utf8Bytes(prompt)}`;
  kinds.set(need, kind);
  return kind;
}

function shapeOf(route: Route, need: Need): Shaped {
  const size = chooseSize(route.capabilities.sizes, need.size);
  if (size.kind === 'unsupported') return { unsupported: size.rule };
  const shape = {
    size: size.size,
    resolution: size.kind === 'ratio' ? size.resolution : undefined,
    n: need.n,
    references: need.references,
  };
  // A stream's events do not say which of several pictures they belong to.
  const partials = route.capabilities.streaming && need.n === 1 ? need.partials : 0;
  const priced = { ...shape, partials, promptBytes: utf8Bytes(need.prompt) };
  return { size, latency: { ...shape, complexity: need.complexity }, priced, price: priceOf(route.price, priced) };
}

/** The same for a target that was planned, whose size is known to fit. */
export function plannedShapeOf(route: Route, need: Need): CallShape {
  const shape = callShapeOf(route, need);
  if ('unsupported' in shape) throw new Error(`invariant: ${route.id} was planned for a size it does not take: ${shape.unsupported}`);
  return shape;
}

/** UTF-8 length without encoding: prices and limits need the count, not the bytes. */
function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
