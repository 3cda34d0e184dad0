// Finds what stands in quotation marks, in any of the styles people type, and tells marks from apostrophes, possessives,
// decades ('90s) and inches (24"). It decides where quotes are, not what they mean: lettering.ts does. The next closing
// mark of each kind is remembered, so a prompt full of unclosed marks is still read in linear time.
import { isUnspaced, isWordCharacter } from './tokens.ts';

/** A quoted stretch: its words, and where it stands, marks included. `title` marks are the CJK ones for works. */
export type Quote = {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly mark: 'double' | 'single' | 'title' | 'code';
};

/** Longer stretches are structure or an unclosed mark rather than one string of lettering. */
const LONGEST_QUOTE = 600;

/** A quote that is nearly the whole prompt is the prompt, pasted with its marks. */
const WHOLE_PROMPT = 0.9;

type Pair = { readonly close: string; readonly mark: Quote['mark'] };
const PAIRS: ReadonlyMap<string, Pair> = new Map<string, Pair>([
  ['"', { close: '"', mark: 'double' }],
  ['“', { close: '”“"', mark: 'double' }],
  ['”', { close: '”', mark: 'double' }],
  ['„', { close: '“”"', mark: 'double' }],
  ['«', { close: '»', mark: 'double' }],
  ['»', { close: '«', mark: 'double' }],
  ['「', { close: '」', mark: 'double' }],
  ['『', { close: '』', mark: 'double' }],
  ['＂', { close: '＂', mark: 'double' }],
  ['〝', { close: '〞〟', mark: 'double' }],
  ["'", { close: "'’", mark: 'single' }],
  ['‘', { close: "’'", mark: 'single' }],
  ['‚', { close: '‘’', mark: 'single' }],
  ['‹', { close: '›', mark: 'single' }],
  ['《', { close: '》', mark: 'title' }],
  ['〈', { close: '〉', mark: 'title' }],
  ['`', { close: '`', mark: 'code' }],
]);

/** Marks that open and close with the same sign need a look at their neighbours. */
const AMBIGUOUS = new Set(['"', "'", '`', '”', '»']);
const DECADE = /^['‘]\d0s/;

/** Quotes from left to right; none lies inside another. */
export function findQuotes(prompt: string): readonly Quote[] {
  const closers = closerFinder(prompt);
  const quotes: Quote[] = [];
  for (let at = 0; at < prompt.length; at += 1) {
    const pair = isPlain(prompt.charCodeAt(at)) ? undefined : PAIRS.get(prompt.charAt(at));
    if (!pair || !opens(prompt, at)) continue;
    const end = closers(at, pair);
    if (end < 0 || end - at > LONGEST_QUOTE || end - at < 2) continue;
    quotes.push({ text: prompt.slice(at + 1, end).trim(), start: at, end: end + 1, mark: pair.mark });
    at = end;
  }
  return quotes.filter((quote) => quote.text.length > 0 && quote.end - quote.start < prompt.length * WHOLE_PROMPT);
}

/** Letters, digits, spaces and Han: most of any prompt, and never a mark. */
function isPlain(code: number): boolean {
  return (code > 0x60 && code < 0xab) || (code < 0x60 && code > 0x27) || code < 0x22 || (code > 0x3020 && code < 0xff00);
}

function opens(prompt: string, at: number): boolean {
  const character = prompt.charAt(at);
  const before = prompt.charCodeAt(at - 1);
  if (DECADE.test(prompt.slice(at, at + 4))) return false;
  if (!AMBIGUOUS.has(character)) return true;
  return !isWordCharacter(before) && !isBlank(prompt.charAt(at + 1));
}

function closes(prompt: string, at: number, mark: Quote['mark']): boolean {
  const character = prompt.charAt(at);
  if (mark !== 'single' && character !== '`') return true;
  const after = prompt.charCodeAt(at + 1);
  return !isWordCharacter(after) && (!isBlank(prompt.charAt(at - 1)) || isUnspaced(after));
}

function isBlank(character: string): boolean {
  return character === '' || character === ' ' || character === '\n' || character === '\t' || character === '\u00a0';
}

/** Remembers per pair where the next closing mark is: each pair walks the prompt once in all. */
function closerFinder(prompt: string): (open: number, pair: Pair) => number {
  const known = new Map<Pair, number>();
  return (open, pair) => {
    const from = open + 1;
    const seen = known.get(pair);
    if (seen !== undefined && (seen < 0 || seen >= from)) return seen;
    let at = from;
    while (at < prompt.length && !(pair.close.includes(prompt.charAt(at)) && closes(prompt, at, pair.mark))) at += 1;
    const found = at < prompt.length ? at : -1;
    known.set(pair, found);
    return found;
  };
}
