// The job a path names, for the one who asks. Somebody else's is as unknown as one that never was, down to the last byte.
import type { Job, StoredImage } from '../../../domain/job.ts';
import type { Call } from '../call.ts';
import { Refusal } from '../refusal.ts';
import { picturesGone } from './job-end.ts';
import type { PictureKind } from './job-object.ts';
import type { JobParts } from './job-parts.ts';

/** Throws Refusal 404. */
export async function jobOf(call: Call, { jobs }: JobParts): Promise<Job> {
  const job = await jobs.find(call.principal.id, call.keptId);
  if (job === undefined) throw unknownJob();
  return job;
}

export function unknownJob(): Refusal {
  return new Refusal({
    status: 404,
    code: 'job_not_found',
    message: 'There is no such job, or no longer, or it belongs to another key.',
    param: 'id',
    remedy: 'GET /v1/images/jobs lists those there are',
  });
}

/** Throws Refusal 404 or 410. */
export function pictureOf(call: Call, job: Job, kind: PictureKind): StoredImage {
  const pictures = kind === 'content' ? job.images : job.previews;
  const text = call.pathIndex ?? '';
  const picture = /^\d{1,3}$/.test(text) ? pictures[Number(text)] : undefined;
  if (picture !== undefined) return picture;
  if (kind === 'content' && job.state === 'completed' && job.images.length === 0) throw new Refusal(picturesGone(job));
  const what = kind === 'content' ? 'image' : 'preview';
  throw new Refusal({ status: 404, code: 'picture_not_found', message: whatThereIs(what, pictures.length), param: 'index' });
}

/** Pictures are counted from 0 in their paths, and from 1 by people. */
function whatThereIs(what: 'image' | 'preview', count: number): string {
  if (count === 0) return `The job has no ${what} (yet).`;
  return count === 1
    ? `The job has one ${what}: the index must be 0.`
    : `The job has ${count} ${what}s: the index must be 0 to ${count - 1}.`;
}
