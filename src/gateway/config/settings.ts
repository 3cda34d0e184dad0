// What a gateway may be told beyond its router's options: the `gateway:` part of a configuration file. One strict schema; each
// default has its unit and its reason in its description, which editors and the documentation show too. Times are real
// milliseconds: nobody configures a proxy's patience in a sandbox's time. Every number has an upper bound, because timers
// that overflow fire at once.
import { z } from 'zod';
import { deepFreeze } from '../../domain/catalog.ts';
import { DEFAULT_WEBHOOKS } from '../../jobs/webhooks/settings.ts';
import { LOG_LEVELS } from '../observe/log-level.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 366 * DAY_MS;
/** Beyond it one answer fits into no buffer. */
const MOST_BYTES = 1024 * 1024 * MIB;

/** What a webhook tells holds eleven links, and is to stay below 20 kB. */
const LONGEST_PUBLIC_URL = 200;

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).href === `${new URL(text).origin}/`;
}

const bytes = (least: number, usual: number, why: string) => z.int().min(least).max(MOST_BYTES).default(usual).describe(why);
const milliseconds = (least: number, most: number, usual: number, why: string) =>
  z.int().min(least).max(most).default(usual).describe(`Milliseconds. ${why}`);

const LimitsSchema = z
  .strictObject({
    jsonBytes: bytes(KIB, MIB, 'Bytes of a JSON body without pictures. A prompt has at most 32 000 characters: a megabyte is generous.'),
    uploadBytes: bytes(MIB, 64 * MIB, 'Bytes of an edit with all its pictures.'),
    referenceBytes: bytes(MIB, 50_000_000, "Bytes of one picture to edit: OpenAI's own limit."),
    headerBytes: bytes(4 * KIB, 16 * KIB, "Bytes of a request's headers: node's own limit."),
    headersTimeoutMs: milliseconds(100, DAY_MS, 10_000, 'The headers of a request must have arrived by then.'),
    bodyTimeoutMs: milliseconds(100, DAY_MS, 60_000, 'The body of a request must have arrived by then: 64 MiB at 9 Mbit/s.'),
    idleWriteMs: milliseconds(100, DAY_MS, 60_000, 'A client that takes nothing of its answer for so long is dropped.'),
    heldBytes: bytes(
      MIB,
      256 * MIB,
      'Bytes of pictures made and not yet taken by their callers, or received and not yet used; beyond it new work gets 503.',
    ),
    waitingRequests: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20_000)
      .describe('Image requests at once; beyond it new ones get 503. Each takes up to 25 KB while it waits.'),
  })
  .refine(({ heldBytes, uploadBytes }) => heldBytes >= uploadBytes, {
    path: ['heldBytes'],
    error: 'must be at least uploadBytes, or the largest upload is never taken',
  });

const WebhooksSchema = z
  .strictObject({
    allowInsecureLoopback: z
      .boolean()
      .default(DEFAULT_WEBHOOKS.allowInsecureLoopback)
      .describe('Whether http to this very machine may be told: for development. Anything else is https to public addresses, always.'),
    timeoutMs: milliseconds(100, MINUTE_MS, DEFAULT_WEBHOOKS.timeoutMs, 'For one try. Standard Webhooks advises 15 to 30 seconds.'),
    concurrency: z.int().min(1).max(1_000).default(DEFAULT_WEBHOOKS.concurrency).describe('Tries at once.'),
    perEndpoint: z
      .int()
      .min(1)
      .max(100)
      .default(DEFAULT_WEBHOOKS.perEndpoint)
      .describe('Of them to one receiver, of all gateways together: one that hangs takes no more places.'),
    endpointsPerKey: z.int().min(1).max(1_000).default(DEFAULT_WEBHOOKS.endpointsPerKey).describe('Webhooks of one key.'),
  })
  .refine(({ concurrency, perEndpoint, endpointsPerKey }) => concurrency > perEndpoint * endpointsPerKey, {
    path: ['concurrency'],
    error: 'must be more than perEndpoint times endpointsPerKey, or the receivers of one key can hold up those of all others',
  });

