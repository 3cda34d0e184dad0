// The one public error. Its `code` is stable; the message always says field, rule, value and remedy where they exist.
// Recognised across realms and package copies by a marker rather than by instanceof.
import type { Offer } from './plan.ts';
import type { Trace } from './trace.ts';

/** code -> HTTP status and process exit code. One table, so that library, gateway and command line agree. */
export const ERROR_CODES = {
  invalid_request: { http: 400, exit: 2 },
  invalid_config: { http: 500, exit: 2 },
  file_unreadable: { http: 400, exit: 2 },
  infeasible: { http: 422, exit: 3 },
  refused: { http: 400, exit: 4 },
  providers_failed: { http: 502, exit: 5 },
  account: { http: 502, exit: 6 },
  deadline_exceeded: { http: 504, exit: 7 },
  closed: { http: 503, exit: 8 },
  cancelled: { http: 499, exit: 130 },
} as const satisfies Record<string, { http: number; exit: number }>;
export type ErrorCode = keyof typeof ERROR_CODES;

/** One broken rule: where, which, what was given, and what to do instead. */
export type Problem = {
  /** Dotted path of the field, such as `latencyBudgetMs` or `endpoints.0.baseUrl`. */
  readonly field: string;
  readonly rule: string;
  /** The offending value, shortened for display. */
  readonly value: string | undefined;
  readonly remedy: string | undefined;
};

export type ErrorDetails = {
  readonly problems?: readonly Problem[];
  /** What would have worked instead, best first. Only on `infeasible`. */
  readonly offers?: readonly Offer[];
  /** Everything that happened, with what it may have cost, when calls were made. */
  readonly trace?: Trace;
  readonly remedy?: string;
  readonly cause?: unknown;
};

const MARKER = Symbol.for('image-router.error');

export class ImageRouterError extends Error {
  override readonly name = 'ImageRouterError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
  readonly offers: readonly Offer[];
  readonly trace: Trace | undefined;
  readonly remedy: string | undefined;
  readonly [MARKER] = true;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.problems = details.problems ?? [];
    this.offers = details.offers ?? [];
    this.trace = details.trace;
    this.remedy = details.remedy;
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].http;
  }
}

export function isImageRouterError(value: unknown): value is ImageRouterError {
  return typeof value === 'object' && value !== null && MARKER in value;
}
