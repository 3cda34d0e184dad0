// The files an edit works from. Which ones and how many is checked before any is read; whether they are images is the
// library's to say, and its answer is told with the file's name.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isImageRouterError, type Problem } from '../domain/error.ts';
import { problemsError } from '../domain/problem.ts';
import { unreadable } from './text-file.ts';

export type AttachmentFlags = { readonly reference?: readonly string[]; readonly mask?: string };
export type AttachedFiles = { readonly referenceImages?: Uint8Array[]; readonly mask?: Uint8Array };

/** OpenAI's limit; Gemini takes 14. */
const MOST_REFERENCES = 16;

/** What is wrong with the list of files, before any is looked at. `subject` is how the list was written: `--reference`. */
export function attachmentProblems({ reference = [], mask }: AttachmentFlags, subject: string): readonly Problem[] {
  if (reference.length > MOST_REFERENCES) {
    const rule = `must be given at most ${MOST_REFERENCES} times`;
    return [{ field: 'referenceImages', rule, value: String(reference.length), remedy: `keep the ${MOST_REFERENCES} that matter most` }];
  }
  if (mask !== undefined && reference.length === 0) {
    const rule = `needs ${subject}: a mask says which part of the first one is redrawn`;
    return [{ field: 'mask', rule, value: undefined, remedy: `add ${subject}, or leave the mask out` }];
  }
  return [];
}

/** Reads the files. Throws `invalid_request` or `file_unreadable`. */
export async function readAttachments(flags: AttachmentFlags, folder: string): Promise<AttachedFiles> {
  const problems = attachmentProblems(flags, '--reference');
  if (problems.length > 0) throw problemsError('invalid_request', 'request', problems);
  const referenceImages: Uint8Array[] = [];
  for (const file of flags.reference ?? []) {
    referenceImages.push(await readAttachment(resolve(folder, file), 'referenceImages', 'reference image'));
  }
  if (referenceImages.length === 0) return {};
  if (flags.mask === undefined) return { referenceImages };
  return { referenceImages, mask: await readAttachment(resolve(folder, flags.mask), 'mask', 'mask') };
}

async function readAttachment(path: string, field: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, field, what, error);
  }
}

/** The same error, its problems naming the files that were typed: `referenceImages.1` is the second of them. */
export function withFileNames(error: unknown, flags: AttachmentFlags): unknown {
  if (!isImageRouterError(error) || error.problems.length === 0) return error;
  const problems = error.problems.map((problem) => {
    const [field = '', index] = problem.field.split('.');
    const file = field === 'mask' ? flags.mask : field === 'referenceImages' ? flags.reference?.[Number(index ?? 0)] : undefined;
    return file === undefined ? problem : { ...problem, field, value: JSON.stringify(file) };
  });
  return problemsError(error.code, 'request', problems);
}
