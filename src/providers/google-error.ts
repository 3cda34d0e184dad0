// Reads an error body off a Gemini path. Three writers share these paths: Google (`{error: {code, message, status,
// details}}`, sometimes inside an array, sometimes with a whole second error as its message), resellers in OpenAI's
// shape, and gateways with HTML. All of them come out as one kind of value; nothing is judged here.
import { z } from 'zod';
import type { WireError } from './wire-error.ts';

export type GoogleError = WireError & {
  /** Such as `GenerateRequestsPerDayPerProjectPerModel`; empty without a QuotaFailure. */
  readonly quotaIds: readonly string[];
  readonly quotaValues: readonly string[];
  /** `31s`; empty without a RetryInfo. */
  readonly retryDelay: string;
};

const text = z.string().catch('');
const DetailSchema = z.object({
  reason: text,
  retryDelay: text,
  violations: z.array(z.object({ quotaId: text, quotaValue: text })).catch([]),
});
const ErrorSchema = z.object({
  message: text,
  status: text,
  type: text,
  code: z.union([z.string(), z.number()]).nullish().catch(null),
  details: z.array(DetailSchema).catch([]),
});
type ErrorBody = z.infer<typeof ErrorSchema>;
const EnvelopeSchema = z.object({ error: ErrorSchema });

/** A message may hold an error that holds an error (gemini-cli#15745 has two levels). */
const DEEPEST_NESTING = 3;

export function parseGoogleError(answer: { readonly status: number; readonly text: string }, elapsedMs: number): GoogleError {
  const body = innermostError(answer.text, DEEPEST_NESTING);
  const details = body?.details ?? [];
  const code = String(body?.code ?? '');
  const violations = details.flatMap((detail) => detail.violations);
  return {
    // An error under status 200, or relayed as "500", names the true status in its code.
    status: answer.status < 300 && /^[45]\d\d$/.test(code) ? Number(code) : answer.status,
    code: details.map((detail) => detail.reason).find((reason) => reason !== '') ?? code,
    type: body?.status || body?.type || '',
    message: body?.message ?? (answer.text.trim() || 'no body'),
    isStructured: body !== undefined,
    elapsedMs,
    quotaIds: violations.map((violation) => violation.quotaId).filter((quotaId) => quotaId !== ''),
    quotaValues: violations.map((violation) => violation.quotaValue),
    retryDelay: details.map((detail) => detail.retryDelay).find((delay) => delay !== '') ?? '',
  };
}

/** True for a body that is an error whatever its status says. */
export function isErrorBody(body: string): boolean {
  return innermostError(body, 1) !== undefined;
}

function innermostError(body: string, levels: number): ErrorBody | undefined {
  const json = parseJson(body);
  const parsed = EnvelopeSchema.safeParse(Array.isArray(json) ? json[0] : json);
  if (!parsed.success) return undefined;
  const inner = levels > 1 ? innermostError(parsed.data.error.message, levels - 1) : undefined;
  return inner ?? parsed.data.error;
}

export function parseJson(body: string): unknown {
  if (!/^\s*[[{]/.test(body)) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
