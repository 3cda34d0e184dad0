// What a request cost, for people and machines: billed for certain, and what cancelled or silent calls may add.
import { dollars, formatUsd, ZERO_USD } from '../domain/money.ts';
import { type Cost, costInTrace } from '../domain/result.ts';
import type { Trace } from '../domain/trace.ts';

/** What a failed request cost; undefined when nothing was sent. */
export function costOfFailure(trace: Trace | undefined): Cost | undefined {
  const events = trace?.events ?? [];
  return events.some((event) => event.kind === 'attempt-start') ? costInTrace(events) : undefined;
}

export function costJson(cost: Cost): { readonly billedUsd: number; readonly possiblyBilledUsd: number } {
  return { billedUsd: dollars(cost.billed), possiblyBilledUsd: dollars(cost.possiblyBilled) };
}

/** `$0.0059`, or `$0.0059 billed, up to $0.03 more possibly`. */
export function describeCost({ billed, possiblyBilled }: Cost): string {
  return possiblyBilled === ZERO_USD ? formatUsd(billed) : `${formatUsd(billed)} billed, ${formatUsd(possiblyBilled)} more possibly billed`;
}
