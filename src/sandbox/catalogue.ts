// What the sandbox serves: the router's own catalogue of routes, looked up the other way round. A provider knows models
// and quality settings, not routes; several routes of one model differ only in quality.
import type { Route } from '../domain/route.ts';
import type { Complexity, ProviderKind, Quality } from '../domain/vocabulary.ts';

export type Catalogue = {
  readonly routes: readonly Route[];
  /** The routes behind a model name; empty when the provider has no such model. */
  routesOf(provider: ProviderKind, model: string): readonly Route[];
  models(provider: ProviderKind): readonly string[];
};

export function catalogueOf(routes: readonly Route[]): Catalogue {
  return {
    routes,
    routesOf: (provider, model) => routes.filter((route) => route.provider === provider && route.model === model),
    models: (provider) => [...new Set(routes.filter((route) => route.provider === provider).map((route) => route.model))],
  };
}

/** The quality settings a model offers; empty when it has none. */
export function qualitiesOf(routes: readonly Route[]): readonly Quality[] {
  return routes.flatMap((route) => route.settings.quality ?? []);
}

/** The route that serves a quality; for `auto` complex prompts get the best setting, others the middle one. */
export function routeFor(routes: readonly Route[], quality: Quality | 'auto', complexity: Complexity): Route | undefined {
  if (quality === 'auto') {
    const wish: Quality = complexity === 'complex' ? 'high' : 'medium';
    return routes.find((route) => route.settings.quality === wish) ?? routes[0];
  }
  return routes.find((route) => route.settings.quality === quality) ?? routes.find((route) => route.settings.quality === undefined);
}
