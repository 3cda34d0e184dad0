// The fields of an image request as OpenAI's clients write them, and the router's own beside them. The schemas are strict
// and plain, so that the OpenAPI document can be made from them; what clients write differently all the same ("2" for 2,
// "auto" or null for nothing) is evened out before they are applied. An unknown field is an error naming the near miss:
// a misspelt price cap must not be ignored. Every field is a single value, so anything nested is refused unread.
import { z } from 'zod';
import { parseOrExplain } from '../../../domain/problem.ts';
import { IMAGE_FORMATS, ON_LATE, QUALITIES, TEXT_ACCURACIES } from '../../../domain/vocabulary.ts';
import { Refusal } from '../refusal.ts';
import { unknownParameter } from '../unknown-parameter.ts';

/** OpenAI shows at most three. */
const MAX_PARTIAL_IMAGES = 3;
/** OpenAI's own limit is 64 for `safety_identifier` and unstated for `user`. */
const MAX_USER_CHARACTERS = 256;

/** Beyond the router's own: only a gateway keeps jobs. */
const WIRE_ON_LATE = [...ON_LATE, 'job'] as const;

/** Hashed as UTF-8, in which all halves of surrogate pairs are one: they would make one user of several. */
const user = z
  .string('must be text')
  .max(MAX_USER_CHARACTERS)
  .refine((text) => text.isWellFormed(), 'must hold no half of a surrogate pair');

const sharedFields = {
  prompt: z.string('must be text').describe('What the image shows: 1 to 32000 characters.'),
  model: z
    .string('must be text')
    .min(1)
    .max(128)
    .optional()
    .describe('auto (default), preview, standard or premium; a route id; a model such as gpt-image-2. GET /v1/models lists them.'),
  n: z.int().min(1).max(10).optional().describe('Images to make, 1 to 10. Default 1.'),
  size: z
    .string('must be WIDTHxHEIGHT in pixels, or auto')
    .optional()
    .describe('WIDTHxHEIGHT in pixels, both multiples of 16; auto leaves it to the policy.'),
  quality: z.enum(QUALITIES).optional().describe('Insist on low, medium or high; auto (default) leaves it to the router.'),
  output_format: z.enum(IMAGE_FORMATS).optional().describe('png, jpeg or webp. Default: the policy, png as delivered.'),
  output_compression: z.int().min(0).max(100).optional().describe('0 to 100; jpeg and webp only.'),
  background: z.enum(['opaque', 'transparent']).optional().describe('opaque, transparent (png or webp) or auto.'),
  stream: z.boolean('must be true or false').optional().describe('Answer with server-sent events. Default false.'),
  partial_images: z
    .int()
    .min(0)
    .max(MAX_PARTIAL_IMAGES)
    .optional()
    .describe('With stream: at most this many interim pictures of one image, 0 to 3. Fewer may come; none with n above 1. Default 0.'),
  user: user.optional().describe('Your end user; forwarded only as a hash.'),
  safety_identifier: user.optional().describe('The newer name of user, which it replaces where both are given.'),
  response_format: z
    .enum(['b64_json'])
    .optional()
    .describe('Only b64_json, which is what every image comes as: the gateway keeps no images to link to.'),
  latency_budget_ms: z
    .number('must be a number')
    .positive()
    .optional()
    .describe('Milliseconds until the image is worthless. Also as header x-latency-budget-ms.'),
  text_accuracy: z
    .enum(['auto', ...TEXT_ACCURACIES])
    .optional()
    .describe('How faithfully lettering must be drawn; auto reads it from the prompt. Also as header x-text-accuracy.'),
  max_cost_usd: z
    .number('must be a number')
    .positive()
    .optional()
    .describe('Most dollars the request may cost, failed and hedged calls included. Also as header x-max-cost-usd.'),
  policy: z.string('must be text').min(1).max(64).optional().describe('What to assume for all that is left out. Also as header x-policy.'),
  on_late: z
    .enum(WIRE_ON_LATE)
    .optional()
    .describe(
      'degrade: deliver less in time. fail: say at once that it cannot be done. job: go on as a job when the budget runs out (202). Also as header x-on-late.',
    ),
  preview: z
    .boolean('must be true or false')
    .optional()
    .describe('With stream or as a job: a quick preview comes first. Also as header x-preview.'),
  aspect_ratio: z.string('must be WIDTH:HEIGHT').optional().describe('WIDTH:HEIGHT instead of a size; the router picks the pixels.'),
  consistent: z.boolean('must be true or false').optional().describe('Make all n images in one call, so that characters look alike.'),
};

