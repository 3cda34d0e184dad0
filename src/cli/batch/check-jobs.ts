// The first pass over a jobs file, before anything is spent: every line is read and every mistake told, up to a page of
// them. What stays in memory of a line is the names of its files-to-be, so that no two jobs can write the same one.
import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ImageRouterError, isImageRouterError, type Problem } from '../../domain/error.ts';
import { problemsError } from '../../domain/problem.ts';
import { type ResolvedOptions, unknownName } from '../../options.ts';
import { linesOfFile, numbered } from '../lines.ts';
import { systemReason } from '../text-file.ts';
import { type Job, jobOf } from './job.ts';

/** More would scroll the first one away. */
const MOST_PROBLEMS = 20;

/** The jobs of a file, one after another. */
export async function* jobsIn(path: string): AsyncIterable<Job> {
  for await (const line of numbered(linesOfFile(path, 'jobs', 'jobs file'))) yield jobOf(line);
}

/** `options` undefined: policies and routes are a gateway's to know. Counts the jobs. Throws `file_unreadable`, or `invalid_request` naming every problem with its line. */
export async function checkJobs(path: string, folder: string, options: ResolvedOptions | undefined): Promise<number> {
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  let count = 0;
  for await (const line of numbered(linesOfFile(path, 'jobs', 'jobs file'))) {
    count += 1;
    const job = orProblems(() => jobOf(line));
    if (isImageRouterError(job)) problems.push(...job.problems);
    else problems.push(...nameProblems(job, names, options), ...wordProblems(job, options), ...(await fileProblems(job, folder)));
    if (problems.length >= MOST_PROBLEMS) break;
  }
  if (problems.length > 0) throw problemsError('invalid_request', 'jobs', problems.slice(0, MOST_PROBLEMS));
  if (count > 0) return count;
  const problem = { field: 'jobs', rule: 'must hold at least one job', value: JSON.stringify(path), remedy: 'write one object a line' };
  throw problemsError('invalid_request', 'jobs', [problem]);
}

function orProblems(read: () => Job): Job | ImageRouterError {
  try {
    return read();
  } catch (error) {
    if (isImageRouterError(error)) return error;
    throw error;
  }
}

/** Ids must be unique, and so must names: job `fox` with two images writes `fox-1`, which may be another job's id. */
function nameProblems(job: Job, names: Map<string, number>, options: ResolvedOptions | undefined): readonly Problem[] {
  for (const name of new Set([job.id, ...stemsOf(job.id, imagesOf(job, options))])) {
    // Some file systems do not tell upper case from lower.
    const key = name.toLowerCase();
    const other = names.get(key);
    names.set(key, other ?? job.line);
    if (other === undefined) continue;
    const what = name === job.id ? `is already used in line ${other}` : `would write ${name}, which line ${other} writes too`;
    return [{ field: `line ${job.line}, id`, rule: what, value: JSON.stringify(job.id), remedy: 'give one of them another id' }];
  }
  return [];
}

/** Names of a job's files without their ending: `fox`, or `fox-1`, `fox-2`. */
export function stemsOf(id: string, images: number): readonly string[] {
  return images === 1 ? [id] : Array.from({ length: images }, (_, index) => `${id}-${index + 1}`);
}

function imagesOf({ request }: Job, options: ResolvedOptions | undefined): number {
  const policy = options?.policies.find(({ id }) => id === request.policy) ?? options?.defaultPolicy;
  return request.n ?? policy?.defaults.n ?? 1;
}

function wordProblems({ request, line }: Job, options: ResolvedOptions | undefined): readonly Problem[] {
  if (options === undefined) return [];
  const { policies, routes } = options;
  const unknown = (field: 'policy' | 'route', known: readonly { readonly id: string }[]): readonly Problem[] => {
    const name = request[field];
    const isKnown = name === undefined || known.some(({ id }) => id === name);
    return isKnown ? [] : [unknownName(`line ${line}, ${field}`, field, name, known)];
  };
  return [...unknown('policy', policies), ...unknown('route', routes)];
}

async function fileProblems(job: Job, folder: string): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const look = async (path: string, field: string): Promise<void> => {
    try {
      await access(resolve(folder, path), constants.R_OK);
    } catch (error) {
      const rule = `must name a readable image (${systemReason(error)})`;
      const remedy = 'check the path: it is relative to the jobs file';
      problems.push({ field: `line ${job.line}, ${field}`, rule, value: JSON.stringify(path), remedy });
    }
  };
  for (const path of job.reference) await look(path, 'referenceImages');
  if (job.mask !== undefined) await look(job.mask, 'mask');
  return problems;
}
