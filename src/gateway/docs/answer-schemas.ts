// What the gateway answers, as schemas, for the OpenAPI document: OpenAI's shapes, and `image_router` beside them. Answers are
// not made from these, because pictures are written without being looked at; a test holds real answers to them instead.
import { z } from 'zod';
import { IMAGE_FORMATS, QUALITIES, TEXT_ACCURACIES } from '../../domain/vocabulary.ts';
import { ERROR_TYPES } from '../http/refusal.ts';
import { chance, cost, count, Dollars, milliseconds, tier, Warning } from './answer-parts.ts';
import { Batch, BatchList, BatchResult, Deletion, Job, JobEvent, JobList } from './job-schemas.ts';
import { WebhookAnswer, WebhookDeliveryList, WebhookList, WebhookQueued, WebhookRemoved } from './webhook-schemas.ts';

const Usage = z
  .strictObject({
    input_tokens: count,
    input_tokens_details: z.strictObject({ text_tokens: count, image_tokens: count }),
    output_tokens: count,
    output_tokens_details: z.strictObject({ image_tokens: count, text_tokens: count }),
    total_tokens: count,
  })
  .describe('Tokens of all delivered calls together.');

const About = z
  .strictObject({
    id: z.string().describe('For GET /v1/traces/{id}.'),
    route: z.string().describe('The route the images come from; the first of them, where several did.'),
    target: z.string().describe('The same route at its endpoint.'),
    tier,
    degraded: z.string().nullable().describe('Null, or in which way the images fall short of what was asked.'),
    cost_usd: z
      .strictObject({ billed: Dollars, possibly_billed: Dollars })
      .describe('All calls of the request, failed and hedged ones included. Possibly billed: calls of which nobody knows.'),
    elapsed_ms: milliseconds.describe('From arrival to the last image.'),
    deadline_left_ms: milliseconds.describe('What was left of latency_budget_ms, or of the time a job had.'),
    job_id: z.string().optional().describe('The job that made them, where one did.'),
    warnings: z.array(Warning).describe('Fields that had no effect, and advice that costs nothing to heed.'),
    images: z
      .array(z.strictObject({ route: z.string(), width: count, height: count, media_type: z.string() }))
      .describe('What each image really is, in the order of data.'),
  })
  .describe('Where the images come from, what they cost, and whether they are what was asked for.');

const echo = {
  background: z.enum(['opaque', 'transparent']),
  output_format: z.enum(IMAGE_FORMATS),
  quality: z.enum(QUALITIES),
  size: z.string().describe('WIDTHxHEIGHT as delivered.'),
};

const Images = z.strictObject({
  created: z.int().describe('Seconds since 1970.'),
  ...echo,
  data: z.array(z.strictObject({ b64_json: z.string().describe('The file in base64.') })),
  usage: Usage.optional().describe('Left out where no provider counted.'),
  image_router: About,
});

const picture = { b64_json: z.string(), created_at: z.int(), ...echo };

function eventsOf<const Prefix extends string>(prefix: Prefix) {
  return z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal(`${prefix}.partial_image`),
        ...picture,
        partial_image_index: count,
        image_router: z.strictObject({
          preview: z.boolean().describe("Whether it is the quick preview; else an interim picture of the image's own call."),
          route: z.string().nullable(),
          target: z.string().optional(),
          tier: tier.optional(),
        }),
      }),
      z.strictObject({ type: z.literal(`${prefix}.completed`), ...picture, usage: Usage, image_router: About }),
    ])
    .describe('The data of one event, whose name is its type. One completed event for each image; usage stands in the last.');
}

const ErrorObject = z.looseObject({
  message: z.string(),
  type: z.enum(ERROR_TYPES),
  param: z.string().nullable().describe('The field that is wrong.'),
  code: z.string().nullable(),
  remedy: z.string().optional().describe('What to do instead.'),
  problems: z
    .array(z.looseObject({ field: z.string(), rule: z.string() }))
    .optional()
    .describe('All mistakes, not only the first.'),
  offers: z
    .array(z.looseObject({ change: z.string(), route: z.string() }))
    .optional()
    .describe('What would have worked, best first.'),
  trace_id: z.string().optional().describe('For GET /v1/traces/{id}, when calls were made.'),
  cost_usd: cost.optional().describe('What it cost all the same.'),
});

const price = z.strictObject({ expected: Dollars, ceiling: Dollars });
const target = { route: z.string(), target: z.string() };

const attempt = z.strictObject({
  ...target,
  start_ms: milliseconds.nullable().describe('Null: when the one before ends.'),
  hedge: z.string().nullable().describe('Why it may run beside another.'),
  price_usd: price,
  images: count,
  why: z.string(),
});
const plan = z.strictObject({
  chance: chance.describe('Of an image before the deadline.'),
  cost_usd: z.strictObject({ expected: Dollars, worst: Dollars }),
  attempts: z.array(attempt),
});

