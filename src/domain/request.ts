// What a caller says. Every field but the prompt may be left out: the policy fills it in. Strict: an unknown field is
// an error that names the near miss, because a misspelt price cap must not be ignored.
import { z } from 'zod';
import { AspectRatioSchema, chooseSize, parseSize, type SizeRule } from './size.ts';
import { BACKGROUNDS, IMAGE_FORMATS, ON_LATE, PolicyIdSchema, QUALITIES, RouteIdSchema, TEXT_ACCURACIES, TIERS } from './vocabulary.ts';

/** The longest prompt any current image model takes (OpenAI's limit, in characters). */
export const MAX_PROMPT_CHARACTERS = 32_000;
/** OpenAI's limit; Gemini takes 14. */
const MAX_REFERENCES = 16;
const ImageBytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be the bytes of an image file (Uint8Array)');
/** A day: longer budgets are mistakes (seconds for milliseconds) rather than wishes. */
const MAX_BUDGET_MS = 86_400_000;

/**
 * The sizes a request may ask for: gpt-image-2's grid. A size outside it could at best be cropped from one vendor's
 * picture and would have no fallback, so it is refused before anything is planned.
 */
export const REQUEST_SIZES: SizeRule = {
  kind: 'grid',
  multiple: 16,
  maxAspect: 3,
  maxEdge: 3840,
  minPixels: 655_360,
  maxPixels: 8_294_400,
  experimentalAbovePixels: 2560 * 1440,
};

const RequestSizeSchema = z.string('must be WIDTHxHEIGHT in pixels, or auto').superRefine((text, context) => {
  if (text === 'auto') return;
  const size = parseSize(text);
  const choice = size && chooseSize(REQUEST_SIZES, size);
  const rule = choice === undefined ? 'must be WIDTHxHEIGHT in pixels, or auto' : choice.kind === 'unsupported' ? choice.rule : undefined;
  if (rule !== undefined) context.addIssue({ code: 'custom', message: rule, input: text });
});

export const ImageRequestSchema = z
  .strictObject({
    prompt: z
      .string('must be text')
      .refine((text) => text.trim().length > 0, 'must not be empty')
      .refine((text) => text.length <= MAX_PROMPT_CHARACTERS, `must be at most ${MAX_PROMPT_CHARACTERS} characters`)
      .describe('What the image shows.'),
    size: RequestSizeSchema.optional().describe('WIDTHxHEIGHT in pixels, or auto. Default: the policy.'),
    aspectRatio: AspectRatioSchema.optional().describe('WIDTH:HEIGHT instead of a size; the router picks the pixels.'),
    n: z.int().min(1).max(10).optional().describe('Images, 1 to 10. Default 1.'),
    consistent: z.boolean().optional().describe('Make all n images in one call, so that characters look alike, even if that is slower.'),
    preview: z.boolean().optional().describe('Deliver a quick preview first, then the image: one id, one price cap.'),
    format: z.enum(IMAGE_FORMATS).optional().describe('png, jpeg or webp.'),
    compression: z.int().min(0).max(100).optional().describe('0 to 100, jpeg and webp only.'),
    referenceImages: z
      .array(ImageBytesSchema)
      .min(1)
      .max(MAX_REFERENCES)
      .optional()
      .describe('Up to 16 PNG, JPEG or WebP files to work from: makes the request an edit.'),
    mask: ImageBytesSchema.optional().describe("PNG of the first reference image's size; its transparent pixels are redrawn."),
    background: z.enum(BACKGROUNDS).optional().describe('transparent needs png or webp.'),
    latencyBudgetMs: z.number().positive().max(MAX_BUDGET_MS).optional().describe('Milliseconds until the image is worthless.'),
    textAccuracy: z
      .enum(['auto', ...TEXT_ACCURACIES])
      .optional()
      .describe('How faithfully lettering must be drawn; auto reads it from the prompt.'),
    quality: z
      .enum(['auto', ...QUALITIES])
      .optional()
      .describe('Insist on one quality setting: only routes with it are used. auto leaves it to the router.'),
    tier: z.enum(TIERS).optional().describe('Insist on a tier instead of letting budget and text need choose it.'),
    route: RouteIdSchema.optional().describe('Insist on one route.'),
    model: z.string().min(1).optional().describe('Insist on one model, such as gpt-image-2: only its routes are used.'),
    maxCostUsd: z.number().positive().optional().describe('Most dollars this request may cost, failed and hedged calls included.'),
    policy: PolicyIdSchema.optional().describe('What to assume for everything left out. Default: default.'),
    onLate: z.enum(ON_LATE).optional().describe('degrade: deliver less in time. fail: say at once that it cannot be done.'),
    tenant: z
      .string()
      .regex(/^[\w.:@-]{1,128}$/, 'must be 1 to 128 letters, digits and . _ : @ -')
      .optional()
      .describe('On whose behalf; forwarded as the end-user id where a provider takes one, hashed.'),
  })
  .refine((request) => request.size === undefined || request.size === 'auto' || request.aspectRatio === undefined, {
    path: ['aspectRatio'],
    message: 'must not be given together with size',
  })
  .refine((request) => request.compression === undefined || request.format !== 'png', {
    path: ['compression'],
    message: 'needs format jpeg or webp: png has no compression setting',
  })
  .refine((request) => request.background !== 'transparent' || request.format !== 'jpeg', {
    path: ['background'],
    message: 'transparent needs format png or webp: jpeg has no transparency',
  })
  .refine((request) => request.mask === undefined || request.referenceImages !== undefined, {
    path: ['mask'],
    message: 'needs referenceImages: a mask says which part of the first one is redrawn',
  })
  .refine((request) => request.quality === undefined || request.quality === 'auto' || request.tier === undefined, {
    path: ['tier'],
    message: 'must not be given together with quality: say one of them',
  });

/** A request as callers write it: only `prompt` is required. */
export type ImageRequest = z.input<typeof ImageRequestSchema>;
/** A request after parsing: checked, ids branded. */
export type ParsedRequest = z.output<typeof ImageRequestSchema>;
