// A JSON body of megabytes, read while somebody else's pictures are being served. Long strings are cheap to parse; many
// small values are not: 64 MB of brackets become gigabytes of arrays, which ends the process. So the separators are
// counted while the bytes arrive, and a body that holds more values than any edit has is never parsed.
import { isUtf8 } from 'node:buffer';
import { type BodyRules, readBody } from './bounded-body.ts';
import { byteCollector } from './byte-collector.ts';
import { UploadRefused } from './upload-refused.ts';

/** Base64 contains none of `, [ {`; a prompt of 32 000 characters may be commas throughout. */
const MOST_SEPARATORS = 50_000;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;

/** Rejects with UploadRefused unless the body is a JSON object. */
export async function readJsonObject(request: Request, rules: BodyRules): Promise<Readonly<Record<string, unknown>>> {
  const bytes = byteCollector();
  let separators = 0;
  await readBody(request, rules, () => ({
    write: (piece) => {
      separators += separatorsIn(piece);
      if (separators > MOST_SEPARATORS) throw new UploadRefused('invalid_json', 'The JSON body holds too many values.');
      bytes.add(piece);
    },
    end: () => undefined,
  }));
  const value = parse(bytes.join());
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UploadRefused('invalid_json', 'The body must be a JSON object.');
  return Object.fromEntries(Object.entries(value));
}

function separatorsIn(piece: Uint8Array): number {
  let count = 0;
  for (const byte of piece) if (byte === COMMA || byte === BRACKET || byte === BRACE) count += 1;
  return count;
}

/** The parser's own message quotes the text around the error, which is the caller's prompt. */
function parse(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw new UploadRefused('invalid_json', 'The body must be JSON in UTF-8.');
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    throw new UploadRefused('invalid_json', 'The body is no valid JSON.');
  }
}
