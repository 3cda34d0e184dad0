// Secrets in a configuration file: `apiKey: env:NAME` is looked up in the environment, and so is a proxy's URL, which may hold a
// password. Only these two: a value that could come from anywhere would make the file lie about everything else.
import type { Problem } from '../../domain/error.ts';
import type { Environment } from '../io.ts';

const SECRET_FIELDS = ['apiKey', 'proxyUrl'] as const;
/** Stand in for a variable that is not set, so that the rest of the file can still be checked. */
const STAND_INS: Readonly<Record<(typeof SECRET_FIELDS)[number], string>> = { apiKey: 'missing', proxyUrl: 'http://127.0.0.1:9' };

export type Looked = { readonly value: unknown; readonly problems: readonly Problem[] };

/** Replaces every named secret by its value. */
export function withSecrets(value: unknown, env: Environment): Looked {
  if (typeof value !== 'object' || value === null || !('endpoints' in value) || !Array.isArray(value.endpoints)) {
    return { value, problems: [] };
  }
  const problems: Problem[] = [];
  const endpoints = value.endpoints.map((endpoint: unknown, index): unknown => {
    if (typeof endpoint !== 'object' || endpoint === null) return endpoint;
    const found = SECRET_FIELDS.flatMap((field) => {
      const name = nameIn(Reflect.get(endpoint, field));
      if (name === undefined) return [];
      const secret = env[name];
      if (!secret) problems.push(notSet(`endpoints.${index}.${field}`, name));
      return [[field, secret || STAND_INS[field]] as const];
    });
    return { ...endpoint, ...Object.fromEntries(found) };
  });
  return { value: { ...value, endpoints }, problems };
}

/** `env:NAME` -> NAME. */
function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' ? /^env:(.*)$/.exec(value)?.[1] : undefined;
}

function notSet(field: string, name: string): Problem {
  if (name === '') return { field, rule: 'names no environment variable', value: undefined, remedy: 'write env:NAME' };
  const rule = `names the environment variable ${name}, which is not set`;
  return { field, rule, value: undefined, remedy: `set ${name}, or name another variable` };
}
