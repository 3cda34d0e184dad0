// What processes that share a store tell each other about health: that a breaker opened, and that it closed. It is hearsay to
// whoever hears it: enough to stop sending, never evidence, and never told on.
import type { TargetId } from '../domain/route.ts';
import type { Operation } from '../domain/vocabulary.ts';

export type HealthNotice = { readonly target: TargetId; readonly operation: Operation } & (
  | {
      readonly state: 'open';
      readonly reason: string;
      /** Until the target may be tried again; world milliseconds from now. */
      readonly waitMs: number;
    }
  | { readonly state: 'closed' }
);

export interface HealthNews {
  /** Tells the others, soon and as well as it can: nobody waits for it, and it fails in silence. */
  publish(notice: HealthNotice): void;
  /** Hears what others publish from now on, and first what they had published that still holds. Never its own. */
  subscribe(listener: (notice: HealthNotice) => void): () => void;
}