const Explanation = z.strictObject({
  object: z.literal('image.explanation'),
  feasible: z.boolean(),
  need: z
    .strictObject({
      operation: z.enum(['generate', 'edit']),
      tier,
      unhurried_tier: tier.describe('What more time would give.'),
      text_accuracy: z.enum(TEXT_ACCURACIES),
      complexity: z.enum(['simple', 'normal', 'complex']),
      size: z.string(),
      n: count,
      output_format: z.enum(IMAGE_FORMATS),
      background: z.string(),
      latency_budget_ms: milliseconds,
      max_cost_usd: Dollars.nullable(),
      policy: z.string(),
      evidence: z.array(z.strictObject({ field: z.string(), rule: z.string(), detail: z.string(), quote: z.string().optional() })),
    })
    .describe('What was read from the request, and why.'),
  ...plan.partial().shape,
  calls_side_by_side: count.optional().describe('With chance, cost_usd and attempts: when feasible.'),
  binding: z.string().optional().describe('The limit that would have to give. With detail and offers: when not feasible.'),
  detail: z.string().optional(),
  offers: z.array(z.looseObject({ change: z.string(), route: z.string() })).optional(),
  preview: plan.nullable().describe('How a quick preview would be made, or the picture a precheck may ask for; it costs that much more.'),
  forecasts: z.array(
    z.strictObject({
      ...target,
      tier,
      chance,
      latency_ms: z.strictObject({ p50: milliseconds, p95: milliseconds }),
      queue_wait_ms: milliseconds,
      price_usd: price,
      below: z.array(z.enum(['visual', 'text'])),
      value_usd: z.number(),
    }),
  ),
  excluded: z.array(z.strictObject({ route: z.string(), target: z.string().nullable(), reason: z.string(), detail: z.string() })),
  warnings: z.array(Warning),
});

const Model = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  created: z.int().describe('0: nobody here knows.'),
  owned_by: z.string(),
  image_router: z.strictObject({ kind: z.enum(['auto', 'tier', 'route', 'model', 'alias']), routes: z.array(z.string()) }),
});

const Route = z.strictObject({
  object: z.literal('route'),
  id: z.string().describe('The route at its endpoint.'),
  route: z.string(),
  model: z.string(),
  quality: z.enum(QUALITIES).nullable(),
  tier,
  operation: z.enum(['generate', 'edit']),
  breaker: z.strictObject({
    state: z.enum(['closed', 'half-open', 'open']),
    reason: z.string().nullable(),
    retry_in_ms: milliseconds.nullable(),
  }),
  rate_limited_for_ms: milliseconds,
  latency_ms: z.strictObject({ p50: milliseconds, p95: milliseconds }).describe('Learned, of a 1024x1024 image.'),
  slower_than_expected: z.number().describe('A factor; 1 is as expected.'),
  images_seen: z.number().describe('Faded by age.'),
  success: chance,
  silent: z.boolean(),
  in_flight: count,
  waiting: count,
  price_usd: price.describe('Of one 1024x1024 image.'),
});

const listOf = <Item extends z.ZodType>(item: Item) => z.strictObject({ object: z.literal('list'), data: z.array(item) });

/** By the name they have in the document. */
export const ANSWER_SCHEMAS = {
  Usage,
  Warning,
  About,
  Images,
  GenerationEvent: eventsOf('image_generation'),
  EditEvent: eventsOf('image_edit'),
  Job,
  JobList,
  JobEvent,
  Batch,
  BatchList,
  BatchResult,
  Deletion,
  Webhook: WebhookAnswer,
  WebhookList,
  WebhookRemoved,
  WebhookQueued,
  WebhookDeliveryList,
  ErrorEvent: z.strictObject({ type: z.literal('error'), error: ErrorObject }).describe('What an error becomes once a stream has begun.'),
  Error: z.strictObject({ error: ErrorObject }),
  Explanation,
  Model,
  ModelList: listOf(Model),
  Route,
  RouteList: listOf(Route),
  Trace: z.strictObject({
    object: z.literal('trace'),
    id: z.string(),
    at: z.string().describe('When it was kept.'),
    events: z
      .array(z.looseObject({ kind: z.string(), at_ms: milliseconds.describe('Since arrival.') }))
      .describe('In the order they happened; money in millionths of a dollar.'),
  }),
  Liveness: z.strictObject({ status: z.literal('ok') }),
  Readiness: z.strictObject({
    status: z.string().describe('ready, or the first of the reasons.'),
    reasons: z.array(Warning),
    routes: z.strictObject({ admitted: count, configured: count }),
  }),
} as const satisfies Readonly<Record<string, z.ZodType>>;
export type AnswerName = keyof typeof ANSWER_SCHEMAS;
