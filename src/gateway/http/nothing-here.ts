// A path at which there is nothing: told the nearest at which there is something. A list of all of them would be read by nobody;
// that is what /docs is for. Whoever asks needs no key, so nothing of what was asked is searched or echoed beyond a bound.
import { editDistance, farthestMeant } from '../../domain/problem.ts';
import type { Endpoint } from './endpoint.ts';
import { Refusal } from './refusal.ts';

/** Longer than any path there is, ids included; comparing costs its square. */
const LONGEST_COMPARED = 200;

export function nothingHere(asked: string, endpoints: readonly Endpoint[]): Refusal {
  const path = nearestPath(asked, [...new Set(endpoints.map((endpoint) => endpoint.path))]);
  const methods = endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method);
  const shown = path?.replaceAll(/:(\w+)/g, '{$1}');
  return new Refusal({
    status: 404,
    code: 'not_found',
    message: shown === undefined ? 'There is nothing here.' : `There is nothing here. The nearest is ${methods.join(', ')} ${shown}.`,
    remedy: 'GET /docs shows what there is',
  });
}

function nearestPath(asked: string, patterns: readonly string[]): string | undefined {
  if (asked.length > LONGEST_COMPARED) return undefined;
  let nearest: { readonly pattern: string; readonly distance: number } | undefined;
  for (const pattern of patterns) {
    const said = withoutParameters(asked, pattern);
    const distance = editDistance(said, withoutParameters(pattern, pattern));
    if (distance <= farthestMeant(said) && distance < (nearest?.distance ?? Infinity)) nearest = { pattern, distance };
  }
  return nearest?.pattern;
}

/** An id in its right place says nothing for the rest of a path, so it counts on neither side. */
function withoutParameters(path: string, pattern: string): string {
  const parts = pattern.split('/');
  return path
    .split('/')
    .map((part, index) => (parts[index]?.startsWith(':') ? '' : part))
    .join('/');
}
