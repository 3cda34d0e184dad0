// Where images are written. The place is checked before anything is spent; a name nobody typed never replaces a file.
import { access, constants, mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import type { Problem } from '../domain/error.ts';
import { EXTENSION_OF_FORMAT, type Image } from '../domain/image.ts';
import { problemsError } from '../domain/problem.ts';
import type { ImageResult } from '../domain/result.ts';
import type { ImageFormat } from '../domain/vocabulary.ts';
import { systemReason } from './text-file.ts';

/** `own`: named by us, numbered when taken. `given`: named by the user, replaced like any output file. */
export type Place = { readonly folder: string; readonly pattern: string; readonly kind: 'own' | 'given' };

export type WrittenFile = {
  readonly path: string;
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
};

const FORMAT_OF_EXTENSION: Readonly<Record<string, ImageFormat>> = { '.png': 'png', '.jpg': 'jpeg', '.jpeg': 'jpeg', '.webp': 'webp' };
const LONGEST_SLUG = 48;

/** `A red fox!` -> `a-red-fox`; `image` when nothing in the prompt can stand in a file name. */
export function slugOf(prompt: string): string {
  const words = prompt
    .normalize('NFKD')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  let slug = '';
  for (const word of words ?? []) {
    if (slug !== '' && slug.length + word.length >= LONGEST_SLUG) break;
    slug = slug === '' ? word.slice(0, LONGEST_SLUG) : `${slug}-${word}`;
  }
  return slug === '' ? 'image' : slug;
}

/** The format that the output's name promises, when it does. */
export function formatNamedBy(output: string | undefined): ImageFormat | undefined {
  return output === undefined ? undefined : FORMAT_OF_EXTENSION[extname(output).toLowerCase()];
}

/**
 * Finds and prepares the place: a folder (it exists, or ends with a slash), a file, or a pattern with {n}, {id}, {route}
 * and {ext}. Throws `invalid_request` when it cannot be written, or when its name contradicts the format.
 */
export async function preparePlace(
  output: string | undefined,
  prompt: string,
  format: ImageFormat | undefined,
  cwd: string,
): Promise<Place> {
  const own = `${slugOf(prompt)}.{ext}`;
  const promised = formatNamedBy(output);
  if (promised !== undefined && format !== undefined && promised !== format) {
    const rule = `ends in ${extname(output ?? '')} but format ${format} was asked for`;
    throw refusal({ field: 'output', rule, value: undefined, remedy: `name it .${EXTENSION_OF_FORMAT[format]}, or leave --format out` });
  }
  const place = output === undefined ? ({ folder: cwd, pattern: own, kind: 'own' } as const) : await placeNamed(output, own, cwd);
  await makeWritable(place.folder);
  return place;
}

async function placeNamed(output: string, own: string, cwd: string): Promise<Place> {
  const path = resolve(cwd, output);
  const isFolder = output.endsWith('/') || output.endsWith(sep) || (await isDirectory(path));
  return isFolder ? { folder: path, pattern: own, kind: 'own' } : { folder: dirname(path), pattern: basename(path), kind: 'given' };
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

export async function makeWritable(folder: string, field = 'output'): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    const rule = `must be a place that can be written (${systemReason(error)})`;
    throw refusal({ field, rule, value: JSON.stringify(folder), remedy: 'name another file or folder' });
  }
}

function refusal(problem: Problem): Error {
  return problemsError('invalid_request', 'request', [problem]);
}

/** Writes every image of the result; answers with paths as a user in `cwd` would type them. */
export async function writeImages(result: ImageResult, place: Place, cwd: string): Promise<readonly WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const [index, image] of result.images.entries()) {
    const path = await writeOne(image, nameFor(image, index, result, place), place);
    const shown = relative(cwd, path);
    const { format, width, height, bytes } = image;
    files.push({ path: shown.startsWith('..') ? path : shown, format, width, height, bytes: bytes.byteLength });
  }
  return files;
}

/** Where the preview of an image goes: `fox.png` -> `fox-preview.png`. */
export function previewPlace(place: Place): Place {
  const extension = extname(place.pattern);
  return { ...place, pattern: `${place.pattern.slice(0, place.pattern.length - extension.length)}-preview${extension}` };
}

function nameFor(image: Image, index: number, result: ImageResult, place: Place): string {
  const isNumbered = result.images.length > 1 && !place.pattern.includes('{n}');
  const extension = extname(place.pattern);
  const pattern = isNumbered ? `${place.pattern.slice(0, place.pattern.length - extension.length)}-{n}${extension}` : place.pattern;
  return pattern
    .replaceAll('{n}', String(index + 1))
    .replaceAll('{id}', result.id)
    .replaceAll('{route}', result.route)
    .replaceAll('{ext}', EXTENSION_OF_FORMAT[image.format]);
}

/** Names tried before giving up on finding a free one. */
const MOST_NAMES = 10_000;

async function writeOne(image: Image, name: string, place: Place): Promise<string> {
  if (place.kind === 'given') {
    const path = join(place.folder, name);
    await writeFile(path, image.bytes);
    return path;
  }
  const extension = extname(name);
  for (let copy = 1; copy < MOST_NAMES; copy += 1) {
    const path = join(place.folder, copy === 1 ? name : `${name.slice(0, name.length - extension.length)}-${copy}${extension}`);
    if (await writeNew(path, image.bytes)) return path;
  }
  throw refusal({ field: 'output', rule: 'has no free name left', value: JSON.stringify(name), remedy: 'name another folder' });
}

async function writeNew(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await writeFile(path, bytes, { flag: 'wx' });
    return true;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
