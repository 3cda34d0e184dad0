// The head of an HTTP/1.1 answer: its status and headers, how its body ends, and whether the connection may be used again.
// Strict where two readers could disagree on where an answer ends: two lengths, a length beside chunks, folded lines and
// bare line feeds are refused, as node's own parser does.

export type AnswerHead = {
  readonly status: number;
  /** Names in lower case, in the order they came; a name may come again. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly framing: Framing;
  /** How long the connection may wait for its next call, in real milliseconds; 0: there is none. */
  readonly reusableMs: number;
};

export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** The body ends when the server closes the connection. */
  | { readonly kind: 'close' };

/** What came is no HTTP, or none that has one meaning. */
export class NotHttp extends Error {
  readonly code = 'ERR_NOT_HTTP';
}

/** Servers close idle connections after 5 s and more; one that is closed while a call is on its way to it loses the call. */
const REUSABLE_MS = 4_000;
/** A server that names its limit gets the next call at least this long before. */
const REUSE_MARGIN_MS = 2_000;
const MOST_REUSABLE_MS = 600_000;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d|[6-9]\d\d)(?: [^\r\n\0]*)?$/;
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a value
const FORBIDDEN_IN_VALUE = /[\0-\x08\x0a-\x1f\x7f]/;

/** `text`: everything before the empty line, as Latin-1. Throws NotHttp. */
export function parseHead(text: string, method: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, code] = STATUS_LINE.exec(first) ?? [];
  if (code === undefined) throw new NotHttp('the answer does not begin like HTTP/1.1');
  const status = Number(code);
  const headers = lines.map(parseLine);
  const framing = framingOf(status, method, headers);
  return { status, headers, framing, reusableMs: framing.kind === 'close' ? 0 : reusableMsOf(minor === '1', headers) };
}

function parseLine(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const value = line.slice(colon + 1).trim();
  if (!NAME.test(name) || FORBIDDEN_IN_VALUE.test(value)) throw new NotHttp('the answer has a header that is none');
  return [name.toLowerCase(), value];
}

type Headers = AnswerHead['headers'];

function framingOf(status: number, method: string, headers: Headers): Framing {
  const lengths = valuesOf(headers, 'content-length');
  const codings = valuesOf(headers, 'transfer-encoding');
  const [length] = lengths;
  if (lengths.some((other) => other !== length)) throw new NotHttp('the answer has several lengths');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new NotHttp('the length of the answer is no number');
  if (length !== undefined && codings.length > 0) throw new NotHttp('the answer has a length and comes in chunks');
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'length', bytes: 0 };
  if (codings.length > 0) {
    if (codings.join() !== 'chunked') throw new NotHttp('the answer has a transfer encoding that nobody asked for');
    return { kind: 'chunked' };
  }
  return length === undefined ? { kind: 'close' } : { kind: 'length', bytes: Number(length) };
}

function reusableMsOf(isPersistent: boolean, headers: Headers): number {
  const wishes = valuesOf(headers, 'connection');
  if (wishes.includes('close') || !(isPersistent || wishes.includes('keep-alive'))) return 0;
  const hint = /\btimeout=(\d{1,9})/i.exec(headers.find(([name]) => name === 'keep-alive')?.[1] ?? '')?.[1];
  if (hint === undefined) return REUSABLE_MS;
  return Math.min(MOST_REUSABLE_MS, Math.max(0, Number(hint) * 1_000 - REUSE_MARGIN_MS));
}

/** The members of a list header, in lower case, however many lines they came on. */
function valuesOf(headers: Headers, wanted: string): readonly string[] {
  const values: string[] = [];
  for (const [name, value] of headers) {
    if (name === wanted) for (const one of value.split(',')) values.push(one.trim().toLowerCase());
  }
  return values;
}
