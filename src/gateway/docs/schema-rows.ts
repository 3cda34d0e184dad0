// A schema as rows of a table: one for each field, those inside others under a dotted name, with a type people can read.
import { isJson, type Json } from './json-schema.ts';
import { type OpenApiDocument, resolveSchema } from './openapi.ts';

export type FieldRow = {
  /** `image_router.images[].width`. */
  readonly name: string;
  readonly isRequired: boolean;
  readonly type: string;
  readonly meaning: string;
};

/** `depth`: how many levels are told. What is deeper is in the document. */
export function rowsOf(document: OpenApiDocument, schema: Json, depth: number, prefix = ''): readonly FieldRow[] {
  return variantsOf(document, schema).flatMap((variant) => {
    const properties = isJson(variant.properties) ? variant.properties : {};
    const required: readonly unknown[] = Array.isArray(variant.required) ? variant.required : [];
    return Object.entries(properties).flatMap(([field, inner]) => {
      const property = resolveSchema(document, inner);
      const { schema: item, suffix } = itemOf(document, property);
      const name = `${prefix}${field}${suffix}`;
      const row = { name, isRequired: required.includes(field), type: typeText(property), meaning: String(property.description ?? '') };
      return depth > 1 ? [row, ...rowsOf(document, item, depth - 1, `${name}.`)] : [row];
    });
  });
}

function variantsOf(document: OpenApiDocument, { oneOf, anyOf, ...schema }: Json): readonly Json[] {
  const variants = oneOf ?? anyOf;
  return Array.isArray(variants) ? variants.map((variant) => resolveSchema(document, variant)) : [schema];
}

/** What a list holds is told in place of the list. */
function itemOf(document: OpenApiDocument, property: Json): { readonly schema: Json; readonly suffix: string } {
  if (property.type !== 'array') return { schema: property, suffix: '' };
  return { schema: resolveSchema(document, property.items), suffix: '[]' };
}

/** `low | medium | high`, `integer, 1 to 10`, `text`. */
function typeText(property: Json): string {
  const { type, enum: choices, const: only, format } = property;
  if (Array.isArray(choices)) return choices.map(String).join(' | ');
  if (only !== undefined) return String(only);
  if (format === 'binary') return 'file';
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  const words = types.map((name) => WORDS[String(name)] ?? String(name ?? 'any')).join(' or ');
  return `${words}${boundsText(property)}`;
}

const WORDS: Readonly<Record<string, string>> = { string: 'text', array: 'list', boolean: 'true | false', integer: 'whole number' };

function boundsText({ minimum, maximum, exclusiveMinimum }: Json): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum} to ${maximum}`;
  if (exclusiveMinimum !== undefined) return `, above ${exclusiveMinimum}`;
  return '';
}
