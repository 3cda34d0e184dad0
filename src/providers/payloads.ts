// Keeps megabytes out of JSON.parse. An answer with a picture is a small envelope around one long base64 string; parsing
// it as text copies those megabytes three times over. Here the long strings are cut out of the bytes first, each leaving
// a short mark in its place: whoever parses the rest (an official SDK, in its own way) sees the envelope, and the bytes of
// a picture are found again by its mark. Only strings that begin like base64 are cut, so prose and data URIs stay; a
// string with an escape stays too. A provider that writes such a mark itself can only point at its own bytes.

/** Shorter strings are cheaper to parse than to cut. */
const SHORTEST_PAYLOAD = 4_096;
/** Bytes that must look like base64 before a string is taken for a payload. */
const LOOKED_AT = 16;
const BASE64_HEAD = /^[A-Za-z0-9+/]+$/;
/** An answer has dozens of strings; a hostile one of millions is parsed as it is. */
const MOST_STRINGS = 10_000;
const MARK = 'image-router-payload:';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export type CutJson = {
  /** The JSON with marks in place of its payloads; the whole text when there are none. */
  readonly text: string;
  /** The bytes a mark stands for, a view into the answer; any other text as it is. */
  readonly resolve: (text: string) => string | Uint8Array;
};

/**
 * Never throws: what is no JSON is handed on as text, for its parser to complain about. `head`: what the first 16 bytes of a
 * payload look like, where it is not plain base64.
 */
export function cutPayloads(json: Buffer, head: RegExp = BASE64_HEAD): CutJson {
  const payloads: Buffer[] = [];
  const kept: string[] = [];
  let keptTo = 0;
  let start = json.length < SHORTEST_PAYLOAD ? -1 : json.indexOf(QUOTE);
  for (let strings = 0; start !== -1 && strings < MOST_STRINGS; strings += 1) {
    const end = endOfString(json, start + 1);
    if (end === -1) break;
    const content = json.subarray(start + 1, end);
    if (isPayload(content, head)) {
      kept.push(json.toString('utf8', keptTo, start + 1), MARK + payloads.length);
      payloads.push(content);
      keptTo = end;
    }
    start = json.indexOf(QUOTE, end + 1);
  }
  kept.push(json.toString('utf8', keptTo));
  const resolve = (text: string): string | Uint8Array =>
    text.startsWith(MARK) ? (payloads[Number(text.slice(MARK.length))] ?? text) : text;
  return { text: kept.join(''), resolve };
}

/** Where the quote stands that closes the string; -1 when there is none. */
function endOfString(json: Buffer, from: number): number {
  let end = json.indexOf(QUOTE, from);
  while (end !== -1 && isEscaped(json, from, end)) end = json.indexOf(QUOTE, end + 1);
  return end;
}

function isEscaped(json: Buffer, from: number, at: number): boolean {
  let backslashes = 0;
  while (at - backslashes > from && json[at - backslashes - 1] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

function isPayload(content: Buffer, head: RegExp): boolean {
  return content.length >= SHORTEST_PAYLOAD && head.test(content.toString('latin1', 0, LOOKED_AT)) && !content.includes(BACKSLASH);
}
