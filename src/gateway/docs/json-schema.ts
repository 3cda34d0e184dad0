// JSON schemas as zod makes them, without what says nothing to a reader: the dialect, which OpenAPI 3.1 implies, and the bounds
// of whole numbers that JavaScript has and nobody chose.

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `isOpen`: later versions may add fields, which clients must not take for mistakes. */
export function plainSchema(schema: unknown, isOpen = false): Json {
  const plain = plainValue(schema, isOpen);
  return isJson(plain) ? plain : {};
}

function plainValue(value: unknown, isOpen: boolean): unknown {
  if (Array.isArray(value)) return value.map((inner) => plainValue(inner, isOpen));
  if (!isJson(value)) return value;
  const entries = Object.entries(value).filter(([key, inner]) => !isNoise(key, inner, isOpen));
  return Object.fromEntries(entries.map(([key, inner]) => [key, plainValue(inner, isOpen)]));
}

function isNoise(key: string, value: unknown, isOpen: boolean): boolean {
  if (key === '$schema' || key === '$id' || (key === 'additionalProperties' && isJson(value) && Object.keys(value).length === 0))
    return true;
  if (key === 'maximum') return value === Number.MAX_SAFE_INTEGER;
  if (key === 'minimum') return value === Number.MIN_SAFE_INTEGER;
  return isOpen && key === 'additionalProperties' && value === false;
}
