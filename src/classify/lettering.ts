// Decides which quotes of a prompt are to be drawn as letters: those that stand by a lettering word and not by one that
// names a style, a film or a speaker. A quote alone proves nothing: people quote names, feelings and coined words as often
// as inscriptions. Strings without quotation marks are found by announced.ts.
import type { Hit } from './lexicon.ts';
import type { Quote } from './quotes.ts';
import { firstFrom, lastBefore } from './spots.ts';
import { isOneSentence, isUnspaced } from './tokens.ts';
import type { LetteringConcept } from './vocabulary/lettering.ts';

/** One string to draw: its words, and the rule that found it. */
export type Lettering = {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly rule: string;
  readonly because: string;
};

/** A lettering word that nobody refused. */
export type Cue = Hit<LetteringConcept>;

/** Characters looked through before a quote for the word that makes it lettering: about twelve words. */
const BEFORE = 80;
/** And behind it: "…" written in chalk. */
const AFTER = 45;
/** "…" logo, "…" sign: the thing carrying the letters stands right behind them. */
const CARRIER_AFTER = 14;
/** A name word only spoils the quote right behind it: in the style of "…". */
const NAMING_BEFORE = 22;
/** Verbs of showing have other objects too: only a quote right behind is what they show. */
const SHOWS_BEFORE = 16;
/** A quote this long is a sentence: names and coined words are shorter. */
const SENTENCE_WORDS = 6;
/** From one string of a list to the next. */
const CHAIN = 70;
/** One CJK character as a share of a word: the labelled prompts count so. */
const WORDS_PER_CHARACTER = 0.6;

/** Words of lettering: words between spaces, plus 0.6 for each character of a script without them. */
export function countLetteringWords(text: string): number {
  let characters = 0;
  let words = 0;
  let isInside = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isRun = isUnspaced(code);
    const isBlank = code === 0x20 || code === 0x0a || code === 0x3000 || code === 0x09;
    if (isRun) characters += 1;
    if (!isRun && !isBlank && !isInside && !isPunctuation(code)) words += 1;
    isInside = !isRun && !isBlank && (isInside || !isPunctuation(code));
  }
  return words + characters * WORDS_PER_CHARACTER;
}

function isPunctuation(code: number): boolean {
  return (
    code < 0x30 ||
    (code > 0x39 && code < 0x41) ||
    (code >= 0x3000 && code <= 0x303f) ||
    (code >= 0xff00 && code <= 0xff20) ||
    (code >= 0x2010 && code <= 0x2027)
  );
}

/** The quotes that are lettering, with reasons. `cues` are the lettering words that nobody refused, in order. */
export function quotedLettering(prompt: string, quotes: readonly Quote[], cues: readonly Cue[], isDocument: boolean): readonly Lettering[] {
  const found: Lettering[] = [];
  let last: Lettering | undefined;
  for (const quote of quotes) {
    const because = reasonFor(prompt, quote, cues, last, isDocument);
    last = because === undefined ? undefined : { text: quote.text, start: quote.start, end: quote.end, rule: 'quoted-text', because };
    if (last) found.push(last);
  }
  return found;
}

/** Why a quote is lettering, or undefined when it is not. The nearest word before it speaks first. */
function reasonFor(
  prompt: string,
  quote: Quote,
  cues: readonly Cue[],
  last: Lettering | undefined,
  isDocument: boolean,
): string | undefined {
  const before = lastBefore(cues, quote.start);
  if (before && quote.start - before.end <= BEFORE && isOneSentence(prompt, before.end, quote.start)) {
    const verdict = verdictOfCue(prompt, quote, before, cues);
    if (verdict.kind === 'settled') return verdict.because;
  }
  if (last && quote.start - last.end <= CHAIN && isOneSentence(prompt, last.end, quote.start)) return 'a list of strings';
  return cueBehind(prompt, quote, cues, AFTER) ?? reasonOfItsOwn(prompt, quote, last !== undefined, isDocument);
}

type Verdict = { readonly kind: 'settled'; readonly because: string | undefined } | { readonly kind: 'open' };

function verdictOfCue(prompt: string, quote: Quote, cue: Cue, cues: readonly Cue[]): Verdict {
  const gap = quote.start - cue.end;
  switch (cue.concept) {
    case 'naming':
      return gap <= NAMING_BEFORE ? { kind: 'settled', because: cueBehind(prompt, quote, cues, CARRIER_AFTER) } : { kind: 'open' };
    case 'says':
      return { kind: 'settled', because: carrierOfSpeech(prompt, cue, cues) };
    case 'shows':
      return gap <= SHOWS_BEFORE ? { kind: 'settled', because: cue.phrase } : { kind: 'open' };
    default:
      return quote.mark !== 'title' || gap <= NAMING_BEFORE ? { kind: 'settled', because: cue.phrase } : { kind: 'open' };
  }
}

/** A quote that no word explains: listed among strings, a whole sentence, or part of a document. */
function reasonOfItsOwn(prompt: string, quote: Quote, isListed: boolean, isDocument: boolean): string | undefined {
  if (isIntroduced(prompt, quote) && (isListed || isDocument)) return 'a list of strings';
  if (quote.mark === 'double' && countLetteringWords(quote.text) >= SENTENCE_WORDS) return 'a quoted sentence';
  return isDocument && quote.mark !== 'title' ? 'a document' : undefined;
}

/** Behind a colon, a bullet or at the start of a line: the way strings are listed. */
function isIntroduced(prompt: string, quote: Quote): boolean {
  let at = quote.start - 1;
  while (at >= 0 && prompt.charAt(at) === ' ') at -= 1;
  return at < 0 || ':：•-*\n'.includes(prompt.charAt(at));
}

function cueBehind(prompt: string, quote: Quote, cues: readonly Cue[], writingReach: number): string | undefined {
  const after = firstFrom(cues, quote.end);
  if (!after || after.concept === 'naming' || after.concept === 'says' || !isOneSentence(prompt, quote.end, after.start)) return undefined;
  const isWriting = after.concept === 'writing' || after.concept === 'lettering';
  return after.start - quote.end <= (isWriting ? writingReach : CARRIER_AFTER) ? after.phrase : undefined;
}

/** "A sign says …" is lettering, "the scholar says …" is not: something that carries letters must be speaking. */
export function carrierOfSpeech(prompt: string, says: Cue, cues: readonly Cue[]): string | undefined {
  const before = lastBefore(cues, says.start);
  if (!before || before.concept === 'naming' || before.concept === 'says') return undefined;
  return says.start - before.end <= BEFORE && isOneSentence(prompt, before.end, says.start)
    ? `${before.phrase} … ${says.phrase}`
    : undefined;
}
