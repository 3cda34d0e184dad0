// One line of a jobs file: a request in the library's own field names, an id, and files by path instead of bytes. Reading
// a line opens no file; its fingerprint is taken later, from the line and from the bytes its files hold then.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isImageRouterError, type Problem } from '../../domain/error.ts';
import { parseOrExplain, problemsError } from '../../domain/problem.ts';
import { type ImageRequest, ImageRequestSchema } from '../../domain/request.ts';
import { attachmentProblems } from '../attached-files.ts';
import type { NumberedLine } from '../lines.ts';
import { unreadable } from '../text-file.ts';

export type Job = {
  readonly id: string;
  readonly line: number;
  readonly request: ImageRequest;
  /** Paths as written, relative to the jobs file. */
  readonly reference: readonly string[];
  readonly mask: string | undefined;
  /** The line's own words, in an order that does not depend on how it was typed. */
  readonly canonical: string;
};

/** A job with its files in hand. */
export type LoadedJob = Job & {
  /** Changes with anything that the picture depends on. */
  readonly hash: string;
};

type Fields = Readonly<Record<string, unknown>>;

/** It becomes a file name on any system, so it holds nothing that some system would read otherwise. */
const ID = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u;
const REMEDY = 'write one object a line, such as {"id": "fox", "prompt": "a red fox", "referenceImages": ["sketch.png"]}';
/** Stands for bytes that are not read yet, while everything else about a request is checked. */
const UNREAD = new Uint8Array(1);

/** Throws `invalid_request` with every problem of the line; fields are named `line 3, size`. */
export function jobOf({ text, line }: NumberedLine): Job {
  const fields = fieldsOf(text, line);
  const { id: _, referenceImages, mask, ...rest } = fields;
  const reference = pathsIn(referenceImages);
  const maskPath = mask === undefined || typeof mask === 'string' ? mask : false;
  const problems = [
    ...idProblems(fields.id),
    ...(reference === false ? [pathProblem('referenceImages', 'must be a list of file paths')] : []),
    ...(maskPath === false ? [pathProblem('mask', 'must be a file path')] : []),
    ...(reference === false || maskPath === false ? [] : attachmentProblems(flagsOf(reference, maskPath), 'referenceImages')),
  ];
  if (reference === false || maskPath === false || problems.length > 0) throw atLine(problems, line);
  const canonical = JSON.stringify(Object.entries({ ...rest, reference, maskPath }).sort(([a], [b]) => (a < b ? -1 : 1)));
  const id = fields.id === undefined ? String(line) : String(fields.id);
  return { id, line, request: requestOf(rest, reference, maskPath, line), reference, mask: maskPath, canonical };
}

function requestOf(rest: Fields, reference: readonly string[], mask: string | undefined, line: number): ImageRequest {
  const unread = {
    ...(reference.length === 0 ? {} : { referenceImages: reference.map(() => UNREAD) }),
    ...(mask === undefined ? {} : { mask: UNREAD }),
  };
  try {
    return parseOrExplain(ImageRequestSchema, { ...rest, ...unread }, 'invalid_request', 'jobs');
  } catch (error) {
    if (!isImageRouterError(error)) throw error;
    throw atLine(error.problems, line);
  }
}

function fieldsOf(text: string, line: number): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw problemsError('invalid_request', 'jobs', [{ field: `line ${line}`, rule: 'is not JSON', value: undefined, remedy: REMEDY }]);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw problemsError('invalid_request', 'jobs', [{ field: `line ${line}`, rule: 'must be an object', value: undefined, remedy: REMEDY }]);
}

function idProblems(id: unknown): readonly Problem[] {
  if (id === undefined || (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0)) return [];
  if (typeof id === 'string' && ID.test(id)) return [];
  const remedy = 'it names the image file; leave it out to be named by the line number';
  const rule = 'must be a whole number, or up to 100 letters, digits and . _ - with a letter or digit first';
  return [{ field: 'id', rule, value: JSON.stringify(id), remedy }];
}

/** False when it is anything but a list of paths. */
function pathsIn(value: unknown): readonly string[] | false {
  if (value === undefined) return [];
  return Array.isArray(value) && value.every((path) => typeof path === 'string') ? value : false;
}

function pathProblem(field: string, rule: string): Problem {
  return { field, rule, value: undefined, remedy: 'give paths of PNG, JPEG or WebP files, relative to the jobs file' };
}

function flagsOf(
  reference: readonly string[],
  mask: string | undefined,
): { readonly reference: readonly string[]; readonly mask?: string } {
  return mask === undefined ? { reference } : { reference, mask };
}

function atLine(problems: readonly Problem[], line: number): Error {
  return problemsError(
    'invalid_request',
    'jobs',
    problems.map((problem) => ({ ...problem, field: `line ${line}, ${problem.field}` })),
  );
}

/** Reads the job's files. Throws `file_unreadable` for one that cannot be read. */
export async function loadJob(job: Job, folder: string): Promise<LoadedJob> {
  const hash = createHash('sha256').update(job.canonical);
  const read = async (path: string, field: string): Promise<Uint8Array> => {
    const bytes = await readJobFile(job, path, field, folder);
    hash.update(createHash('sha256').update(bytes).digest());
    return bytes;
  };
  const referenceImages: Uint8Array[] = [];
  for (const path of job.reference) referenceImages.push(await read(path, 'referenceImages'));
  const mask = job.mask === undefined ? undefined : await read(job.mask, 'mask');
  const request = {
    ...job.request,
    ...(referenceImages.length === 0 ? {} : { referenceImages }),
    ...(mask === undefined ? {} : { mask }),
  };
  return { ...job, request, hash: hash.digest('hex').slice(0, 32) };
}

async function readJobFile(job: Job, path: string, field: string, folder: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(folder, path));
  } catch (error) {
    throw unreadable(resolve(folder, path), `line ${job.line}, ${field}`, 'image', error);
  }
}
