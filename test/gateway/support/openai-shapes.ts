// What OpenAI's image API answers, as schemas: the reply, the events of a stream, the errors, the models. Strict, so that a
// field OpenAI does not send is a mistake, but for the router's own additions.
import { z } from 'zod';

const Base64Schema = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);

const UsageSchema = z.strictObject({
  input_tokens: z.int().min(0),
  input_tokens_details: z.strictObject({ text_tokens: z.int().min(0), image_tokens: z.int().min(0) }),
  output_tokens: z.int().min(0),
  output_tokens_details: z.strictObject({ text_tokens: z.int().min(0), image_tokens: z.int().min(0) }),
  total_tokens: z.int().min(0),
});

const echo = {
  background: z.enum(['opaque', 'transparent']),
  output_format: z.enum(['png', 'jpeg', 'webp']),
  quality: z.enum(['low', 'medium', 'high']),
  size: z.string().regex(/^\d+x\d+$/),
};

const AboutSchema = z.strictObject({
  id: z.string().regex(/^req_/),
  route: z.string(),
  target: z.string(),
  tier: z.enum(['preview', 'standard', 'premium']),
  degraded: z.string().nullable(),
  cost_usd: z.strictObject({ billed: z.number().min(0), possibly_billed: z.number().min(0) }),
  elapsed_ms: z.number().min(0),
  deadline_left_ms: z.number(),
  warnings: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
  images: z.array(z.strictObject({ route: z.string(), width: z.int(), height: z.int(), media_type: z.string() })).min(1),
});

export const ImagesResponseSchema = z.strictObject({
  created: z.int().min(1_000_000_000),
  ...echo,
  data: z.array(z.strictObject({ b64_json: Base64Schema })).min(1),
  usage: UsageSchema.optional(),
  image_router: AboutSchema,
});

const picture = { b64_json: Base64Schema, created_at: z.int().min(1_000_000_000), ...echo };

function partialOf<Prefix extends string>(prefix: Prefix) {
  return z.strictObject({
    type: z.literal(`${prefix}.partial_image`),
    ...picture,
    partial_image_index: z.int().min(0),
    image_router: z.looseObject({ preview: z.boolean() }),
  });
}

function completedOf<Prefix extends string>(prefix: Prefix) {
  return z.strictObject({ type: z.literal(`${prefix}.completed`), ...picture, usage: UsageSchema, image_router: AboutSchema });
}

export const GenerationEventSchema = z.discriminatedUnion('type', [partialOf('image_generation'), completedOf('image_generation')]);
export const EditEventSchema = z.discriminatedUnion('type', [partialOf('image_edit'), completedOf('image_edit')]);

const InnerErrorSchema = z.looseObject({
  message: z.string().min(1),
  type: z.enum([
    'invalid_request_error',
    'authentication_error',
    'permission_error',
    'rate_limit_error',
    'image_generation_user_error',
    'api_error',
    'timeout_error',
  ]),
  param: z.string().nullable(),
  code: z.string().nullable(),
});

export const ErrorSchema = z.strictObject({ error: InnerErrorSchema });
export const ErrorEventSchema = z.strictObject({ type: z.literal('error'), error: InnerErrorSchema });

export const ModelSchema = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  image_router: z.looseObject({ kind: z.string() }),
});
export const ModelListSchema = z.strictObject({ object: z.literal('list'), data: z.array(ModelSchema) });
