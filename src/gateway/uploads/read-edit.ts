// The body of an edit, whichever way it is written: a form or JSON, by its content type and by nothing else. Both give the
// same: fields for the body schema, and pictures as bytes.
import type { BodyRules } from './bounded-body.ts';
import type { FetchRules } from './guarded-fetch.ts';
import { readJsonEdit, readJsonImages } from './json-edit.ts';
import { readForm } from './multipart.ts';
import { uploadRefused } from './upload-refused.ts';

export type EditRules = BodyRules & {
  /** Bytes of one picture. */
  readonly fileBytesLimit: number;
  /** Names of the fields that are no pictures. */
  readonly fieldNames: readonly string[];
  /** Undefined: pictures are not fetched from URLs. */
  readonly urls: Omit<FetchRules, 'bytesLimit' | 'reserve' | 'clock'> | undefined;
};

export type EditUpload = {
  /** Texts of a form, values of a JSON body; not checked. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** At least one of an edit. */
  readonly images: readonly Uint8Array[];
  readonly mask: Uint8Array | undefined;
};

/** Rejects with Refusal. */
export async function readEdit(request: Request, rules: EditRules): Promise<EditUpload> {
  const type = typeOf(request);
  if (type === 'application/json') return readJsonEdit(request, rules);
  if (type !== 'multipart/form-data') throw foreignType('An edit', WITH_FILES);
  const { texts, images, mask } = await readForm(request, { ...rules, textNames: rules.fieldNames });
  if (images.length === 0) throw noImage();
  return { fields: withoutEmpty(texts), images, mask };
}

/** The body of what may be an edit or a generation: as JSON, without pictures too. Rejects with Refusal. */
export async function readEditOrGeneration(request: Request, rules: EditRules): Promise<EditUpload> {
  const type = typeOf(request);
  if (type === 'application/json') return readJsonImages(request, rules);
  if (type !== 'multipart/form-data') throw foreignType('A job', `send application/json without pictures; with them, ${WITH_FILES}`);
  return readEdit(request, rules);
}

function typeOf(request: Request): string {
  return (request.headers.get('content-type')?.split(';')[0] ?? '').trim().toLowerCase();
}

/** A form has no other way to leave a field out; a prompt that is empty is a mistake worth telling. */
function withoutEmpty(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([name, text]) => text !== '' || name === 'prompt'));
}

function noImage() {
  const remedy = 'send 1 to 16 PNG, JPEG or WebP files as image; without one, use /v1/images/generations';
  return uploadRefused('missing_required_parameter', "Missing required parameter: 'image'.", { param: 'image', remedy });
}

const WITH_FILES = 'send multipart/form-data with files, or application/json with images: [{"image_url": "data:image/png;base64,..."}]';

function foreignType(what: string, remedy: string) {
  const rule = 'must be multipart/form-data or application/json';
  return uploadRefused('unsupported_media_type', `${what} ${rule}.`, { param: 'content-type', remedy, rule });
}
