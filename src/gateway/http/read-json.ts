// Reads a small JSON body: an image request without pictures. The type is checked first, then the length as bytes arrive;
// how long it may take is the server's own limit, so no timer is needed here. Read from the socket directly where there is
// one: a web stream around it would cost every waiting request several kilobytes.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Call } from './call.ts';
import { refuseEncoded } from './content-encoding.ts';
import { jsonErrorAt, positionText } from './json-position.ts';
import { oneProblem, Refusal } from './refusal.ts';

/** Throws Refusal unless the body is a JSON object of at most `limits.jsonBytes`. */
export async function readJsonBody(call: Call): Promise<Readonly<Record<string, unknown>>> {
  requireType(call.headers, 'application/json');
  refuseEncoded(call.headers);
  const limit = call.gateway.settings().limits.jsonBytes;
  if (Number(call.headers.get('content-length') ?? 0) > limit) throw tooLarge(limit);
  const { incoming } = call;
  const bytes = incoming === undefined ? await readStream(call.request, limit) : await readSocket(incoming, limit);
  return parse(bytes);
}

/** `application/json; charset=utf-8` is `application/json`. Throws Refusal 415. */
function requireType(headers: Headers, type: string): void {
  const given = headers.get('content-type');
  const [bare = ''] = (given ?? '').split(';');
  if (bare.trim().toLowerCase() === type) return;
  const message = given === null ? `The request has no content-type; it must be ${type}.` : `The content-type must be ${type}.`;
  const remedy = `send the header content-type: ${type}`;
  const extras = oneProblem('content-type', `must be ${type}`, remedy);
  throw new Refusal({ status: 415, code: 'unsupported_media_type', message, param: 'content-type', remedy, extras });
}

function readSocket(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = (): void => {
      incoming.off('data', take).off('end', finish).off('close', cutOff).off('error', cutOff);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.byteLength;
      chunks.push(chunk);
      if (length <= limit) return;
      stop();
      reject(tooLarge(limit));
    };
    const finish = (): void => {
      stop();
      resolve(Buffer.concat(chunks, length));
    };
    const cutOff = (): void => {
      stop();
      reject(cutShort());
    };
    if (incoming.destroyed && !incoming.complete) return cutOff();
    incoming.on('data', take).once('end', finish).once('close', cutOff).once('error', cutOff);
  });
}

async function readStream(request: Request, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> | null = request.body;
  for await (const chunk of body ?? []) {
    length += chunk.byteLength;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> {
  if (!isUtf8(bytes)) throw invalidJson('The body is not UTF-8 text.');
  const text = bytes.toString();
  const value = parseText(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidJson('The body must be a JSON object.');
  return Object.fromEntries(Object.entries(value));
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const where = text.trim() === '' ? 'it is empty' : `it goes wrong at ${positionText(text, jsonErrorAt(text))}`;
    throw invalidJson(`The body is not valid JSON: ${where}.`);
  }
}

function invalidJson(message: string): Refusal {
  return new Refusal({ status: 400, code: 'invalid_json', message });
}

function cutShort(): Refusal {
  return new Refusal({ status: 400, code: 'request_cut_short', message: 'The body ended before it was complete.' });
}

function tooLarge(limit: number): Refusal {
  return new Refusal({
    status: 413,
    code: 'request_too_large',
    message: `The body must be at most ${limit} bytes.`,
    extras: oneProblem('body', `must be at most ${limit} bytes`),
    // The rest of the body is still to come, and nobody will read it.
    headers: { connection: 'close' },
  });
}
