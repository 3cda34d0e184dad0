// A policy: what is assumed of a caller who says little, and what may be done to keep the promise. Data only. A policy
// orders what the hard limits leave; it can never break one.
import { z } from 'zod';
import { AspectRatioSchema, SizeTextSchema } from './size.ts';
import { BACKGROUNDS, DEGRADABLE, IMAGE_FORMATS, ON_LATE, PolicyIdSchema, TEXT_ACCURACIES, TIERS } from './vocabulary.ts';

const tier = z.enum(TIERS);

export const PolicySchema = z.strictObject({
  id: PolicyIdSchema,
  title: z.string().min(1),
  /** Assumed for the fields a request leaves out. */
  defaults: z.strictObject({
    size: SizeTextSchema.optional(),
    aspectRatio: AspectRatioSchema.optional(),
    format: z.enum(IMAGE_FORMATS),
    /** 0 to 100; jpeg and webp only. */
    compression: z.int().min(0).max(100).optional(),
    background: z.enum(BACKGROUNDS),
    n: z.int().min(1).max(10),
    textAccuracy: z.enum(['auto', ...TEXT_ACCURACIES]),
    /** A tier insisted on, whatever the table below says. */
    tier: tier.optional(),
    /** World milliseconds; when left out, `patienceMs` of the tier is the budget. */
    latencyBudgetMs: z.int().positive().optional(),
    /** Most dollars per image. */
    maxCostUsd: z.number().positive().optional(),
    onLate: z.enum(ON_LATE),
  }),
  /** Budget and text need -> tier: the first row whose `upToMs` holds the budget; the last row has none. */
  tiers: z
    .array(z.strictObject({ upToMs: z.int().positive().optional(), none: tier, some: tier, exact: tier }))
    .min(1)
    .refine(
      (rows) => rows.every((row, index) => (row.upToMs === undefined) === (index === rows.length - 1)),
      'every row but the last needs upToMs, the last must have none',
    )
    .refine(
      (rows) => rows.every((row, index) => index === 0 || row.upToMs === undefined || row.upToMs > (rows[index - 1]?.upToMs ?? 0)),
      'upToMs must grow from row to row',
    ),
  /** Tiers that are never used for these callers, however much time there is. */
  neverTiers: z.array(tier).default([]),
  /** How long a caller who states no budget waits, per tier. */
  patienceMs: z.strictObject({ preview: z.int().positive(), standard: z.int().positive(), premium: z.int().positive() }),
  /** What an image that is in time and good enough is worth to the caller, in USD. */
  valueUsd: z.number().positive(),
  /** Fraction of that value kept for each way (picture, lettering) in which the image falls below the need. */
  keptBelowNeed: z.number().min(0).max(1),
  mayDegrade: z.array(z.enum(DEGRADABLE)),
  /** Whether a prompt refused by one vendor may be sent to another. */
  fallbackOnRefusal: z.boolean(),
  /**
   * Test, then confirm: before a premium render the prompt is put to the provider's moderation where it has one, else to a
   * low render that doubles as the preview; after a refusal the changed prompt goes to low first.
   */
  precheck: z.boolean(),
  /** Most dollars that attempts started beside a running one may cost, per image. */
  hedgeBudgetUsd: z.number().min(0),
  /** Requests whose best plan is less likely than this to end in time are told so instead of being tried. */
  minChance: z.number().gt(0).lt(1),
  /** Place in a route's queue: higher first. */
  priority: z.int().min(0).max(9),
});
export type Policy = z.infer<typeof PolicySchema>;
