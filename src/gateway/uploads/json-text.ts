// A JSON body of megabytes, read while somebody else's pictures are being served: its pictures are cut out as bytes before
// the rest is parsed. Many small values would be worse than long ones: 64 MB of brackets become gigabytes of arrays, which
// ends the process. So separators are counted while bytes arrive, and a body of more values than any edit has is refused.
import { isUtf8 } from 'node:buffer';
import { type CutJson, cutPayloads } from '../../providers/payloads.ts';
import { jsonErrorAt } from '../http/json-position.ts';
import { type BodyRules, readBody } from './bounded-body.ts';
import { byteCollector } from './byte-collector.ts';
import { uploadRefused } from './upload-refused.ts';

/** Base64 contains none of `, [ {`; a prompt of 32 000 characters may be commas throughout. */
const MOST_SEPARATORS = 50_000;
/** Characters. Searching costs far more than parsing, and somebody else's pictures wait meanwhile; what people write by hand is shorter. */
const MOST_SEARCHED = 1024 * 1024;
const SEPARATORS = [0x2c, 0x5b, 0x7b];

/** `resolve` gives the bytes of a text that was cut out of `fields` for its length; any other text as it is. */
export type JsonObject = { readonly fields: Readonly<Record<string, unknown>>; readonly resolve: CutJson['resolve'] };

/** Rejects with Refusal unless the body is a JSON object. */
export async function readJsonObject(request: Request, rules: BodyRules): Promise<JsonObject> {
  const bytes = byteCollector();
  let separators = 0;
  await readBody(request, rules, () => ({
    write: (piece) => {
      separators += separatorsIn(piece, MOST_SEPARATORS);
      if (separators > MOST_SEPARATORS) throw uploadRefused('invalid_json', 'The JSON body holds too many values.');
      bytes.add(piece);
    },
    end: () => undefined,
  }));
  const json = cut(bytes.join());
  const value = parse(json);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw uploadRefused('invalid_json', 'The body must be a JSON object.');
  return { fields: Object.fromEntries(Object.entries(value)), resolve: json.resolve };
}

/** Pictures stay bytes. */
function cut(json: Uint8Array): CutJson {
  if (!isUtf8(json)) throw uploadRefused('invalid_json', 'The body must be JSON in UTF-8.');
  return cutPayloads(Buffer.from(json.buffer, json.byteOffset, json.byteLength), /^data:image\//i);
}

/** By searching, which is far faster than looking at each byte where there are few. */
function separatorsIn(piece: Uint8Array, most: number): number {
  let count = 0;
  for (const separator of SEPARATORS) {
    for (let at = piece.indexOf(separator); at !== -1 && count <= most; at = piece.indexOf(separator, at + 1)) count += 1;
  }
  return count;
}

/** The parser's own message quotes the text around the error, which is the caller's prompt. */
function parse(json: CutJson): unknown {
  try {
    return JSON.parse(json.text);
  } catch {
    throw uploadRefused('invalid_json', `The body is not valid JSON${whereWrong(json)}.`);
  }
}

/** Line and column as the caller's editor counts them: with the pictures that were cut out. */
function whereWrong({ text, resolve }: CutJson): string {
  if (text.length > MOST_SEARCHED) return '';
  if (text.trim() === '') return ': it is empty';
  const before = text.slice(0, jsonErrorAt(text));
  const ownLine = before.slice(before.lastIndexOf('\n') + 1);
  const cutOut = [...ownLine.matchAll(/(?<=")[^"\\]+(?=")/g)].map(([mark]) => resolve(mark).length - mark.length);
  const column = cutOut.reduce((sum, length) => sum + length, ownLine.length + 1);
  return `: it goes wrong at line ${before.split('\n').length} column ${column}`;
}