export const GenerationBodySchema = z.strictObject({
  ...sharedFields,
  moderation: z
    .enum(['auto', 'low'])
    .optional()
    .describe('Accepted and ignored, with a warning: providers moderate as they do by default.'),
});

/** The fields of an edit beside its pictures. */
export const EditBodySchema = z.strictObject({
  ...sharedFields,
  input_fidelity: z
    .enum(['high', 'low'])
    .optional()
    .describe('Accepted and ignored, with a warning: references are always read at high fidelity.'),
});

export type BodyKind = 'generation' | 'edit';
export type Body = z.output<typeof GenerationBodySchema> & z.output<typeof EditBodySchema>;

const SCHEMAS = { generation: GenerationBodySchema, edit: EditBodySchema } as const;
const NAMES = { generation: new Set(Object.keys(GenerationBodySchema.shape)), edit: new Set(Object.keys(EditBodySchema.shape)) } as const;

/** For clients that cannot add fields to a body. The body wins. */
export const HEADER_FIELDS: Readonly<Record<string, keyof Body>> = {
  'x-latency-budget-ms': 'latency_budget_ms',
  'x-text-accuracy': 'text_accuracy',
  'x-max-cost-usd': 'max_cost_usd',
  'x-policy': 'policy',
  'x-on-late': 'on_late',
  'x-preview': 'preview',
};
const FIELDS_BY_HEADER = Object.entries(HEADER_FIELDS);

const NUMBERS = new Set(['n', 'output_compression', 'partial_images', 'latency_budget_ms', 'max_cost_usd']);
const BOOLEANS = new Set(['stream', 'preview', 'consistent']);
/** Where "auto" is text like any other, or means something. */
const WORDS = new Set(['prompt', 'user', 'safety_identifier', 'text_accuracy']);

/** `fields`: a JSON body's, or a form's texts. Throws Refusal or ImageRouterError `invalid_request`, both about single fields. */
export function parseBody(fields: Readonly<Record<string, unknown>>, headers: Headers, kind: BodyKind): Body {
  const schema = SCHEMAS[kind];
  const known = NAMES[kind];
  const evened: Record<string, unknown> = {};
  const take = (name: string, value: unknown): void => {
    if (!known.has(name)) throw unknownParameter(name, [...known]);
    if (typeof value === 'object' && value !== null) throw nestedField(name);
    const even = evenOut(name, value);
    if (even !== undefined) evened[name] = even;
  };
  for (const [header, field] of FIELDS_BY_HEADER) {
    const value = headers.get(header);
    if (value !== null) take(field, value);
  }
  for (const name of Object.keys(fields)) take(name, fields[name]);
  refuseLinks(evened);
  return parseOrExplain<z.ZodType<Body>>(schema, evened, 'invalid_request', 'request');
}

/** Undefined: as if it had been left out. */
function evenOut(name: string, value: unknown): unknown {
  if (value === null || (value === 'auto' && !WORDS.has(name))) return undefined;
  if (typeof value !== 'string') return value;
  if (NUMBERS.has(name) && /^\s*\d+(\.\d+)?\s*$/.test(value)) return Number(value);
  if (BOOLEANS.has(name) && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  return value;
}

function nestedField(name: string): Refusal {
  return new Refusal({
    status: 400,
    code: 'invalid_type',
    message: `${name} must be a single value, not a list or an object`,
    param: name,
  });
}

/** Links would need images kept somewhere: what clients of older models ask for gets its own answer. */
function refuseLinks(fields: Readonly<Record<string, unknown>>): void {
  if (fields.response_format !== 'url') return;
  throw new Refusal({
    status: 400,
    code: 'invalid_value',
    message: "response_format 'url' is not supported: images come as base64, in b64_json.",
    param: 'response_format',
    remedy: 'leave response_format out and read data[0].b64_json',
  });
}