const BucketSchema = z.strictObject({
  name: z.string().min(3).max(63).describe('Of a bucket that is there. Credentials come from the environment, as the AWS SDK finds them.'),
  prefix: z
    .string()
    .regex(/^(?:[\w.-]+\/)*$/, 'must be words ending in /, such as image-router/')
    .default('image-router/')
    .describe('Before the name of every picture.'),
  region: z.string().min(1).optional().describe('Default: as the AWS SDK finds it (AWS_REGION).'),
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe("Of a server that is not Amazon's."),
  pathStyle: z.boolean().default(false).describe("https://host/bucket/picture: what most servers that are not Amazon's need."),
  timeoutMs: milliseconds(100, HOUR_MS, 30_000, 'For one call, with its repeats and its bytes.'),
});

export const GatewaySettingsSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Where to listen. Anything but loopback needs keys: whoever can connect can spend. --host overrides it.'),
  port: z.int().min(0).max(65_535).default(8787).describe('TCP port; 0 for any free one. --port overrides it.'),
  publicUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .max(LONGEST_PUBLIC_URL)
    .refine(isOrigin, { error: 'must be scheme, host and port alone, such as https://images.example.com' })
    .optional()
    .describe(
      'Where others reach this gateway, such as https://images.example.com behind a proxy: links in answers and webhooks begin with it. ' +
        'Without it links in answers go where the request came to, and those in webhooks are paths.',
    ),
  dataDir: z
    .string()
    .min(1)
    .default('.image-router')
    .describe('Folder of keys, spend, idempotency and traces; made when it is missing. --data overrides it.'),
  aliases: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe('Model name -> auto, a tier, a route id or a model: what programs with a fixed model name mean here.'),
  limits: LimitsSchema.prefault({}).describe('What strangers may send, and how much of it is held.'),
  heartbeatMs: milliseconds(100, HOUR_MS, 15_000, 'Between comments on an idle stream: proxies cut silent connections after 60 s.'),
  drainMs: milliseconds(0, DAY_MS, 30_000, 'Running renders get it after SIGTERM, then they are given up: orchestrators kill after 30 s.'),
  traceTtlMs: milliseconds(1_000, YEAR_MS, HOUR_MS, 'How long traces can be looked at.'),
  idempotencyTtlMs: milliseconds(1_000, YEAR_MS, DAY_MS, 'How long an Idempotency-Key gets its first answer again.'),
  imageUrls: z
    .strictObject({
      allow: z.boolean().default(false).describe('Off: whoever may name a URL may make this machine ask for it.'),
      hosts: z
        .array(z.string().min(1))
        .default([])
        .describe('The only hosts asked; *.example.com is every host below it. Empty: any public host.'),
    })
    .prefault({})
    .describe('Pictures to edit given as https URLs.'),
  webhooks: WebhooksSchema.prefault({}).describe('How callers are told of their jobs.'),
  bucket: BucketSchema.optional().describe('Where pictures of jobs are kept; without it, in the data folder.'),
  jobs: z
    .strictObject({
      concurrency: z
        .int()
        .min(1)
        .max(10_000)
        .default(16)
        .describe('Jobs this process makes at a time: a render is minutes of waiting for somebody else. More processes make more.'),
      lifeMs: milliseconds(1_000, 30 * DAY_MS, DAY_MS, 'A job that does not say may take so long: providers’ outages are over by then.'),
      keepMs: milliseconds(1_000, YEAR_MS, 7 * DAY_MS, 'How long jobs and batches that have ended can be looked at, with their pictures.'),
    })
    .prefault({})
    .describe('Renders that outlive their callers.'),
  logLevel: z.enum(LOG_LEVELS).default('info').describe('The least that is logged, as JSON lines on stderr.'),
  otlpEndpoint: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('Base URL of an OTLP/HTTP collector, such as http://127.0.0.1:4318. Without it there are no spans.'),
});

export type GatewaySettings = z.output<typeof GatewaySettingsSchema>;

export const DEFAULT_SETTINGS: GatewaySettings = deepFreeze(GatewaySettingsSchema.parse({}));
