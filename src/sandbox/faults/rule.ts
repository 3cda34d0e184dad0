// What a user writes to break the sandbox: fault rules and scripts of them. Parsed strictly, because a misspelt fault that
// silently does nothing would make a broken product look robust.
import { z } from 'zod';
import { QUALITIES } from '../../domain/vocabulary.ts';
import { FACES } from '../call.ts';

export const FAULT_IDS = [
  'outage',
  'capacity',
  'err500',
  'html5xx',
  'refused',
  'stale-keep-alive',
  'reset',
  'reset-mid-body',
  'hang',
  'idle-cut',
  'slow',
  'slow-body',
  'stalled-body',
  'rate429',
  'quota429',
  'auth401',
  'acct403',
  'org403',
  'billing400',
  'model404',
  'moderation-input',
  'moderation-output',
  'dressed-refusal',
  'no-image',
  'html200',
  'err200',
  'truncated-json',
  'bad-base64',
  'zero-bytes',
  'half-picture',
  'wrong-magic',
  'wrong-format',
  'huge-image',
  'fewer-images',
  'wrong-size',
  'thought-image',
  'data-uri-text',
  'continuation',
  'sse-error',
  'sse-truncated',
  'sse-hang',
  'sse-no-completed',
] as const;
export type FaultId = (typeof FAULT_IDS)[number];

/** Ways of a 200 without an image: openai knows the first two, google all but those. */
export const NO_IMAGE_FORMS = [
  'emptyData',
  'emptyObject',
  'noCandidates',
  'promptBlock',
  'textOnly',
  'thoughtOnly',
  'NO_IMAGE',
  'IMAGE_SAFETY',
  'IMAGE_OTHER',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
  'PROHIBITED_CONTENT',
  'SAFETY',
  'RECITATION',
  'OTHER',
  'MALFORMED_RESPONSE',
  'MAX_TOKENS',
] as const;
export type NoImageForm = (typeof NO_IMAGE_FORMS)[number];

const milliseconds = z.number().min(0, 'must be 0 or more milliseconds');

export const FaultRuleSchema = z.strictObject({
  fault: z.enum(FAULT_IDS, { error: (issue) => `unknown fault ${JSON.stringify(issue.input)}; known are ${FAULT_IDS.join(', ')}` }),
  /** Which calls it meets; left out, all of them. */
  face: z.enum(FACES).optional(),
  model: z.string().min(1).optional(),
  quality: z.enum(QUALITIES).optional(),
  /** Share of the matching calls that meet it, in (0, 1]. Default 1. */
  probability: z.number().gt(0, 'must be in (0, 1]').max(1, 'must be in (0, 1]').optional(),
  /** How many calls it meets before it is spent. Default: any number. */
  count: z.int().min(1).optional(),
  /** World milliseconds since the sandbox started. Default: from the start, for ever. */
  fromMs: milliseconds.optional(),
  untilMs: milliseconds.optional(),
  /** Flapping: the rule rests for upMs, strikes for downMs, and so on, from fromMs. Both or neither. */
  upMs: z.number().positive().optional(),
  downMs: z.number().positive().optional(),
  /** With probability: the chance is the prompt's, so that a repeat of the same prompt meets the same fate. */
  perPrompt: z.boolean().optional(),

  /** HTTP status: outage 503 (or 500, 502, 504), capacity 503 or 429, html5xx 502, 504, 520 or 524, dressed-refusal 500 or 429. */
  status: z.int().min(400).max(599).optional(),
  /** World milliseconds from arrival to the effect, instead of the fault's own draw. */
  afterMs: milliseconds.optional(),
  /** slow: the latency is multiplied by it. Default 3. */
  factor: z.number().positive().max(1_000).optional(),
  /** rate429: seconds to wait. Default 12. */
  retryAfterSeconds: z.number().min(0).optional(),
  /** rate429: how the wish is put. Default seconds. */
  retryAfterAs: z.enum(['seconds', 'date', 'none']).optional(),
  /** reset-mid-body, truncated-json, stalled-body, sse-truncated: share of the body that arrives. Default 0.5. */
  fraction: z.number().gt(0).lt(1).optional(),
  /** slow-body: default 1024; stalled-body: default 1. */
  bytesPerSecond: z.number().positive().optional(),
  /** no-image: which form. Default emptyData on openai, NO_IMAGE on google. */
  form: z.enum(NO_IMAGE_FORMS).optional(),
  /** err500: after the whole generation rather than at once. */
  afterGeneration: z.boolean().optional(),
  /** Whether the provider bills what it did not deliver, instead of the fault's own habit. */
  billed: z.boolean().optional(),
});
export type FaultRule = Readonly<z.infer<typeof FaultRuleSchema>>;
export type FaultParameter =
  | 'status'
  | 'afterMs'
  | 'factor'
  | 'retryAfterSeconds'
  | 'retryAfterAs'
  | 'fraction'
  | 'bytesPerSecond'
  | 'form'
  | 'afterGeneration'
  | 'billed';

export const FaultScriptSchema = z.strictObject({ rules: z.array(FaultRuleSchema) });
/** A file of rules, in force from the sandbox's start. */
export type FaultScript = { readonly rules: readonly FaultRule[] };
