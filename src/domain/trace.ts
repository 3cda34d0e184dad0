// What happened to one request: append-only, each event with the world time since arrival and its cause. The result is
// the last event. Prompts and pictures are not in it, so it can be logged.
import type { AttemptEnd } from './failure.ts';
import type { MicroUsd } from './money.ts';
import type { HedgeReason, Infeasible, Plan } from './plan.ts';
import type { Price, Usage } from './price.ts';
import type { TargetId } from './route.ts';
import type { RouteId } from './vocabulary.ts';

/** Position of an attempt within its run: 1, 2, 3. */
export type AttemptNumber = number;

/** Tells the runs of one request apart where it has several: single calls for several images count from 1. */
export type RunPart = number | 'preview';

export type TraceEvent = { readonly atMs: number; readonly part?: RunPart } & (
  | { readonly kind: 'plan'; readonly plan: Plan | Infeasible; readonly cause: string }
  | {
      readonly kind: 'attempt-queued';
      readonly attempt: AttemptNumber;
      readonly target: TargetId;
      readonly route: RouteId;
      readonly cause: string;
    }
  /** Written before the call is sent: from here on it may be billed. */
  | {
      readonly kind: 'attempt-start';
      readonly attempt: AttemptNumber;
      readonly target: TargetId;
      readonly route: RouteId;
      readonly role: 'first' | 'fallback' | 'hedge' | 'retry' | 'probe';
      readonly hedge: HedgeReason | undefined;
      readonly price: Price;
      readonly timeoutMs: number;
      readonly cause: string;
    }
  | { readonly kind: 'attempt-abort'; readonly attempt: AttemptNumber; readonly cause: string }
  | {
      readonly kind: 'attempt-end';
      readonly attempt: AttemptNumber;
      readonly target: TargetId;
      readonly end: AttemptEnd;
      readonly billed: MicroUsd;
      readonly possiblyBilled: MicroUsd;
      readonly requestId: string | undefined;
      /** Tokens as the provider counted them; left out where it did not. */
      readonly usage?: Usage;
    }
  /** A usable image below the need arrived; it is kept while a better one can still come. */
  | { readonly kind: 'image-held'; readonly attempt: AttemptNumber; readonly cause: string }
  /** Asked before a premium render whether the prompt would be refused. */
  | { readonly kind: 'precheck'; readonly verdict: 'passed' | 'refused' | 'unavailable'; readonly cause: string }
  | { readonly kind: 'caller-gone' }
  | { readonly kind: 'deadline' }
  | {
      readonly kind: 'end';
      readonly end: 'delivered' | 'failed' | 'cancelled';
      readonly attempt: AttemptNumber | undefined;
      readonly cause: string;
      readonly billed: MicroUsd;
      readonly possiblyBilled: MicroUsd;
    }
);

export type Trace = { readonly requestId: string; readonly events: readonly TraceEvent[] };
