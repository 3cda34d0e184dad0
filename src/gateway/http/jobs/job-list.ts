// A caller's jobs, newest first, a page at a time.
import { JOB_STATES, type JobState } from '../../../domain/job.ts';
import type { Call } from '../call.ts';
import { badQuery, pageObject, readCursor, readId, readLimit, readQuery } from '../list-query.ts';
import { sendJson } from '../send.ts';
import { jobObject } from './job-object.ts';
import type { JobParts } from './job-parts.ts';

const LIST_PARAMETERS = ['limit', 'after', 'status', 'batch', 'lineage'] as const;

/** Throws Refusal. */
export async function listJobs(call: Call, parts: JobParts): Promise<Response> {
  const asked = readQuery(call, LIST_PARAMETERS);
  const limit = readLimit(asked.limit);
  const rows = await parts.jobs.list({
    principal: call.principal.id,
    states: readStates(asked.status),
    batch: readId('batch', asked.batch),
    lineage: readId('lineage', asked.lineage),
    after: readCursor(asked.after),
    limit: limit + 1,
  });
  return sendJson(
    call,
    200,
    pageObject(rows, limit, (job) => jobObject(call, parts, job)),
  );
}

function readStates(text: string | undefined): readonly JobState[] | undefined {
  if (text === undefined) return undefined;
  return text.split(',').map((word) => {
    const state = JOB_STATES.find((known) => known === word.trim());
    if (state === undefined) throw badQuery('status', `status must be one or more of ${JOB_STATES.join(', ')}, with commas between.`);
    return state;
  });
}
