// Cuts a prompt into words and into characters of scripts that put no spaces between words. One pass over character
// codes rather than a regular expression: linear in the prompt whatever it contains, lone surrogates included.

/** A word in lower case, and where it stands in the prompt (end exclusive). */
export type Token = { readonly word: string; readonly start: number; readonly end: number };

const isBetween = (code: number, low: number, high: number): boolean => code >= low && code <= high;

/** Han, kana, Hangul and Thai: words are found inside the run of characters, not between spaces. */
export function isUnspaced(code: number): boolean {
  if (code < 0x0e00) return false;
  return (
    isBetween(code, 0x0e00, 0x0e7f) ||
    isBetween(code, 0x3040, 0x30ff) ||
    isBetween(code, 0x3400, 0x9fff) ||
    isBetween(code, 0xac00, 0xd7a3) ||
    isBetween(code, 0xf900, 0xfaff)
  );
}

/** Letters and digits of scripts that separate words by spaces. */
export function isWordCharacter(code: number): boolean {
  if (Number.isNaN(code)) return false;
  if (code < 0x80) return isBetween(code, 0x61, 0x7a) || isBetween(code, 0x41, 0x5a) || isBetween(code, 0x30, 0x39);
  if (code < 0xc0 || code === 0xd7 || code === 0xf7) return false;
  if (isBetween(code, 0x2000, 0x2bff) || isBetween(code, 0x3000, 0x303f) || code >= 0xd800) return false;
  return !isUnspaced(code);
}

const APOSTROPHES = new Set([0x27, 0x2019]);

/** `don't` and `fox's` stay one word; `--` and `/` part words; hyphens part words too (`t-shirt` is `t`, `shirt`). */
export function tokenise(prompt: string): readonly Token[] {
  const tokens: Token[] = [];
  let start = -1;
  for (let at = 0; at <= prompt.length; at += 1) {
    const code = at < prompt.length ? prompt.charCodeAt(at) : 0;
    if (isWordCharacter(code)) {
      if (start < 0) start = at;
      continue;
    }
    if (start < 0) continue;
    if (APOSTROPHES.has(code) && isWordCharacter(prompt.charCodeAt(at + 1))) continue;
    tokens.push({ word: prompt.slice(start, at).toLowerCase(), start, end: at });
    start = -1;
  }
  return tokens;
}

const SENTENCE_ENDS = new Set([...'.!?;。！？；\n।'].map((character) => character.charCodeAt(0)));
/** Longest stretch looked through for the end of a sentence: keeps every look-around constant. */
const LOOK_LIMIT = 200;

/** Whether `from` and `to` stand in one sentence. A full stop inside a number or a file name ends none. */
export function isOneSentence(prompt: string, from: number, to: number): boolean {
  if (to - from > LOOK_LIMIT) return false;
  for (let at = from; at < to; at += 1) {
    const code = prompt.charCodeAt(at);
    if (!SENTENCE_ENDS.has(code)) continue;
    if (code !== 0x2e || !isWordCharacter(prompt.charCodeAt(at + 1))) return false;
  }
  return true;
}
