// What the endpoints of jobs are built from, beside what every endpoint has.
import type { Jobs } from '../../../jobs/jobs.ts';

/** Links to one picture that need no key, for a while. */
export interface PictureLinks {
  /** The path with a query that proves who made it, and when it ends to be good (milliseconds since 1970). */
  sign(path: string, principal: string): { readonly path: string; readonly expiresAt: number };
  /** Whose link it is; undefined when it is not one of ours, was changed, or is too old. */
  principalOf(path: string, query: URLSearchParams): string | undefined;
}

export type JobParts = {
  readonly jobs: Jobs;
  readonly links: PictureLinks;
  /** How long a job may take that does not say; world milliseconds. */
  readonly lifeMs: () => number;
};
