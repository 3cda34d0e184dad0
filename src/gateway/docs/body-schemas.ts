// The bodies of requests for the OpenAPI document: made from the schemas that parse them, with what only people need beside:
// defaults, examples, and the "auto" that is evened out before those schemas see it. A new field does not compile without.
import { z } from 'zod';
import { BatchSettingsSchema } from '../http/batches/accept-batch.ts';
import { FinalizeBodySchema, UpgradeBodySchema } from '../http/jobs/continue-body.ts';
import type { Body } from '../http/openai/body.ts';
import { EditBodySchema, GenerationBodySchema } from '../http/openai/body.ts';
import { WebhookBodySchema, WebhookChangeSchema } from '../http/webhooks/webhook-body.ts';
import { MOST_IMAGES } from '../uploads/form-parts.ts';
import { JsonPicturesSchema } from '../uploads/json-edit.ts';
import { isJson, type Json, plainSchema } from './json-schema.ts';

/** `fallback`: what is assumed when the field is left out; text where that is decided elsewhere. */
type Extra = { readonly fallback: string | number | boolean; readonly example: string | number | boolean };

const POLICY = 'as the policy says';

const EXTRAS: Readonly<Record<keyof Body, Extra>> = {
  prompt: { fallback: 'required', example: 'a red fox asleep in fresh snow' },
  model: { fallback: 'auto', example: 'standard' },
  n: { fallback: 1, example: 2 },
  size: { fallback: 'auto', example: '1536x1024' },
  quality: { fallback: 'auto', example: 'medium' },
  output_format: { fallback: POLICY, example: 'webp' },
  output_compression: { fallback: POLICY, example: 80 },
  background: { fallback: POLICY, example: 'transparent' },
  stream: { fallback: false, example: true },
  partial_images: { fallback: 0, example: 2 },
  user: { fallback: 'nobody', example: 'user-1234' },
  safety_identifier: { fallback: 'nobody', example: 'user-1234' },
  response_format: { fallback: 'b64_json', example: 'b64_json' },
  latency_budget_ms: { fallback: POLICY, example: 60_000 },
  text_accuracy: { fallback: POLICY, example: 'exact' },
  max_cost_usd: { fallback: 'no cap', example: 0.2 },
  policy: { fallback: "the operator's", example: 'chat' },
  on_late: { fallback: POLICY, example: 'fail' },
  preview: { fallback: false, example: true },
  aspect_ratio: { fallback: 'from size', example: '16:9' },
  consistent: { fallback: false, example: true },
  moderation: { fallback: 'ignored', example: 'auto' },
  input_fidelity: { fallback: 'ignored', example: 'high' },
};

/** Fields whose short list of words may also be "auto", as OpenAI's clients write it. */
const AUTO = new Set(['quality', 'output_format', 'background']);

/** What is assumed when `name` is left out, for people. */
export function fallbackOf(name: string): string {
  const extra = Object.entries(EXTRAS).find(([field]) => field === name)?.[1];
  return extra === undefined ? '' : String(extra.fallback);
}

const generation = withExtras(plainSchema(z.toJSONSchema(GenerationBodySchema, { io: 'input' })));
const edit = withExtras(plainSchema(z.toJSONSchema(EditBodySchema, { io: 'input' })));
const pictures = plainSchema(z.toJSONSchema(JsonPicturesSchema, { io: 'input' }));

const file = { type: 'string', format: 'binary', description: 'A PNG, JPEG or WebP.' };
const files = {
  type: 'array',
  items: file,
  minItems: 1,
  maxItems: MOST_IMAGES,
  description: `1 to ${MOST_IMAGES} pictures, as repeated parts; also as image[] or image[0].`,
};

export const BODY_SCHEMAS: Readonly<Record<string, Json>> = {
  GenerationBody: generation,
  EditBody: withPictures(edit, isJson(pictures.properties) ? pictures.properties : {}, 'images'),
  JobBody: optionalPictures(withPictures(edit, isJson(pictures.properties) ? pictures.properties : {}, 'images')),
  FinalizeBody: plainSchema(z.toJSONSchema(FinalizeBodySchema, { io: 'input' })),
  UpgradeBody: plainSchema(z.toJSONSchema(UpgradeBodySchema, { io: 'input' })),
  BatchRow: withCustomId(generation),
  BatchForm: {
    type: 'object',
    properties: {
      file: { type: 'string', format: 'binary', description: 'JSON lines, a generation each.' },
      ...propertiesOf(plainSchema(z.toJSONSchema(BatchSettingsSchema, { io: 'input' }))),
    },
    required: ['file'],
  },
  WebhookBody: plainSchema(z.toJSONSchema(WebhookBodySchema, { io: 'input' })),
  WebhookChange: plainSchema(z.toJSONSchema(WebhookChangeSchema, { io: 'input' })),
  EditForm: withPictures(
    edit,
    { image: files, mask: { ...file, description: 'A PNG: where it is transparent is what changes.' } },
    'image',
  ),
};

function withExtras(schema: Json): Json {
  const { properties } = schema;
  if (!isJson(properties)) return schema;
  const entries = Object.entries(EXTRAS).flatMap(([name, extra]): [string, Json][] => {
    const property = properties[name];
    return isJson(property) ? [[name, withExtra(name, property, extra)]] : [];
  });
  return { ...schema, properties: Object.fromEntries(entries) };
}

function withExtra(name: string, property: Json, { fallback, example }: Extra): Json {
  const words = AUTO.has(name) && Array.isArray(property.enum) ? { enum: ['auto', ...property.enum] } : {};
  const isValue = typeof fallback !== 'string' || fallback === 'auto' || fallback === 'b64_json';
  return { ...property, ...words, ...(isValue ? { default: fallback } : {}), examples: [example] };
}

function withPictures(schema: Json, more: Json, requiredName: string): Json {
  const own = isJson(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  return { ...schema, properties: { ...more, ...own }, required: [requiredName, ...required] };
}

/** A job is an edit or a generation. */
function optionalPictures(schema: Json): Json {
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
  return { ...schema, required: required.filter((name) => name !== 'images') };
}

function withCustomId(schema: Json): Json {
  const customId = { type: 'string', minLength: 1, maxLength: 100, description: 'What you call the row; unique in the file.' };
  return { ...schema, properties: { custom_id: customId, ...propertiesOf(schema) } };
}

function propertiesOf({ properties }: Json): Json {
  return isJson(properties) ? properties : {};
}
