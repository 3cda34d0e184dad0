// Where a request is addressed: face, protocol and resource, read from method and path alone. Three faces share one port;
// the aggregator's paths are those of both providers behind its own prefix, as new-api routes them.
import type { Operation, ProviderKind } from '../../domain/vocabulary.ts';
import type { Face } from '../call.ts';

export type Destination =
  | { readonly kind: 'generate'; readonly face: Face; readonly protocol: 'openai'; readonly operation: Operation }
  | {
      readonly kind: 'generate';
      readonly face: Face;
      readonly protocol: 'google';
      readonly version: string;
      readonly model: string;
      /** Which of the model's two methods. */
      readonly streamed: boolean;
    }
  | {
      readonly kind: 'models';
      readonly face: Face;
      readonly protocol: ProviderKind;
      readonly version: string;
      /** One model; undefined: the list. */
      readonly model: string | undefined;
    }
  | { readonly kind: 'moderations'; readonly face: Face; readonly protocol: 'openai' }
  | { readonly kind: 'control'; readonly resource: string }
  | { readonly kind: 'unknown'; readonly face: Face };

const PREFIXES: readonly (readonly [prefix: string, face: Face])[] = [
  ['/openai', 'openai'],
  ['/google', 'google'],
  ['/agg', 'aggregator'],
];

export function destinationOf(method: string, path: string): Destination {
  if (path.startsWith('/__sim/')) return { kind: 'control', resource: path.slice('/__sim/'.length) };
  const found = PREFIXES.find(([prefix]) => path.startsWith(`${prefix}/`));
  if (found === undefined) return { kind: 'unknown', face: 'openai' };
  const [prefix, face] = found;
  const rest = path.slice(prefix.length);
  const destination =
    (face === 'google' ? undefined : openaiResource(method, rest, face)) ??
    (face === 'openai' ? undefined : googleResource(method, rest, face));
  return destination ?? { kind: 'unknown', face };
}

function openaiResource(method: string, path: string, face: Face): Destination | undefined {
  if (method === 'POST' && path === '/v1/images/generations') return { kind: 'generate', face, protocol: 'openai', operation: 'generate' };
  if (method === 'POST' && path === '/v1/images/edits') return { kind: 'generate', face, protocol: 'openai', operation: 'edit' };
  if (method === 'POST' && path === '/v1/moderations') return { kind: 'moderations', face, protocol: 'openai' };
  const models = method === 'GET' ? /^\/v1\/models(?:\/([^/:]+))?$/.exec(path) : null;
  return models ? { kind: 'models', face, protocol: 'openai', version: 'v1', model: decoded(models[1]) } : undefined;
}

function googleResource(method: string, path: string, face: Face): Destination | undefined {
  const match = /^\/(v1|v1beta)\/models(?:\/([^/:]+))?(:generateContent|:streamGenerateContent)?$/.exec(path);
  if (match === null) return undefined;
  const version = match[1] ?? 'v1';
  const model = decoded(match[2]);
  if (match[3] === undefined) return method === 'GET' ? { kind: 'models', face, protocol: 'google', version, model } : undefined;
  if (method !== 'POST' || model === undefined) return undefined;
  return { kind: 'generate', face, protocol: 'google', version, model, streamed: match[3] === ':streamGenerateContent' };
}

function decoded(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
