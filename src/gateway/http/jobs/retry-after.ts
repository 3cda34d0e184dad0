// When it makes sense to look at a job again. Real seconds: whole, at least one, and never so many that somebody who polls
// hears of the end a minute late.
import { hasEnded, type Job } from '../../../domain/job.ts';
import type { Jobs } from '../../../jobs/jobs.ts';
import type { Clock } from '../../../system/clock.ts';
import { realSeconds } from '../../real-seconds.ts';

const LONGEST_S = 30;
/** Nobody knows how long a queue is. */
const UNKNOWN_S = 5;

/** Undefined: it has ended, there is nothing to wait for. */
export function retryAfterOf(job: Job, jobs: Pick<Jobs, 'progress'>, clock: Clock): number | undefined {
  if (hasEnded(job.state)) return undefined;
  const { expectedEndAt } = jobs.progress(job);
  if (expectedEndAt === undefined) return UNKNOWN_S;
  return Math.min(LONGEST_S, realSeconds(expectedEndAt - clock.wall().getTime(), clock.speed));
}
