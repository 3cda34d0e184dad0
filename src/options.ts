// What an embedding program configures: endpoints, and optionally routes and policies of its own. One strict schema,
// parsed once, cross-checked in a second pass so that all mistakes show at once, then frozen.
import { z } from 'zod';
import { builtInPolicies } from '../policies/index.ts';
import { builtInRoutes } from '../routes/index.ts';
import { deepFreeze } from './domain/catalog.ts';
import { type Endpoint, EndpointSchema } from './domain/endpoint.ts';
import type { Problem } from './domain/error.ts';
import { type Policy, PolicySchema } from './domain/policy.ts';
import { nearest, parseOrExplain, problemsError } from './domain/problem.ts';
import { type Route, RouteSchema } from './domain/route.ts';
import { LATENCY_PROFILES, PolicyIdSchema } from './domain/vocabulary.ts';

export const RouterOptionsSchema = z.strictObject({
  /** Where calls go. A provider may have several endpoints; they back each other up. */
  endpoints: z.array(EndpointSchema).min(1),
  /** Routes beside the built-in ones; the same id replaces a built-in one. */
  routes: z.array(RouteSchema).default([]),
  /** Policies beside the built-in ones; the same id replaces a built-in one. */
  policies: z.array(PolicySchema).default([]),
  /** The policy of requests that name none. */
  defaultPolicy: PolicyIdSchema.default('default' as z.infer<typeof PolicyIdSchema>),
  /** Which public numbers latency starts from before anything was observed. brief: the vendor guide's. field: slower reports. */
  latencyProfile: z.enum(LATENCY_PROFILES).default('brief'),
  /** Requests that may wait in front of one route before more are turned away. */
  maxWaitingPerRoute: z.int().min(0).optional(),
  /** World milliseconds per real millisecond. Above 1 only against a sandbox of the same speed. */
  speed: z.number().gt(0).max(100_000).default(1),
});

/** Options as callers write them: only `endpoints` is required. */
export type RouterOptions = z.input<typeof RouterOptionsSchema>;

export type ResolvedOptions = {
  readonly endpoints: readonly Endpoint[];
  readonly routes: readonly Route[];
  readonly policies: readonly Policy[];
  readonly defaultPolicy: Policy;
  readonly latencyProfile: (typeof LATENCY_PROFILES)[number];
  readonly maxWaitingPerRoute: number | undefined;
  readonly speed: number;
};

/** Checks and completes options. Throws ImageRouterError `invalid_config` naming every problem. */
export function resolveOptions(input: unknown): ResolvedOptions {
  const options = parseOrExplain(RouterOptionsSchema, input, 'invalid_config', 'configuration');
  const routes = overlay(builtInRoutes, options.routes);
  const policies = overlay(builtInPolicies, options.policies);
  const problems = [
    ...duplicates('endpoints', options.endpoints),
    ...duplicates('routes', options.routes),
    ...duplicates('policies', options.policies),
    ...options.endpoints.flatMap((endpoint, index) => endpointProblems(endpoint, index, routes)),
  ];
  const defaultPolicy = policies.find((policy) => policy.id === options.defaultPolicy);
  if (defaultPolicy === undefined) problems.push(unknownName('defaultPolicy', 'policy', options.defaultPolicy, policies));
  if (problems.length > 0 || defaultPolicy === undefined) throw problemsError('invalid_config', 'configuration', problems);
  return deepFreeze({
    endpoints: options.endpoints,
    routes,
    policies,
    defaultPolicy,
    latencyProfile: options.latencyProfile,
    maxWaitingPerRoute: options.maxWaitingPerRoute,
    speed: options.speed,
  });
}

function overlay<Entry extends { readonly id: string }>(builtIn: readonly Entry[], own: readonly Entry[]): readonly Entry[] {
  const replaced = new Set(own.map((entry) => entry.id));
  return [...builtIn.filter((entry) => !replaced.has(entry.id)), ...own];
}

function duplicates(field: string, entries: readonly { readonly id: string }[]): readonly Problem[] {
  return entries.flatMap((entry, index) =>
    entries.findIndex((other) => other.id === entry.id) === index
      ? []
      : [{ field: `${field}.${index}.id`, rule: 'must be unique', value: `"${entry.id}"`, remedy: 'give it another id' }],
  );
}

function endpointProblems(endpoint: Endpoint, index: number, routes: readonly Route[]): readonly Problem[] {
  const served = routes.filter((route) => route.provider === endpoint.provider);
  const named = [
    ...(endpoint.routes ?? []).map((id) => ({ id, field: `endpoints.${index}.routes` })),
    ...Object.keys(endpoint.models ?? {}).map((id) => ({ id, field: `endpoints.${index}.models` })),
    ...Object.keys(endpoint.prices ?? {}).map((id) => ({ id, field: `endpoints.${index}.prices` })),
  ];
  return named
    .filter(({ id }) => !served.some((route) => route.id === id))
    .map(({ id, field }) => unknownName(field, `${endpoint.provider} route`, id, served));
}

/** The problem of naming something that does not exist. */
export function unknownName(field: string, what: string, name: string, known: readonly { readonly id: string }[]): Problem {
  const ids = known.map((entry) => entry.id);
  const near = nearest(name, ids);
  const remedy = near === undefined ? `use one of ${ids.join(', ')}` : `did you mean "${near}"? Known: ${ids.join(', ')}`;
  return { field, rule: `must name a known ${what}`, value: `"${name}"`, remedy };
}
