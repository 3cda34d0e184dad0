// The bad days a drill can play, each one rule of the sandbox.
import type { FaultRule } from '../../sandbox/index.ts';

type DrillFault = { readonly rule: Omit<FaultRule, 'face'>; readonly says: string };

export const DRILL_FAULTS = {
  outage: { rule: { fault: 'outage' }, says: 'answers 503 to every call' },
  hang: { rule: { fault: 'hang' }, says: 'accepts every call and never answers' },
  // Tenfold: threefold still ends inside most budgets, and shows nothing.
  slow: { rule: { fault: 'slow', factor: 10 }, says: 'takes ten times as long' },
  ratelimit: { rule: { fault: 'rate429', retryAfterSeconds: 30 }, says: 'answers 429, wait 30 s, to every call' },
  refusal: { rule: { fault: 'moderation-input' }, says: 'refuses every prompt' },
} as const satisfies Record<string, DrillFault>;

export type DrillFaultName = keyof typeof DRILL_FAULTS;
export const DRILL_FAULT_NAMES = ['outage', 'hang', 'slow', 'ratelimit', 'refusal'] as const satisfies readonly DrillFaultName[];
