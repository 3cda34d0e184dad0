// Finds the phrases of a vocabulary in a prompt. The vocabularies are data; this file knows no word. Every phrase is
// looked up by its first word (or first character, where the script has no spaces), so the time depends on the length
// of the prompt and hardly on the size of the vocabulary. The longest phrase wins: `poster art style` hides `poster`.
import { isUnspaced, type Token } from './tokens.ts';

export type Hit<Concept extends string> = {
  readonly concept: Concept;
  readonly phrase: string;
  readonly start: number;
  readonly end: number;
};

type Entry<Concept extends string> = { readonly concept: Concept; readonly phrase: string; readonly words: readonly string[] };
type Index<Concept extends string> = ReadonlyMap<string, readonly Entry<Concept>[]>;
export type Lexicon<Concept extends string> = {
  readonly spaced: Index<Concept>;
  readonly unspaced: Index<Concept>;
  /** 1 for each code unit that begins an unspaced phrase: most characters are passed over by one look. */
  readonly beginnings: Uint8Array;
};
const CODE_UNITS = 0x10000;

/** Comma-separated phrases to a list: vocabularies stay readable as paragraphs. */
export function phrases(...paragraphs: readonly string[]): readonly string[] {
  return paragraphs.flatMap((paragraph) => paragraph.split(',')).flatMap((phrase) => (phrase.trim() === '' ? [] : [phrase.trim()]));
}

export function compileLexicon<Concept extends string>(concepts: ReadonlyMap<Concept, readonly string[]>): Lexicon<Concept> {
  const spaced = new Map<string, Entry<Concept>[]>();
  const unspaced = new Map<string, Entry<Concept>[]>();
  for (const [concept, list] of concepts) {
    for (const phrase of list) {
      const isRun = isUnspaced(phrase.charCodeAt(0));
      const words = isRun ? [phrase] : phrase.split(' ');
      const key = isRun ? phrase.charAt(0) : (words[0] ?? '');
      const index = isRun ? unspaced : spaced;
      index.set(key, [...(index.get(key) ?? []), { concept, phrase, words }]);
    }
  }
  for (const index of [spaced, unspaced]) {
    for (const entries of index.values()) {
      entries.sort((a, b) => b.words.length - a.words.length || b.phrase.length - a.phrase.length);
    }
  }
  const beginnings = new Uint8Array(CODE_UNITS);
  for (const key of unspaced.keys()) beginnings[key.charCodeAt(0)] = 1;
  return { spaced, unspaced, beginnings };
}

/** All phrases found, by position, none overlapping another of its kind of script. */
export function findPhrases<Concept extends string>(
  lexicon: Lexicon<Concept>,
  prompt: string,
  tokens: readonly Token[],
): readonly Hit<Concept>[] {
  const spaced = findSpaced(lexicon.spaced, tokens);
  const unspaced = findUnspaced(lexicon, prompt);
  if (spaced.length === 0 || unspaced.length === 0) return spaced.length === 0 ? unspaced : spaced;
  return [...spaced, ...unspaced].sort((a, b) => a.start - b.start);
}

function findSpaced<Concept extends string>(index: Index<Concept>, tokens: readonly Token[]): Hit<Concept>[] {
  const hits: Hit<Concept>[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const first = tokens[at];
    const candidates = first && index.get(first.word);
    const entry = candidates?.find(({ words }) => stands(words, tokens, at));
    const last = entry && tokens[at + entry.words.length - 1];
    if (!first || !entry || !last) continue;
    hits.push({ concept: entry.concept, phrase: entry.phrase, start: first.start, end: last.end });
    at += entry.words.length - 1;
  }
  return hits;
}

/** Whether the words stand at this place; the first is known to. */
function stands(words: readonly string[], tokens: readonly Token[], at: number): boolean {
  for (let offset = 1; offset < words.length; offset += 1) {
    if (tokens[at + offset]?.word !== words[offset]) return false;
  }
  return true;
}

function findUnspaced<Concept extends string>({ unspaced: index, beginnings }: Lexicon<Concept>, prompt: string): Hit<Concept>[] {
  const hits: Hit<Concept>[] = [];
  for (let at = 0; at < prompt.length; at += 1) {
    if (beginnings[prompt.charCodeAt(at)] !== 1) continue;
    const candidates = index.get(prompt.charAt(at));
    const entry = candidates?.find(({ phrase }) => prompt.startsWith(phrase, at));
    if (!entry) continue;
    hits.push({ concept: entry.concept, phrase: entry.phrase, start: at, end: at + entry.phrase.length });
    at += entry.phrase.length - 1;
  }
  return hits;
}
