// An edit as JSON: pictures as data: URIs, decoded strictly, or as https URLs where the operator allows fetching them.
// Uploaded files (file_id) do not exist here. Everything but the pictures is left for the body schema to judge.
import { z } from 'zod';
import { decodeBase64 } from '../../providers/base64.ts';
import type { Refusal } from '../http/refusal.ts';
import type { BodyRules } from './bounded-body.ts';
import { MOST_IMAGES } from './form-parts.ts';
import { type FetchRules, fetchPicture } from './guarded-fetch.ts';
import { type JsonObject, readJsonObject } from './json-text.ts';
import { pictureIntake } from './picture-intake.ts';
import { uploadRefused } from './upload-refused.ts';

const WRITTEN = '{"image_url": "data:image/png;base64,..."}';

const SourceSchema = z
  .strictObject(
    {
      image_url: z
        .string('must be text')
        .optional()
        .describe('A data: URI of a PNG, JPEG or WebP; an https URL where the gateway allows it.'),
      file_id: z.string('must be text').optional().describe('Not supported: the gateway keeps no files.'),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be an object with image_url' : undefined) },
  )
  .refine((source) => (source.image_url === undefined) !== (source.file_id === undefined), 'needs image_url, a data: URI');

/** The pictures of a JSON edit; the other fields are those of the form. */
export const JsonPicturesSchema = z.object({
  images: z
    .array(SourceSchema, `must be a list such as [${WRITTEN}]`)
    .min(1, 'must hold at least one picture')
    .max(MOST_IMAGES, `must be at most ${MOST_IMAGES} pictures`),
  mask: SourceSchema.optional(),
});
type Source = z.output<typeof SourceSchema>;

export type JsonEditRules = BodyRules & {
  readonly fileBytesLimit: number;
  /** Undefined: pictures are not fetched from URLs. */
  readonly urls: Omit<FetchRules, 'bytesLimit' | 'reserve' | 'clock'> | undefined;
};

export type JsonEdit = {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly images: readonly Uint8Array[];
  readonly mask: Uint8Array | undefined;
};

/** Rejects with Refusal. */
export async function readJsonEdit(request: Request, rules: JsonEditRules): Promise<JsonEdit> {
  const edit = await readJsonImages(request, rules);
  if (edit.images.length > 0) return edit;
  const remedy = `give images: [${WRITTEN}]; without pictures, use /v1/images/generations`;
  throw uploadRefused('missing_required_parameter', "Missing required parameter: 'images'.", { param: 'images', remedy });
}

/** The same, with or without pictures. Rejects with Refusal. */
export async function readJsonImages(request: Request, rules: JsonEditRules): Promise<JsonEdit> {
  const { fields: all, resolve } = await readJsonObject(request, rules);
  const { images, mask, ...fields } = all;
  if (images === undefined && 'image' in fields) throw nameOfForms();
  if (images === undefined && (mask === undefined || mask === null)) return { fields, images: [], mask: undefined };
  const parsed = JsonPicturesSchema.safeParse({ images, ...(mask === undefined || mask === null ? {} : { mask }) });
  if (!parsed.success) throw misshapen(parsed.error.issues[0]);
  const failed = new AbortController();
  const load = loader(rules, resolve, AbortSignal.any([request.signal, failed.signal]));
  const { images: sources, mask: maskSource } = parsed.data;
  try {
    const [maskBytes, ...imageBytes] = await Promise.all([
      maskSource === undefined ? undefined : load(maskSource, 'mask', true),
      ...sources.map((source, index) => load(source, `images[${index}]`, false)),
    ]);
    return { fields, images: imageBytes.filter((bytes) => bytes !== undefined), mask: maskBytes };
  } catch (error) {
    // The first picture that cannot be had ends the fetching of the others.
    failed.abort();
    throw error;
  }
}

type Load = (source: Source, field: string, isMask: boolean) => Promise<Uint8Array>;

/** All fetched pictures together must fit into what one upload may hold. */
function loader(rules: JsonEditRules, resolve: JsonObject['resolve'], signal: AbortSignal): Load {
  let bytesLeft = rules.bytesLimit;
  const reserve = (bytes: number): boolean => {
    bytesLeft -= bytes;
    return bytesLeft >= 0 && rules.reserve(bytes);
  };
  return async ({ image_url: url }, field, isMask) => {
    const param = `${field}.image_url`;
    if (url === undefined) throw noFiles(`${field}.file_id`);
    const uri = resolve(url);
    if (typeof uri !== 'string' || /^data:/i.test(uri)) return pictureInUri(uri, param, isMask, rules.fileBytesLimit);
    if (rules.urls === undefined) throw urlsNotAllowed(param);
    return fetchPicture(url, param, isMask, { ...rules.urls, clock: rules.clock, bytesLimit: rules.fileBytesLimit, reserve }, signal);
  };
}

/** Type and encoding must be written out; parameters beside them carry nothing a picture needs. */
const DATA_URI = /^data:([\w.+-]{1,40}\/[\w.+-]{1,40});base64,/i;
const LONGEST_PREFIX = 128;

function pictureInUri(uri: string | Uint8Array, param: string, isMask: boolean, bytesLimit: number): Uint8Array {
  const start = typeof uri === 'string' ? uri.slice(0, LONGEST_PREFIX) : Buffer.from(uri.subarray(0, LONGEST_PREFIX)).toString('latin1');
  const [prefix, declaredType] = DATA_URI.exec(start) ?? [];
  if (prefix === undefined) throw badUri(param, 'must begin like data:image/png;base64,');
  const intake = pictureIntake({ param, isMask, declaredType, bytesLimit });
  const bytes = decodeBase64(typeof uri === 'string' ? uri.slice(prefix.length) : uri.subarray(prefix.length));
  if (bytes === undefined) throw badUri(param, 'holds no base64, or with wrong padding');
  intake.take(bytes);
  return intake.finish();
}

function badUri(param: string, reason: string): Refusal {
  return uploadRefused('invalid_image_file', `The data: URI in ${param} ${reason}.`, { param });
}

function noFiles(param: string): Refusal {
  const remedy = 'send the picture itself, as image_url with a data: URI or as a multipart file';
  return uploadRefused('file_id_not_supported', 'The gateway keeps no uploaded files.', { param, remedy });
}

function urlsNotAllowed(param: string): Refusal {
  const remedy = 'send the picture itself, as a data: URI or as a multipart file; operators allow URLs by gateway.imageUrls.allow';
  return uploadRefused('image_url_not_allowed', 'Pictures are not fetched from URLs here.', { param, remedy });
}

/** A form has its files under that name. */
function nameOfForms(): Refusal {
  const remedy = `did you mean "images"? In JSON it is images: [${WRITTEN}]`;
  return uploadRefused('unknown_parameter', "Unknown parameter: 'image'.", { param: 'image', remedy });
}

function misshapen(issue: z.core.$ZodIssue | undefined): Refusal {
  const path =
    issue?.path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('')
      .slice(1) ?? 'images';
  if (issue?.code === 'unrecognized_keys') {
    return uploadRefused('unknown_parameter', `${path} has unknown fields.`, { param: path, remedy: `write it as ${WRITTEN}` });
  }
  const remedy = path === 'images' ? `write images as [${WRITTEN}], 1 to ${MOST_IMAGES} of them` : `write it as ${WRITTEN}`;
  return uploadRefused('invalid_value', `${path} ${issue?.message ?? 'cannot be used'}.`, { param: path, remedy });
}
