// A route: one way to make an image (provider + model + settings), with everything the planner must know to choose it.
// Routes are data: adding a model is an entry in routes/ or in the user's configuration, never a branch in code.
import { z } from 'zod';
import { LatencySpecSchema } from './latency.ts';
import { PriceSpecSchema } from './price.ts';
import { SizeRuleSchema } from './size.ts';
import { type EndpointId, IMAGE_FORMATS, OPERATIONS, PROVIDER_KINDS, QUALITIES, type RouteId, RouteIdSchema, TIERS } from './vocabulary.ts';

const share = z.number().min(0).max(1);

export const RouteSchema = z.strictObject({
  id: RouteIdSchema,
  title: z.string().min(1),
  /** Which wire protocol and official SDK serves it. */
  provider: z.enum(PROVIDER_KINDS),
  /** The model id sent on the wire; an endpoint may rename it. */
  model: z.string().min(1),
  tier: z.enum(TIERS),
  /** Fixed settings sent with every call of the route. */
  settings: z.strictObject({ quality: z.enum(QUALITIES).optional() }),
  capabilities: z.strictObject({
    operations: z.array(z.enum(OPERATIONS)).min(1),
    sizes: SizeRuleSchema,
    /** Most images one call can return. */
    maxImages: z.int().min(1).max(10),
    /** Formats the provider itself returns; others are converted after delivery. */
    formats: z.array(z.enum(IMAGE_FORMATS)).min(1),
    transparency: z.boolean(),
    /** Most reference images an edit may bring; 0 where the route cannot edit. */
    maxReferences: z.int().min(0).max(16),
    /** Whether an edit may bring a mask. */
    mask: z.boolean(),
    streaming: z.boolean(),
    maxPromptCharacters: z.int().positive(),
  }),
  latency: LatencySpecSchema,
  price: PriceSpecSchema,
  accuracy: z.strictObject({
    /** How well the picture matches what was described, 0 to 1. */
    visual: share,
    /** Share of lettering drawn without a mistake, 0 to 1. */
    text: share,
    source: z.string().min(1),
  }),
  /** An attempt is given up after this many of its p99 latencies; the router's deadline may end it sooner. */
  timeoutFactor: z.number().min(1).max(5),
  /** Calls in flight at once, per endpoint. */
  concurrency: z.int().positive(),
});
export type Route = z.infer<typeof RouteSchema>;

/** A route at an endpoint: the unit that is planned, queued, measured and broken. Written `gpt-image-2-low@openai`. */
export type Target = { readonly id: TargetId; readonly route: Route; readonly endpoint: EndpointId };
export type TargetId = string & { readonly __unit: 'target' };

export function targetId(route: RouteId, endpoint: EndpointId): TargetId {
  return `${route}@${endpoint}` as TargetId;
}
