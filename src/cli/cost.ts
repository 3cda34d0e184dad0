// What a request cost, for people and machines: billed for certain, and what cancelled or silent calls may add.
import { addUsd, dollars, formatUsd, type MicroUsd, ZERO_USD } from '../domain/money.ts';
import type { Cost } from '../domain/result.ts';
import type { Trace, TraceEvent } from '../domain/trace.ts';

/** The sum a finished trace ends with; of one cut short, the sum of its ended attempts. Undefined when nothing was sent. */
export function costInTrace(trace: Trace | undefined): Cost | undefined {
  const events = trace?.events ?? [];
  if (!events.some((event) => event.kind === 'attempt-start')) return undefined;
  const ends = events.filter((event): event is Extract<TraceEvent, { kind: 'attempt-end' }> => event.kind === 'attempt-end');
  return {
    billed: ends.reduce<MicroUsd>((sum, event) => addUsd(sum, event.billed), ZERO_USD),
    possiblyBilled: ends.reduce<MicroUsd>((sum, event) => addUsd(sum, event.possiblyBilled), ZERO_USD),
  };
}

export function costJson(cost: Cost): { readonly billedUsd: number; readonly possiblyBilledUsd: number } {
  return { billedUsd: dollars(cost.billed), possiblyBilledUsd: dollars(cost.possiblyBilled) };
}

/** `$0.0059`, or `$0.0059 billed, up to $0.03 more possibly`. */
export function describeCost({ billed, possiblyBilled }: Cost): string {
  return possiblyBilled === ZERO_USD ? formatUsd(billed) : `${formatUsd(billed)} billed, ${formatUsd(possiblyBilled)} more possibly billed`;
}
