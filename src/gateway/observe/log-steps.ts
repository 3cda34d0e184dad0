// What a log line says of one step of a request: numbers, and names from the catalogue. The causes written for people stay
// in the trace, which only the request's own caller may read: they quote what providers said.
import type { TraceEvent } from '../../domain/trace.ts';

export function describeStep(event: TraceEvent): Readonly<Record<string, string | number | undefined>> {
  switch (event.kind) {
    case 'plan': {
      const { plan } = event;
      if (plan.kind === 'infeasible') return { plan: plan.kind, binding: plan.binding };
      return { plan: plan.kind, calls: plan.attempts.length, chance: plan.chance, expected_micro_usd: plan.expectedCost };
    }
    case 'attempt-queued':
      return { attempt: event.attempt, target: event.target };
    case 'attempt-start':
      return {
        attempt: event.attempt,
        target: event.target,
        role: event.role,
        hedge: event.hedge,
        timeout_ms: Math.round(event.timeoutMs),
      };
    case 'attempt-end': {
      const failure = event.end.kind === 'failed' ? event.end.failure : undefined;
      return {
        attempt: event.attempt,
        target: event.target,
        end: event.end.kind,
        kind: failure?.kind,
        fault: failure?.fault,
        status: failure?.status,
        billed_micro_usd: event.billed,
        possibly_billed_micro_usd: event.possiblyBilled,
      };
    }
    case 'attempt-abort':
    case 'image-held':
      return { attempt: event.attempt };
    case 'precheck':
      return { verdict: event.verdict };
    case 'end':
      return { end: event.end, attempt: event.attempt, billed_micro_usd: event.billed, possibly_billed_micro_usd: event.possiblyBilled };
    case 'caller-gone':
    case 'deadline':
      return {};
  }
}
