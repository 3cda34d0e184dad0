// An endpoint: where a provider's wire protocol is spoken, and with which key. A provider may have several (the
// vendor's own and an aggregator's); an aggregator serves both protocols with one key and is listed once for each.
import { z } from 'zod';
import { PriceSpecSchema } from './price.ts';
import { EndpointIdSchema, PROVIDER_KINDS, RouteIdSchema } from './vocabulary.ts';

export const EndpointSchema = z.strictObject({
  id: EndpointIdSchema,
  provider: z.enum(PROVIDER_KINDS),
  /** Base URL with its path, without a trailing slash: `https://api.openai.com/v1`, `https://generativelanguage.googleapis.com`. */
  baseUrl: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
  apiKey: z.string().min(1, 'must not be empty'),
  /** An HTTP proxy on the way there: `http://proxy.internal:3128`. */
  proxyUrl: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  /** Version segment of Gemini paths. Aggregators document only `v1beta`. Ignored by openai. */
  apiVersion: z.enum(['v1', 'v1beta']).default('v1beta'),
  /** The routes served here; every route of the provider when left out. */
  routes: z.array(RouteIdSchema).min(1).optional(),
  /** Route id -> the model name used here instead of the route's own. */
  models: z.record(z.string(), z.string().min(1)).optional(),
  /** Route id -> the price charged here instead of the route's own. */
  prices: z.record(z.string(), PriceSpecSchema).optional(),
});
export type Endpoint = z.infer<typeof EndpointSchema>;
