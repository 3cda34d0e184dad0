// The shape of a whole configuration file, and the JSON schema made from it, by which editors complete and explain a file while
// it is written. Names that must exist elsewhere in the file are checked when it is read; no schema can say that.
import { z } from 'zod';
import { GatewaySettingsSchema } from '../../gateway/config/settings.ts';
import { RouterOptionsSchema } from '../../options.ts';

export const ConfigFileSchema = RouterOptionsSchema.extend({
  $schema: z.string().optional().describe('Where the JSON schema of this file is; read by editors alone.'),
  gateway: GatewaySettingsSchema.prefault({}).describe('What image-router serve needs beyond the above; other commands ignore it.'),
});

/** What the library's options mean, for people who write a file: paths are those of the JSON schema. */
const NOTES: Readonly<Record<string, string>> = {
  endpoints: 'Where calls go. A provider may have several endpoints; they back each other up.',
  'endpoints.id': 'Your name for it: gpt-image-2-low@NAME in traces, metrics and errors.',
  'endpoints.provider': "Which provider's protocol is spoken there.",
  'endpoints.baseUrl': 'With its path, without a slash at the end: https://api.openai.com/v1, https://generativelanguage.googleapis.com.',
  'endpoints.apiKey': 'env:NAME reads the environment variable NAME, so that this file can be committed.',
  'endpoints.proxyUrl': 'An HTTP proxy on the way there; env:NAME reads the environment.',
  'endpoints.apiVersion': 'Version in the paths of Gemini. Aggregators document only v1beta.',
  'endpoints.routes': 'The only routes served here; every route of the provider when left out.',
  'endpoints.models': 'Route id -> the name its model has here.',
  'endpoints.prices': 'Route id -> the price charged here.',
  routes: 'Routes of yours beside the built-in ones; the same id replaces.',
  policies: 'Policies of yours beside the built-in ones; the same id replaces.',
  defaultPolicy: 'The policy of requests that name none.',
  latencyProfile: 'Which public numbers latency starts from: brief, or the slower field.',
  maxWaitingPerRoute: 'Requests that may queue in front of one route; 10 000 when left out.',
  speed: 'World seconds per real second; above 1 only against a sandbox of the same speed.',
};

type Json = Readonly<Record<string, unknown>>;

export function configJsonSchema(): Json {
  const schema = z.toJSONSchema(ConfigFileSchema, { io: 'input' });
  return { ...described(schema, ''), title: 'Configuration of image-router' };
}

/** Follows properties, and the items of lists, down to what has a note. */
function described(schema: Json, path: string): Json {
  const { properties, items } = schema;
  return {
    ...schema,
    ...(isJson(properties) ? { properties: withNotes(properties, path) } : {}),
    ...(isJson(items) ? { items: described(items, path) } : {}),
  };
}

function withNotes(properties: Json, path: string): Json {
  const entries = Object.entries(properties).map(([name, inner]): readonly [string, unknown] => {
    const here = path === '' ? name : `${path}.${name}`;
    const note = NOTES[here];
    return [name, isJson(inner) ? { ...(note === undefined ? {} : { description: note }), ...described(inner, here) } : inner];
  });
  return Object.fromEntries(entries);
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
