// Counts the distinct things a prompt describes. No parser and no dictionary of nouns: small words, doings and marks cut the
// prompt into phrases; the last word of a phrase that is not a quality is its noun; equal nouns count once. Rough, but it
// follows what is pictured, where the length of a prompt mostly follows how much is said about its looks.
import { isUnspaced, type Token } from './tokens.ts';
import {
  BODY_WORDS,
  CREDIT_WORDS,
  DOING_WORDS,
  ING_NOUNS,
  NUMBER_WORDS,
  PARTING_CHARACTERS,
  PARTING_WORDS,
  PERSON_WORDS,
  PICTURE_WORDS,
  QUALITY_WORDS,
  THINGS_LIKE_QUALITIES,
  WORN_WORDS,
} from './vocabulary/things.ts';

export type Things = {
  readonly elements: number;
  /** Further ones of the same kind, by stated numbers: six characters are five copies. */
  readonly copies: number;
  readonly words: number;
  /** The first few nouns, for the evidence. */
  readonly sample: string;
  /** Where each thing is first named, in order. */
  readonly firsts: readonly number[];
};

/** A CJK or Thai phrase of more characters than this is a clause of several words: it holds one thing per so many. */
const CHARACTERS_PER_THING = 6;
/** Characters of such scripts that make a word, for the word count. */
const CHARACTERS_PER_WORD = 1.7;
/** A stated crowd counts up to here: "nine hundred books" are scenery. */
const MOST_COPIES = 11;
/** Nouns named in the evidence. */
const SAMPLE = 6;

type Found = { readonly nouns: Map<string, number>; readonly bodies: Map<string, number>; copies: number; readonly hasPerson: boolean };

/** A stretch of the prompt that names no thing: lettering is drawn, what it says is not. */
export type Span = { readonly start: number; readonly end: number };

/** `skipped` stretches, in order, are passed over. */
export function readElements(prompt: string, tokens: readonly Token[], skipped: readonly Span[] = []): Things {
  const found: Found = { nouns: new Map(), bodies: new Map(), copies: 0, hasPerson: tokens.some((token) => PERSON_WORDS.has(token.word)) };
  collectSpaced(prompt, withoutSpans(tokens, skipped), found);
  const characters = collectUnspaced(prompt, found);
  // A prompt about nothing but limbs describes them.
  const nouns = found.nouns.size > 0 ? found.nouns : found.bodies;
  const firsts = [...nouns.values()].sort((a, b) => a - b);
  return {
    elements: nouns.size,
    copies: Math.min(found.copies, MOST_COPIES),
    words: tokens.length + Math.round(characters / CHARACTERS_PER_WORD),
    sample: [...nouns.keys()].slice(0, SAMPLE).join(', '),
    firsts,
  };
}

function withoutSpans(tokens: readonly Token[], spans: readonly Span[]): readonly Token[] {
  let next = 0;
  return tokens.filter((token) => {
    while (next < spans.length && (spans[next]?.end ?? 0) <= token.start) next += 1;
    const span = spans[next];
    return span === undefined || token.start < span.start;
  });
}

function collectSpaced(prompt: string, tokens: readonly Token[], found: Found): void {
  let head: Token | undefined;
  let count = 1;
  let previous: Token | undefined;
  let isCredit = false;
  const close = (): void => {
    if (head) keep(found, head, count);
    head = undefined;
    count = 1;
  };
  for (const token of tokens) {
    const isMarked = previous !== undefined && hasMark(prompt, previous.end, token.start);
    if (isMarked) close();
    isCredit = isCredit ? !isMarked && !ARTICLES.has(token.word) : CREDIT_WORDS.has(token.word);
    previous = token;
    if (isCredit || isParting(token.word)) close();
    else if (NUMBER_WORDS.has(token.word)) count = NUMBER_WORDS.get(token.word) ?? 1;
    else if (!isQuality(token.word)) head = token;
  }
  close();
}

function keep(found: Found, head: Token, count: number): void {
  const noun = singular(head.word);
  if (BODY_WORDS.has(noun) || BODY_WORDS.has(head.word)) {
    if (!found.bodies.has(noun)) found.bodies.set(noun, head.start);
    return;
  }
  if (found.hasPerson && (WORN_WORDS.has(noun) || WORN_WORDS.has(head.word))) return;
  if (noun.length < 2 || PICTURE_WORDS.has(noun) || PICTURE_WORDS.has(head.word) || found.nouns.has(noun)) return;
  found.nouns.set(noun, head.start);
  found.copies += count - 1;
}

function isParting(word: string): boolean {
  if (PARTING_WORDS.has(word) || DOING_WORDS.has(word)) return true;
  if (word.length > 4 && word.endsWith('ing')) return !ING_NOUNS.has(word);
  return word.length > 4 && (word.endsWith('ly') || word.endsWith('ed')) && !LY_NOUNS.has(word);
}

/** Nouns in -ly and -ed, which are neither manners nor deeds. */
const LY_NOUNS = new Set(['butterfly', 'dragonfly', 'firefly', 'family', 'jelly', 'belly', 'steed', 'seaweed']);

/** "By a river" is a place, "by name" an artist. */
const ARTICLES = new Set(['a', 'an', 'the', 'its', 'his', 'her', 'their', 'and']);
const QUALITY_ENDING = /(?:ous|ful|ic|ive|able|ible|ish|less|ical|esque)$/;

function isQuality(word: string): boolean {
  if (QUALITY_WORDS.has(word) || isFigure(word)) return true;
  return word.length > 4 && QUALITY_ENDING.test(word) && !THINGS_LIKE_QUALITIES.has(word);
}

function isFigure(word: string): boolean {
  const code = word.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}

/** Anything but a space or a hyphen between two words parts them. */
function hasMark(prompt: string, from: number, to: number): boolean {
  for (let at = from; at < to && at < from + 4; at += 1) {
    const character = prompt.charAt(at);
    if (character !== ' ' && character !== '-' && character !== '/') return true;
    if (character === '-' && prompt.charAt(at + 1) === '-') return true;
  }
  return false;
}

function singular(word: string): string {
  const stem = withoutPossessive(word);
  if (stem.length < 4 || !stem.endsWith('s') || stem.endsWith('ss') || stem.endsWith('us') || stem.endsWith('is')) return stem;
  if (stem.endsWith('ies')) return `${stem.slice(0, -3)}y`;
  return /(?:ch|sh|x|ss|z)es$/.test(stem) ? stem.slice(0, -2) : stem.slice(0, -1);
}

function withoutPossessive(word: string): string {
  const isPossessive = word.endsWith("'s") || word.endsWith('’s');
  return isPossessive ? word.slice(0, -2) : word;
}

/** Returns how many characters of scripts without spaces there are. */
function collectUnspaced(prompt: string, found: Found): number {
  let total = 0;
  let start = -1;
  for (let at = 0; at <= prompt.length; at += 1) {
    const isRun = at < prompt.length && isUnspaced(prompt.charCodeAt(at));
    if (isRun) total += 1;
    if (isRun && !PARTING_CHARACTERS.has(prompt.charAt(at))) {
      if (start < 0) start = at;
      continue;
    }
    if (start >= 0 && at - start >= 2) keepRun(found, prompt.slice(start, at), start);
    start = -1;
  }
  return total;
}

function keepRun(found: Found, run: string, start: number): void {
  for (let at = 0; at < run.length; at += CHARACTERS_PER_THING) {
    const piece = run.slice(at, at + CHARACTERS_PER_THING);
    if (piece.length >= 2 && !found.nouns.has(piece)) found.nouns.set(piece, start + at);
  }
}
