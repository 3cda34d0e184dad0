// One union of everything a router tells about itself. Logs, metrics and progress are folds of it; nothing else is
// published. Prompts, images and keys are in none of these events.
import type { TargetId } from '../domain/route.ts';
import type { InstantMs } from '../domain/time.ts';
import type { TraceEvent } from '../domain/trace.ts';
import type { Operation } from '../domain/vocabulary.ts';

export type RouterEvent =
  /** One step of one request, as it is appended to that request's trace. */
  | { readonly kind: 'request'; readonly requestId: string; readonly event: TraceEvent }
  /** A breaker opened, closed, or lets a probe through. */
  | {
      readonly kind: 'breaker-change';
      readonly target: TargetId;
      readonly operation: Operation;
      readonly from: 'closed' | 'half-open' | 'open';
      readonly to: 'closed' | 'half-open' | 'open';
      readonly reason: string;
      readonly at: InstantMs;
    };

export type Listener = (event: RouterEvent) => void;

export const IGNORE_EVENTS: Listener = () => {};

/** Calls somebody else's listener: what it throws is its own trouble, never that of the request it listens to. */
export function tell<Event>(listener: ((event: Event) => void) | undefined, event: Event): void {
  try {
    listener?.(event);
  } catch {
    // Nothing to report it to: the one who would hear it is the one who threw.
  }
}
