// What a `model` means here: auto, a tier, a route, a provider's model, or an alias the operator gave to one of these, so
// that programs with a fixed model name need no change. Only what some endpoint serves has a name.
import { nearest } from '../../../domain/problem.ts';
import type { Route } from '../../../domain/route.ts';
import { TIERS, type Tier } from '../../../domain/vocabulary.ts';
import type { ResolvedOptions } from '../../../options.ts';
import { Refusal } from '../refusal.ts';

export type ModelChoice = {
  /** The name after aliases: what a key's list of allowed models is compared with. */
  readonly name: string;
  readonly tier?: Tier;
  readonly route?: string;
  readonly model?: string;
};

export type ModelEntry = {
  readonly id: string;
  readonly kind: 'auto' | 'tier' | 'route' | 'model' | 'alias';
  readonly routes: readonly Route[];
};

/** Throws Refusal 404 `model_not_found`, listing what there is. */
export function chooseModel(
  asked: string | undefined,
  aliases: Readonly<Record<string, string>>,
  options: Pick<ResolvedOptions, 'endpoints' | 'routes'>,
): ModelChoice {
  if (asked === undefined) return { name: 'auto' };
  const name = Object.hasOwn(aliases, asked) ? (aliases[asked] ?? asked) : asked;
  if (name === 'auto') return { name };
  const tier = TIERS.find((known) => known === name);
  if (tier !== undefined) return { name, tier };
  const routes = servedRoutes(options);
  if (routes.some((route) => route.id === name)) return { name, route: name };
  if (routes.some((route) => route.model === name)) return { name, model: name };
  throw unknownModel(asked, listModels(aliases, options));
}

/** Everything `model` may say, in the order people should try it. */
export function listModels(
  aliases: Readonly<Record<string, string>>,
  options: Pick<ResolvedOptions, 'endpoints' | 'routes'>,
): readonly ModelEntry[] {
  const routes = servedRoutes(options);
  const entries: ModelEntry[] = [
    { id: 'auto', kind: 'auto', routes },
    ...TIERS.map((tier): ModelEntry => ({ id: tier, kind: 'tier', routes: routes.filter((route) => route.tier === tier) })),
    ...routes.map((route): ModelEntry => ({ id: route.id, kind: 'route', routes: [route] })),
    ...[...new Set(routes.map((route) => route.model))].map(
      (model): ModelEntry => ({ id: model, kind: 'model', routes: routes.filter((route) => route.model === model) }),
    ),
  ];
  const unique = entries.filter((entry, index) => entries.findIndex((other) => other.id === entry.id) === index);
  const named = Object.entries(aliases).map(
    ([id, meant]): ModelEntry => ({ id, kind: 'alias', routes: unique.find((entry) => entry.id === meant)?.routes ?? [] }),
  );
  return [...unique, ...named.filter((alias) => !unique.some((entry) => entry.id === alias.id))];
}

type Served = Pick<ResolvedOptions, 'endpoints' | 'routes'>;

/** Of options that are the same until a reload. */
const served = new WeakMap<Served, readonly Route[]>();

/** Routes that some endpoint serves. */
function servedRoutes(options: Served): readonly Route[] {
  const known = served.get(options);
  if (known !== undefined) return known;
  const { endpoints, routes } = options;
  const found = routes.filter((route) =>
    endpoints.some((endpoint) => endpoint.provider === route.provider && (endpoint.routes?.includes(route.id) ?? true)),
  );
  served.set(options, found);
  return found;
}

const LONGEST_NAME = 64;

export function unknownModel(asked: string, entries: readonly ModelEntry[]): Refusal {
  const ids = entries.map((entry) => entry.id);
  const shown = asked.slice(0, LONGEST_NAME);
  const near = nearest(shown, ids);
  return new Refusal({
    status: 404,
    code: 'model_not_found',
    message: `The model '${shown}' does not exist here. There is: ${ids.join(', ')}.`,
    param: 'model',
    remedy: near === undefined ? 'use one of them, or leave model out for auto' : `did you mean "${near}"?`,
  });
}
