// What the endpoints of jobs answer, as schemas.
import { z } from 'zod';
import { BATCH_STATES } from '../../domain/batch.ts';
import { ENDED_STATES, JOB_EVENT_KINDS, JOB_STATES } from '../../domain/job.ts';
import { IMAGE_FORMATS } from '../../domain/vocabulary.ts';
import { chance, cost, count, Dollars, tier, Warning } from './answer-parts.ts';

const seconds = z.int();
const later = seconds.nullable();

const Picture = z.strictObject({
  index: count,
  url: z.string().describe('A link that needs no key.'),
  url_expires_at: seconds.describe('Until when it is good.'),
  route: z.string(),
  tier,
  size: z.string(),
  output_format: z.enum(IMAGE_FORMATS),
  bytes: count,
});

const Origin = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('request') }),
    z.strictObject({ kind: z.literal('batch'), batch: z.string(), row: count }),
    z.strictObject({ kind: z.literal('finalize'), parent: z.string(), preview: count }),
    z.strictObject({ kind: z.literal('upgrade'), parent: z.string() }),
  ])
  .describe('How it came to be.');

const Attempt = z.strictObject({
  run: count,
  part: z.union([count, z.literal('preview')]).nullable(),
  attempt: count,
  route: z.string(),
  target: z.string(),
  started_at: seconds,
  ended_at: later,
  outcome: z.string(),
  cost_usd: cost.nullable(),
  most_usd: Dollars,
  request_id: z.string().nullable().describe('The provider’s.'),
});

export const Job = z.strictObject({
  id: z.string(),
  object: z.literal('image.job'),
  status: z.enum(JOB_STATES).describe('The last four are ends, which a job never leaves.'),
  created_at: seconds.describe('Seconds since 1970, as all times here.'),
  started_at: later.describe('The latest run.'),
  ended_at: later,
  expires_at: seconds.describe('What has not ended by then expires.'),
  model: z.string(),
  n: count,
  lineage: z.string().describe('The first job of its family; its own id when it is that.'),
  origin: Origin,
  progress: z
    .strictObject({ share: chance, expected_end: later, estimate: z.literal(true) })
    .nullable()
    .describe('An estimate, from how long such renders took lately; null once it has ended.'),
  previews: z.array(Picture),
  images: z.array(Picture),
  degraded: z.string().nullable().describe('Null, or in which way the images fall short of what was asked.'),
  error: z
    .strictObject({ code: z.string(), message: z.string(), problems: z.array(z.looseObject({})).optional() })
    .nullable()
    .describe('Why it failed.'),
  cost_usd: cost.describe('All its calls so far.'),
  max_cost_usd: Dollars.nullable().describe('Most it may cost.'),
  trace_id: z.string().nullable().describe('For GET /v1/traces/{id}.'),
  cancel_requested: z.boolean(),
  runs: count.describe('How often a worker took it.'),
  urls: z.strictObject({ get: z.string(), events: z.string(), cancel: z.string() }),
  attempts: z.array(Attempt).optional().describe('Its calls; where one job is looked at.'),
  warnings: z.array(Warning).optional().describe('Fields that had no effect; where it was just accepted.'),
});

export const JobList = z.strictObject({
  object: z.literal('list'),
  data: z.array(Job),
  has_more: z.boolean(),
  next: z.string().nullable().describe('For after.'),
});

export const JobEvent = z
  .strictObject({
    type: z.enum(JOB_EVENT_KINDS),
    seq: count.describe('The same as its id: for Last-Event-ID.'),
    created_at: seconds,
    job_id: z.string(),
    data: z.looseObject({}),
    job: Job.optional().describe('With events of state: in the state it was in then; what grows (previews, cost) as it is now.'),
  })
  .describe('The data of one event, whose name is its type.');

export const Batch = z.strictObject({
  id: z.string(),
  object: z.literal('image.batch'),
  status: z.enum(BATCH_STATES),
  created_at: seconds,
  ended_at: later,
  expires_at: seconds.describe('What has not ended by then expires.'),
  rows: count,
  counts: z.record(z.enum(JOB_STATES), count).describe('Rows by the state of their job; those that are none yet count as queued.'),
  progress: z.strictObject({ share: chance.describe('Of the rows, that has ended.') }),
  cost_usd: cost.describe('All its calls so far.'),
  max_cost_usd: Dollars.nullable(),
  concurrency: count,
  urls: z.strictObject({ get: z.string(), results: z.string(), cancel: z.string(), jobs: z.string() }),
});

export const BatchList = z.strictObject({
  object: z.literal('list'),
  data: z.array(Batch),
  has_more: z.boolean(),
  next: z.string().nullable().describe('For after.'),
});

export const BatchResult = z
  .strictObject({
    row: count.describe('From 1, in the order sent.'),
    custom_id: z.string().nullable(),
    job_id: z.string(),
    status: z.enum(ENDED_STATES),
    started_at: later,
    ended_at: later,
    images: z.array(Picture),
    degraded: z.string().nullable(),
    error: Job.shape.error,
    cost_usd: cost,
  })
  .describe('One line.');

export const Deletion = z.strictObject({ object: z.literal('data.deletion'), deleted: z.literal(true) });
