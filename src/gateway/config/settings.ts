// What a gateway may be told beyond its router's options: the `gateway:` part of a configuration file. One strict schema, each
// default with its unit and its reason.
import { z } from 'zod';
import { deepFreeze } from '../../domain/catalog.ts';
import { LOG_LEVELS } from '../observe/log-level.ts';

const MIB = 1024 * 1024;

const LimitsSchema = z.strictObject({
  /** A JSON body. A prompt has 32 000 characters; a megabyte is generous. */
  jsonBytes: z.int().min(1_024).default(MIB),
  /** An upload with all its pictures. */
  uploadBytes: z
    .int()
    .min(MIB)
    .default(64 * MIB),
  /** One picture to edit: OpenAI's own limit. */
  referenceBytes: z.int().min(MIB).default(50_000_000),
  headerBytes: z
    .int()
    .min(4_096)
    .default(16 * 1024),
  /** Real milliseconds for the headers and for the body of a request to arrive. */
  headersTimeoutMs: z.int().min(100).default(10_000),
  bodyTimeoutMs: z.int().min(100).default(60_000),
  /** A client that takes nothing of its answer for so many real milliseconds is dropped. */
  idleWriteMs: z.int().min(100).default(60_000),
  /** Pictures made and not yet taken by their callers, or received and not yet used; beyond it new work gets 503. */
  heldBytes: z
    .int()
    .min(MIB)
    .default(256 * MIB),
  /** Image requests at once: memory for them is about 25 KB each. */
  waitingRequests: z.int().min(1).default(20_000),
});

export const GatewaySettingsSchema = z.strictObject({
  /** Where keys, spend, idempotency and traces are kept; made when it is missing. */
  dataDir: z.string().min(1).default('.image-router'),
  /** Model name -> auto, a tier, a route id or a model: what programs with fixed names mean here. */
  aliases: z.record(z.string(), z.string().min(1)).default({}),
  limits: LimitsSchema.prefault({}),
  /** Real milliseconds between comments on an idle stream; proxies cut at 60 s. */
  heartbeatMs: z.int().min(100).default(15_000),
  /** Real milliseconds that running renders get after SIGTERM before they are given up. */
  drainMs: z.int().min(0).default(30_000),
  traceTtlMs: z.int().min(1_000).default(3_600_000),
  idempotencyTtlMs: z.int().min(1_000).default(86_400_000),
  /** Pictures by URL: off, for whoever may name a URL may make this machine ask for it. */
  imageUrls: z.strictObject({ allow: z.boolean().default(false), hosts: z.array(z.string().min(1)).default([]) }).prefault({}),
  logLevel: z.enum(LOG_LEVELS).default('info'),
  /** Base URL of an OTLP/HTTP collector, such as http://127.0.0.1:4318. */
  otlpEndpoint: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
});

export type GatewaySettings = z.output<typeof GatewaySettingsSchema>;

export const DEFAULT_SETTINGS: GatewaySettings = deepFreeze(GatewaySettingsSchema.parse({}));
