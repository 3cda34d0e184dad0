// Parsing of catalogue data: routes and policies from files and from a user's configuration go through the same door.
import type { z } from 'zod';

/**
 * Parses entries strictly, refuses duplicate ids, and freezes the result. Throws RangeError naming file and rule:
 * broken catalogue data is a programming error, not a caller's.
 */
export function parseCatalog<Schema extends z.ZodType<{ readonly id: string }>>(
  schema: Schema,
  name: string,
  entries: readonly unknown[],
): readonly z.output<Schema>[] {
  const seen = new Set<string>();
  const parsed = entries.map((entry, index) => {
    const result = schema.safeParse(entry);
    if (!result.success) {
      const issue = result.error.issues[0];
      throw new RangeError(`${name}[${index}].${issue?.path.join('.')}: ${issue?.message}`);
    }
    if (seen.has(result.data.id)) throw new RangeError(`${name}[${index}].id: "${result.data.id}" is already taken`);
    seen.add(result.data.id);
    return deepFreeze(result.data);
  });
  return Object.freeze(parsed);
}

export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
