// The body of a batch: JSON lines, as they are or as the file of a form. Nothing is parsed here; a line is judged by whoever knows
// what it should hold.
import { isUtf8 } from 'node:buffer';
import { type BodyRules, readBody } from './bounded-body.ts';
import { byteCollector } from './byte-collector.ts';
import { type Intake, readParts, textIntake } from './multipart.ts';
import { uploadRefused } from './upload-refused.ts';

const JSONL_TYPES = ['application/jsonl', 'application/x-ndjson', 'application/ndjson', 'application/jsonlines'];
const FILE = 'file';

export type JsonlUpload = {
  readonly text: string;
  /** The form's other fields. */
  readonly fields: Readonly<Record<string, string>>;
};

/** `fieldNames`: what a form may have beside its file. Rejects with Refusal. */
export async function readJsonl(request: Request, rules: BodyRules & { readonly fieldNames: readonly string[] }): Promise<JsonlUpload> {
  const type = (request.headers.get('content-type')?.split(';')[0] ?? '').trim().toLowerCase();
  if (type === 'multipart/form-data') return readForm(request, rules);
  if (!JSONL_TYPES.includes(type)) throw foreignType();
  const bytes = byteCollector();
  await readBody(request, rules, () => ({ write: (piece) => bytes.add(piece), end: () => undefined }));
  return { text: textOf(bytes.join()), fields: {} };
}

async function readForm(request: Request, rules: BodyRules & { readonly fieldNames: readonly string[] }): Promise<JsonlUpload> {
  const fields = new Map<string, string>();
  let text: string | undefined;
  const seen = new Set<string>();
  const open = (name: string | undefined): Intake => {
    const known = name === FILE || (name !== undefined && rules.fieldNames.includes(name));
    if (!known || name === undefined)
      throw uploadRefused('unknown_parameter', `The form may have ${[FILE, ...rules.fieldNames].join(', ')}.`);
    if (seen.has(name)) throw uploadRefused('invalid_value', `The field '${name}' is given more than once.`, { param: name });
    seen.add(name);
    if (name !== FILE) return textIntake(name, (value) => fields.set(name, value));
    const bytes = byteCollector();
    return {
      take: (piece) => bytes.add(piece),
      close: () => {
        text = textOf(bytes.join());
      },
    };
  };
  await readParts(request, { ...rules, mostParts: rules.fieldNames.length + 2 }, open);
  if (text === undefined) throw uploadRefused('missing_required_parameter', "Missing required parameter: 'file'.", { param: FILE });
  return { text, fields: Object.fromEntries(fields) };
}

function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw uploadRefused('invalid_value', 'The lines must be UTF-8 text.', { param: FILE });
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  // Editors on Windows put a byte order mark before the first line, which is no part of it.
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function foreignType() {
  const remedy = 'send application/jsonl with a generation a line, or multipart/form-data with the lines as file';
  const rule = 'must be application/jsonl or multipart/form-data';
  return uploadRefused('unsupported_media_type', `A batch ${rule}.`, { param: 'content-type', remedy, rule });
}
