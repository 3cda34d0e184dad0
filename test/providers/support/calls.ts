// Calls, endpoints and a clock for adapter tests: the built-in catalogue's routes, sized by the domain's own rules.
import { builtInRoutes } from '../../../routes/index.ts';
import { type Endpoint, EndpointSchema } from '../../../src/domain/endpoint.ts';
import type { Route } from '../../../src/domain/route.ts';
import { chooseSize, type Size } from '../../../src/domain/size.ts';
import type { ProviderCall } from '../../../src/providers/provider.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

export const PROMPT = 'a lighthouse at dusk, painted in oil, with the word HARBOUR on its wall';
export const OPENAI_KEY = 'sk-test-0123456789abcdef';
export const GOOGLE_KEY = 'AIzaTest0123456789abcdef';

/** Noon in California on a day without a clock change. */
const WALL = '2026-11-22T20:00:00.000Z';

/** The shared manual clock, on that day. */
export function testClock(): ManualClock {
  return manualClock(1, new Date(WALL));
}

function routeNamed(id: string): Route {
  const route = builtInRoutes.find((candidate) => candidate.id === id);
  if (route === undefined) throw new Error(`no route ${id}`);
  return route;
}

export function endpointAt(url: string, provider: 'openai' | 'google', changes: Record<string, unknown> = {}): Endpoint {
  const path = provider === 'openai' ? '/v1' : '';
  const apiKey = provider === 'openai' ? OPENAI_KEY : GOOGLE_KEY;
  return EndpointSchema.parse({ id: provider, provider, baseUrl: `${url}${path}`, apiKey, ...changes });
}

export type CallChanges = Partial<Omit<ProviderCall, 'route' | 'size'>> & { readonly pixels?: Size };

export function callOf(routeId: string, changes: CallChanges = {}): ProviderCall {
  const route = routeNamed(routeId);
  const { pixels = { width: 1024, height: 1024 }, ...fields } = changes;
  const size = chooseSize(route.capabilities.sizes, pixels);
  if (size.kind === 'unsupported') throw new Error(size.rule);
  return {
    endpoint: EndpointSchema.shape.id.parse(route.provider),
    route,
    prompt: PROMPT,
    size,
    deliver: pixels,
    n: 1,
    attachments: { references: [], mask: undefined },
    onPartial: undefined,
    format: route.provider === 'google' ? 'jpeg' : 'png',
    compression: undefined,
    background: 'auto',
    keepEncoded: false,
    endUser: undefined,
    ...fields,
  };
}
